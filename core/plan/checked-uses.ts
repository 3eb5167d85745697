/** The plugins that a saved plan names: whether they are there, and their options through their own schemas. */
import * as v from "valibot";
import { fault, shapeFaults, unknown, type Place } from "./field-faults.ts";
import { optionSpecs } from "./option-spec.ts";
import { SavedUse } from "./saved-plan.ts";
import { MASK } from "./secret-words.ts";
import { DynbenchError, type Fault } from "../base/errors.ts";
import type { PluginUse } from "../contract/plan.ts";
import type { Plugins, AnyPlugin } from "../contract/plugins.ts";

/** Every plugin that a plan names and that can be read, also where the rest of the plan cannot. */
export function* usesOf(plan: unknown): Generator<{ at: Place; use: PluginUse }> {
  const { arms, cells, reporters } = Object(plan) as Record<string, unknown>;
  const places: [Place, unknown][] = [
    ...items(arms).flatMap((arm, i): [Place, unknown][] => [
      [["arms", i, "engine"], arm["engine"]],
      [["arms", i, "router"], arm["router"]],
    ]),
    ...items(cells).map((cell, i): [Place, unknown] => [
      ["cells", i, "workload"],
      cell["workload"],
    ]),
    ...items(reporters).map((use, i): [Place, unknown] => [["reporters", i], use]),
  ];
  for (const [at, value] of places) {
    const read = v.safeParse(SavedUse, value);
    if (read.success) yield { at, use: read.output };
  }
}

function items(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item) => Object(item) as Record<string, unknown>) : [];
}

/** What is wrong with a plugin that a plan names, and with its options. */
export async function useFaults(use: PluginUse, at: Place, plugins: Plugins): Promise<Fault[]> {
  const isBundled = use.source === "bundled";
  if (isBundled !== (use.digest === undefined)) {
    const message = isBundled ? "has no meaning for a bundled plugin" : "is missing";
    return [fault([...at, "digest"], message)];
  }
  if (isBundled && plugins.find(use.kind, use.name)?.plugin.name !== use.name) {
    return [fault([...at, "name"], `is ${use.name}, and this dynbench has no such ${use.kind}`)];
  }
  let plugin: AnyPlugin;
  try {
    plugin = await plugins.load(use);
  } catch (error) {
    if (!(error instanceof DynbenchError)) throw error;
    return [fault([...at, "source"], error.message)];
  }
  return optionFaults(use.options, plugin, [...at, "options"]);
}

/** Options as a plan holds them: complete, each in bounds, no other keys. A masked secret is asked for elsewhere. */
function optionFaults(
  options: PluginUse["options"],
  { options: schema }: AnyPlugin,
  at: Place,
): Fault[] {
  const specs = optionSpecs(schema);
  const isSecret = (key: unknown): boolean => specs.some((one) => one.key === key && one.isSecret);
  const isMasked = (key: unknown): boolean => isSecret(key) && options[String(key)] === MASK;
  const keys = specs.map(({ key }) => key);
  const strangers = Object.keys(options).filter((key) => !keys.includes(key));
  const known = Object.fromEntries(Object.entries(options).filter(([key]) => keys.includes(key)));
  const faults = strangers.map((key) => unknown([...at, key], keys));
  const parsed = v.safeParse(schema, known);
  if (!parsed.success) {
    const issues = parsed.issues.filter(({ path }) => !isMasked(path?.[0]?.key));
    faults.push(...shapeFaults(issues, at, (place) => !isSecret(place[at.length])));
  }
  for (const spec of specs) {
    if (spec.default === undefined || Object.hasOwn(options, spec.key)) continue;
    faults.push(fault([...at, spec.key], "is missing"));
  }
  return faults;
}
