/**
 * Finds a good setting with few trials. A trial is one setting on one slice of the load; all settings
 * meet the same slices (common random numbers), so that they are compared pair by pair.
 *
 * 1. Settings that fill the space are tried on one slice; the better half goes on to as many slices
 *    again, and so on (successive halving: Karnin, Koren and Somekh, "Almost optimal exploration in
 *    multi-armed bandits", ICML 2013; Jamieson and Talwalkar, AISTATS 2016).
 * 2. Settings near the best are tried in the same way, with steps that become narrower when a round
 *    finds nothing better.
 *
 * It is a generator: it yields trials, and is resumed with their scores. Pure: the seed, the scores
 * and the budgets that it is given decide everything.
 */
import { near, spaceFilling, usualSetting, type Setting, type Subject } from "./space.ts";
import type { RandomStream } from "../base/random.ts";

export interface Trial {
  readonly setting: Setting;
  readonly slice: number;
}

/** Lower is better; Infinity where a setting cannot be used. */
export type Score = number;

export interface Resumed {
  /** Of the trials that were yielded, in their order. */
  readonly scores: readonly Score[];
  /** How many more trials there may be. */
  readonly trialsLeft: number;
}

/** A setting that was tried on `scores.length` slices, the first ones. */
export interface Candidate {
  readonly setting: Setting;
  readonly scores: Score[];
}

export interface SearchOptions {
  readonly subjects: readonly Subject[];
  /** Slices of the load; a setting that is tried on all of them is known. */
  readonly slices: number;
  readonly random: RandomStream;
}

export interface Found {
  /** Settings that were tried on all slices, the best first. Each subject's usual setting is among them. */
  readonly known: readonly Candidate[];
  /** All that were tried. */
  readonly tried: readonly Candidate[];
}

/** Part of the budget for settings that fill the space. */
const FILLING = 0.6;
/** So many of the best have settings tried near them. */
const ELITE = 4;
const NEAR_A_ROUND = 8;
const FIRST_WIDTH = 0.2;
const NARROWER = 0.7;
/** Narrower steps change nothing that could be measured. */
const LAST_WIDTH = 0.01;

type Steps<Out> = Generator<readonly Trial[], Out, Resumed>;

/** Tries each subject's usual setting first. Ends when the budget does, or nothing new is left to try. */
export function* search(options: SearchOptions): Steps<Found> {
  const { subjects, slices } = options;
  const tried: Candidate[] = subjects.map((_, subject) =>
    candidate(usualSetting(subjects, subject)),
  );
  const found: Found & { known: Candidate[]; tried: Candidate[] } = { known: [...tried], tried };
  const fresh = freshIn(tried);
  let left = yield* onAll(found.known, slices);
  // Steps from the best end in the nearest valley; another filling may find a deeper one.
  for (let before = 0; left >= slices && tried.length > before;) {
    before = tried.length;
    left = yield* fill(options, { found, fresh, left });
    left = yield* refine(options, { found, fresh, left });
  }
  found.known.sort(byMean);
  return found;
}

interface Searching {
  readonly found: { known: Candidate[]; tried: Candidate[] };
  readonly fresh: (settings: readonly Setting[]) => Candidate[];
  readonly left: number;
}

/** Settings that fill the space of each subject, with a part of what is left. Returns the trials left. */
function* fill({ subjects, slices, random }: SearchOptions, on: Searching): Steps<number> {
  const variable = subjects.filter(({ knobs }) => knobs.length > 0).length;
  const count = Math.floor((FILLING * on.left) / (variable * costOfOne(slices)));
  const settings = subjects.flatMap((subject, i) =>
    subject.knobs.length === 0 ? [] : spaceFilling(subject, { subject: i, count, random }),
  );
  return yield* halved(on.fresh(settings), slices, on);
}

/** Settings near the best, until steps are narrow or the budget ends. Returns the trials left. */
function* refine({ subjects, slices, random }: SearchOptions, on: Searching): Steps<number> {
  const { known } = on.found;
  let { left } = on;
  for (let width = FIRST_WIDTH; width >= LAST_WIDTH && left >= slices;) {
    known.sort(byMean);
    const [bestBefore] = known;
    const elite = known.filter(({ setting }) => subjects[setting.subject]!.knobs.length > 0);
    if (elite.length === 0) return left;
    const round = Array.from({ length: NEAR_A_ROUND }, (_, i) => {
      const { setting } = elite[i % Math.min(ELITE, elite.length)]!;
      return near(subjects[setting.subject]!, setting, { width, random });
    });
    left = yield* halved(on.fresh(round), slices, { ...on, left });
    known.sort(byMean);
    if (known[0] === bestBefore) width *= NARROWER;
  }
  return left;
}

/** Tries on one slice, drops the worse half, doubles the slices; those left at the end are known. Returns the trials left. */
function* halved(
  pool: readonly Candidate[],
  slices: number,
  { found, left: trialsLeft }: Pick<Searching, "found" | "left">,
): Steps<number> {
  let [alive, left] = [pool, trialsLeft];
  found.tried.push(...pool);
  for (let upTo = 1; alive.length > 0; upTo = Math.min(slices, 2 * upTo)) {
    const cost = alive.reduce((sum, { scores }) => sum + upTo - scores.length, 0);
    if (cost > left) return 0;
    left = yield* onAll(alive, upTo);
    alive = alive.filter(({ scores }) => scores.every(Number.isFinite)).sort(byMean);
    if (upTo === slices) break;
    alive = alive.slice(0, Math.ceil(alive.length / 2));
  }
  found.known.push(...alive);
  return left;
}

/** Tries each on the slices that it has not met yet, up to `upTo`. Returns the trials left. */
function* onAll(candidates: readonly Candidate[], upTo: number): Steps<number> {
  const owners: Candidate[] = [];
  const trials = candidates.flatMap((one) =>
    Array.from({ length: upTo - one.scores.length }, (_, i): Trial => {
      owners.push(one);
      return { setting: one.setting, slice: one.scores.length + i };
    }),
  );
  const { scores, trialsLeft } = yield trials;
  scores.forEach((score, i) => owners[i]!.scores.push(score));
  return trialsLeft;
}

/** Trials that halving spends on one of many settings. */
function costOfOne(slices: number): number {
  let [cost, share, met] = [1, 1, 1];
  while (met < slices) {
    const next = Math.min(slices, 2 * met);
    share /= 2;
    cost += share * (next - met);
    met = next;
  }
  return cost;
}

/** Settings that were not tried before, each once. */
function freshIn(tried: readonly Candidate[]): (settings: readonly Setting[]) => Candidate[] {
  const seen = new Set(tried.map(({ setting }) => keyOf(setting)));
  return (settings) =>
    settings.flatMap((setting) => {
      const key = keyOf(setting);
      if (seen.has(key)) return [];
      seen.add(key);
      return [candidate(setting)];
    });
}

function keyOf({ subject, values }: Setting): string {
  return JSON.stringify([subject, Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function candidate(setting: Setting): Candidate {
  return { setting, scores: [] };
}

export function meanScore({ scores }: Candidate): number {
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function byMean(a: Candidate, b: Candidate): number {
  const [x, y] = [meanScore(a), meanScore(b)];
  return x === y ? 0 : x - y; // two of Infinity are equal
}
