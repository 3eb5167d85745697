/** What may be tuned of an arm: the numbers for which its plugins state a range, and what the user names. */
import * as v from "valibot";
import type { Knob, Setting, Subject } from "../search/space.ts";
import type { Engine } from "../contract/engine.ts";
import type { PlannedArm, PluginUse } from "../contract/plan.ts";
import type { OptionsSchema } from "../contract/plugin.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";
import { isNamed, optionSpecs, type OptionSpec } from "../plan/option-spec.ts";
import { engineKey } from "../plan/secrets.ts";
import type { Over } from "./over.ts";

type Part = "router" | "engine";

/** An arm with its knobs, which are named as options are: `overlapCredit`, `engine.maxNumSeqs`. */
export interface Tunable {
  readonly arm: PlannedArm;
  readonly subject: Subject;
}

const ENGINE = "engine.";

/**
 * The knobs of an arm. An option that was given another value than its default is settled; one that
 * is named by `over` may vary over the range given there. `isUsed` collects which of these were found.
 */
export async function tunableOf(
  arm: PlannedArm,
  over: readonly Over[],
  { plugins, isUsed }: { plugins: Plugins; isUsed: Set<Over> },
): Promise<Tunable> {
  const router = (await plugins.load(arm.router)) as Router;
  const engine = (await plugins.load(arm.engine)) as Engine;
  const knobs = [
    ...knobsOf(arm.router, router.options, { over, part: "router", isUsed }),
    ...knobsOf(arm.engine, engine.options, { over, part: "engine", isUsed }),
  ];
  return { arm, subject: { name: arm.label, knobs } };
}

function knobsOf(
  use: PluginUse,
  schema: OptionsSchema,
  { over, part, isUsed }: { over: readonly Over[]; part: Part; isUsed: Set<Over> },
): Knob[] {
  return optionSpecs(schema).flatMap((spec): Knob[] => {
    const usual = use.options[spec.key];
    const name = part === "engine" ? `${ENGINE}${spec.key}` : spec.key;
    const asked = over.find((one) => (one.part ?? "router") === part && isNamed(spec, one.name));
    if (asked !== undefined) {
      isUsed.add(asked);
      if (asked.choices === undefined) return [numberKnob(name, spec, { ...asked, schema, usual })];
      return [{ name, choices: asked.choices, usual: usual as string | boolean }];
    }
    const isSettled = usual !== spec.default;
    // What an engine can do is given; it varies only where it is asked for.
    if (part === "engine" || spec.tune === undefined || isSettled) return [];
    return [numberKnob(name, spec, { ...spec.tune, schema, usual })];
  });
}

function numberKnob(
  name: string,
  { key }: OptionSpec,
  of: {
    from: number;
    to: number;
    scale: "linear" | "log";
    schema: OptionsSchema;
    usual: unknown;
  },
): Knob {
  const { from, to, scale } = of;
  // Whole, where the option refuses a fraction within its range.
  const entry = of.schema.entries[key] as v.GenericSchema;
  const isWhole = !v.is(entry, Math.floor(from) + (to - from > 1 ? 0.5 : (to - from) / 2));
  return { name, from, to, scale, isWhole, usual: of.usual as number | undefined };
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
