/** What may be tuned of an arm: the numbers for which its plugins state a range, and what the user names. */
import * as v from "valibot";
import type { Knob, KnobValue, Setting, Subject } from "../search/space.ts";
import type { Fault } from "../base/errors.ts";
import type { Engine } from "../contract/engine.ts";
import type { PlannedArm, PluginUse } from "../contract/plan.ts";
import type { OptionsSchema, TuneRange } from "../contract/plugin.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";
import { issueText } from "../plan/option-faults.ts";
import { isNamed, optionSpecs, type OptionSpec } from "../plan/option-spec.ts";
import { coerce } from "../plan/raw-option.ts";
import { engineKey } from "../plan/secrets.ts";
import type { Over } from "./over.ts";

type Part = "router" | "engine";

/** An arm with its knobs, which are named as options are: `overlapCredit`, `engine.maxNumSeqs`. */
export interface Tunable {
  readonly arm: PlannedArm;
  readonly subject: Subject;
}

const ENGINE = "engine.";

interface Asking {
  readonly plugins: Plugins;
  /** Collects which of `over` were found. */
  readonly isUsed: Set<Over>;
  readonly faults: Fault[];
}

/**
 * The knobs of an arm. An option that was given another value than its default is settled; one that
 * is named by `over` may vary over what is given there.
 */
export async function tunableOf(
  arm: PlannedArm,
  over: readonly Over[],
  asking: Asking,
): Promise<Tunable> {
  const router = (await asking.plugins.load(arm.router)) as Router;
  const engine = (await asking.plugins.load(arm.engine)) as Engine;
  const knobs = [
    ...knobsOf(arm.router, { schema: router.options, part: "router", over }, asking),
    ...knobsOf(arm.engine, { schema: engine.options, part: "engine", over }, asking),
  ];
  return { arm, subject: { name: arm.label, knobs } };
}

function knobsOf(
  use: PluginUse,
  { schema, part, over }: { schema: OptionsSchema; part: Part; over: readonly Over[] },
  asking: Asking,
): Knob[] {
  return optionSpecs(schema).flatMap((spec): Knob[] => {
    const entry = schema.entries[spec.key] as v.GenericSchema;
    const usual = use.options[spec.key] as KnobValue | undefined;
    const name = part === "engine" ? `${ENGINE}${spec.key}` : spec.key;
    const asked = over.find((one) => (one.part ?? "router") === part && isNamed(spec, one.name));
    if (asked !== undefined) {
      asking.isUsed.add(asked);
      const values = valuesOf(asked, { spec, entry }, asking.faults);
      if (values === undefined) return [];
      if (!asked.isRange) return [{ name, choices: [...new Set([usual, ...values])], usual }];
      const [from, to] = values as [number, number];
      const scale = from > 0 && to / from >= LOG_FROM ? "log" : "linear";
      return [numberKnob(name, entry, { from, to, scale, usual })];
    }
    // What an engine can do is given; it varies only where it is asked for.
    if (part === "engine" || spec.tune === undefined || usual !== spec.default) return [];
    return [numberKnob(name, entry, { ...spec.tune, usual })];
  });
}

/** A range over more than this factor is walked in equal ratios. */
const LOG_FROM = 8;

/** Typed values as the option takes them; undefined, with the reason in `faults`, where it does not. */
function valuesOf(
  { text, values, isRange }: Over,
  { spec, entry }: { spec: OptionSpec; entry: v.GenericSchema },
  faults: Fault[],
): KnobValue[] | undefined {
  const refuse = (message: string): undefined =>
    void faults.push({ path: `--over ${text}`, message });
  const taken: KnobValue[] = [];
  for (const typed of values) {
    const read = coerce(spec, typed);
    if ("fault" in read) return refuse(read.fault);
    const checked = v.safeParse(entry, read.value);
    if (!checked.success) return refuse(issueText(checked.issues[0]));
    taken.push(read.value as KnobValue);
  }
  if (!isRange) return taken;
  if (spec.type !== "number") return refuse("is no number, and has no range");
  return taken[0]! < taken[1]! ? taken : refuse("expected a range that goes up");
}

function numberKnob(
  name: string,
  entry: v.GenericSchema,
  { from, to, scale, usual }: TuneRange & { usual: KnobValue | undefined },
): Knob {
  // Whole, where the option refuses a fraction within its range.
  const isWhole = !v.is(entry, Math.floor(from) + (to - from > 1 ? 0.5 : (to - from) / 2));
  return { name, from, to, scale, isWhole, usual: usual as number | undefined };
}

/** The arm with the values of a setting, labelled by those that are not the usual ones. */
export function armAt({ arm, subject }: Tunable, { values }: Setting): PlannedArm {
  const changed = subject.knobs.flatMap(({ name, usual }) =>
    values[name] === usual ? [] : [`${name}=${values[name] ?? "none"}`],
  );
  if (changed.length === 0) return arm;
  const engine = withValues(arm.engine, "engine", { subject, values });
  return {
    ...arm,
    label: `${arm.label}(${changed.join(" ")})`,
    engine,
    router: withValues(arm.router, "router", { subject, values }),
    engineKey: engineKey(engine, arm.plane),
  };
}

function withValues(
  use: PluginUse,
  part: Part,
  { subject, values }: { subject: Subject; values: Setting["values"] },
): PluginUse {
  const options: Record<string, unknown> = { ...use.options };
  for (const { name } of subject.knobs) {
    const isEngine = name.startsWith(ENGINE);
    if (isEngine !== (part === "engine")) continue;
    const key = isEngine ? name.slice(ENGINE.length) : name;
    if (values[name] === undefined) delete options[key];
    else options[key] = values[name];
  }
  return { ...use, options };
}
