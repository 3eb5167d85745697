/** What a search may vary: knobs with their ranges, settings of them, and places of both in the unit cube. */
import { exp, log } from "../base/portable-math.ts";
import type { RandomStream } from "../base/random.ts";

export type KnobValue = number | string | boolean;

export type Knob = NumberKnob | ChoiceKnob;

export interface NumberKnob {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** `log`: equal ratios are equally far apart; `from` is then above 0. */
  readonly scale: "linear" | "log";
  readonly isWhole: boolean;
  /** Undefined: the option may be left out, which is its default and one of its settings. */
  readonly usual: number | undefined;
}

export interface ChoiceKnob {
  readonly name: string;
  /** Undefined: left out. */
  readonly choices: readonly (KnobValue | undefined)[];
  /** One of the choices. */
  readonly usual: KnobValue | undefined;
}

/** One kind of thing that is tuned, such as a router, with what it has to vary. */
export interface Subject {
  readonly name: string;
  readonly knobs: readonly Knob[];
}

/** A subject with values for its knobs; one that is missing is left out. */
export interface Setting {
  /** Index of the subject. */
  readonly subject: number;
  readonly values: Readonly<Record<string, KnobValue>>;
}

/** Share of the unit interval in which an option that may be left out is. */
const LEFT_OUT = 0.2;
/** Three significant digits: more cannot be told apart, and nobody types them. */
const DIGITS = 3;

export function usualSetting(subjects: readonly Subject[], subject: number): Setting {
  const values = subjects[subject]!.knobs.flatMap(({ name, usual }) =>
    usual === undefined ? [] : [[name, usual] as const],
  );
  return { subject, values: Object.fromEntries(values) };
}

/** The value at a place of the unit interval; undefined: left out. */
export function valueAt(knob: Knob, place: number): KnobValue | undefined {
  if ("choices" in knob) {
    return knob.choices[Math.min(knob.choices.length - 1, Math.floor(place * knob.choices.length))];
  }
  const { from, to, usual } = knob;
  if (usual === undefined && place < LEFT_OUT) return undefined;
  const part = usual === undefined ? (place - LEFT_OUT) / (1 - LEFT_OUT) : place;
  const value =
    knob.scale === "log" ? from * exp(part * log(to / from)) : from + part * (to - from);
  const rounded = knob.isWhole ? Math.round(value) : Number(value.toPrecision(DIGITS));
  return Math.min(to, Math.max(from, rounded));
}

/** The place of a value; of one outside the range, the nearest end. */
export function placeOf(knob: Knob, value: KnobValue | undefined): number {
  if ("choices" in knob) {
    return (knob.choices.indexOf(value) + 0.5) / knob.choices.length;
  }
  if (value === undefined) return LEFT_OUT / 2;
  const { from, to, usual } = knob;
  const inside = Math.min(to, Math.max(from, value as number));
  const part =
    knob.scale === "log" ? log(inside / from) / log(to / from) : (inside - from) / (to - from);
  return usual === undefined ? LEFT_OUT + part * (1 - LEFT_OUT) : part;
}

/**
 * `count` settings that fill the space of one subject: each knob has one value in each of `count` equal
 * parts of its range (Latin hypercube sampling: McKay, Beckman and Conover, Technometrics 21, 1979).
 */
export function spaceFilling(
  { knobs }: Subject,
  { subject, count, random }: { subject: number; count: number; random: RandomStream },
): Setting[] {
  const columns = knobs.map(() =>
    random.shuffle(Array.from({ length: count }, (_, i) => (i + random.next()) / count)),
  );
  return Array.from({ length: count }, (_, i) =>
    settingAt(
      knobs,
      subject,
      columns.map((column) => column[i]!),
    ),
  );
}

/** How likely a step changes a choice, for each unit of its width. */
const CHOICE_CHANGES = 1;

/** A setting near another: each number moves by a normal step of `width` in its unit interval. */
export function near(
  { knobs }: Subject,
  { subject, values }: Setting,
  { width, random }: { width: number; random: RandomStream },
): Setting {
  const places = knobs.map((knob) => {
    const place = placeOf(knob, values[knob.name]);
    if ("choices" in knob) return random.next() < CHOICE_CHANGES * width ? random.next() : place;
    return reflected(place + random.normal(0, width));
  });
  return settingAt(knobs, subject, places);
}

/** Steps over an end come back, so that ends are not favoured. */
function reflected(place: number): number {
  const turned = Math.abs(place) % 2;
  return turned > 1 ? 2 - turned : turned;
}

function settingAt(knobs: readonly Knob[], subject: number, places: readonly number[]): Setting {
  const values = knobs.flatMap((knob, i) => {
    const value = valueAt(knob, places[i]!);
    return value === undefined ? [] : [[knob.name, value] as const];
  });
  return { subject, values: Object.fromEntries(values) };
}
