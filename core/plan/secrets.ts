/**
 * Secrets in headers, body fields, options and engine arguments, which must not be stored or printed.
 *
 * `plan.json` holds `***` in their place. Such a plan runs again only if they are given again, with
 * `--header`, `--body` or after `--`, because a run without them would be another run. To repeat a run
 * without typing the secret, name where it is: `--api-key-env`, `--header-env`, `--header NAME=@FILE`.
 */
import { optionSpecs } from "./option-spec.ts";
import type { Plan, PluginUse } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import { holdsMask, MASK, maskedHeader, maskFacts, maskWords } from "./secret-words.ts";
import type { Fault } from "../base/errors.ts";

/** The plan as it may be stored. `secretOptions` names the options of a plugin that its author marked. */
export function maskPlan(plan: Plan, secretOptions: (use: PluginUse) => readonly string[]): Plan {
  const maskUse = (use: PluginUse): PluginUse => {
    const keys = secretOptions(use).filter((key) => use.options[key] !== undefined);
    if (keys.length === 0) return use;
    const hidden = Object.fromEntries(keys.map((key) => [key, MASK]));
    return { ...use, options: { ...use.options, ...hidden } };
  };
  const headers = Object.entries(plan.wire.headers).map(([name, value]) => [
    name,
    maskedHeader(name, value),
  ]);
  return {
    ...plan,
    wire: {
      ...plan.wire,
      headers: Object.fromEntries(headers),
      body: maskFacts(plan.wire.body) as Plan["wire"]["body"],
    },
    arms: plan.arms.map((arm) => {
      const engine = maskUse(arm.engine);
      const key = engine === arm.engine ? arm.engineKey : engineKey(engine, arm.plane);
      return { ...arm, engine, engineKey: key, router: maskUse(arm.router) };
    }),
    cells: plan.cells.map((cell) => ({ ...cell, workload: maskUse(cell.workload) })),
    reporters: plan.reporters.map(maskUse),
    engineArgs: maskWords(plan.engineArgs),
  };
}

/** The options that a plugin's author marked as secret, by key. */
export function secretOptions(plugins: Plugins): (use: PluginUse) => string[] {
  return ({ kind, name }) => {
    const loaded = plugins.find(kind, name);
    const specs = loaded ? optionSpecs(loaded.plugin.options) : [];
    return specs.filter(({ isSecret }) => isSecret).map(({ key }) => key);
  };
}

/** The secrets that were given with a saved plan. */
export interface GivenSecrets {
  readonly headers: Plan["wire"]["headers"];
  readonly headersFrom: NonNullable<Plan["wire"]["headersFrom"]>;
  readonly body: Plan["wire"]["body"];
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
}

/** The plan with its secrets in place; `faults` receives those that are missing. */
export function withSecrets(plan: Plan, given: GivenSecrets, faults: Fault[]): Plan {
  headerFaults(plan, given, faults);
  optionFaults(plan, faults);
  return {
    ...plan,
    wire: {
      ...plan.wire,
      ...completeHeaders(plan.wire, given),
      body: completeBody(plan.wire.body, given.body, faults),
    },
    engineArgs: completeArguments(plan.engineArgs, given.engineArgs, faults),
  };
}

function headerFaults(
  { wire }: Plan,
  { headers, headersFrom }: GivenSecrets,
  faults: Fault[],
): void {
  const given = { ...headers, ...headersFrom };
  for (const [name, value] of Object.entries(wire.headers)) {
    if (!holdsMask(value) || given[name] !== undefined) continue;
    faults.push({
      path: "wire.headers",
      message: `the plan does not hold the value of header "${name}", which is secret`,
      hint: `Give it again: --header-env ${name}=VARIABLE, or --header ${name}=VALUE`,
    });
  }
  for (const name of Object.keys(given)) {
    if (holdsMask(wire.headers[name])) continue;
    // The place of a value is no other value: it may be named again.
    if (wire.headersFrom?.[name] !== undefined && headersFrom[name] !== undefined) continue;
    faults.push({ path: `--header ${name}`, message: "cannot change a saved plan" });
  }
}

/** A header that is given again has one source, the given one. */
function completeHeaders(
  wire: Plan["wire"],
  { headers, headersFrom }: GivenSecrets,
): Pick<Plan["wire"], "headers" | "headersFrom"> {
  const kept = Object.entries(wire.headers).filter(([name]) => headersFrom[name] === undefined);
  const from = { ...wire.headersFrom, ...headersFrom };
  return {
    headers: { ...Object.fromEntries(kept), ...headers },
    ...(Object.keys(from).length === 0 ? {} : { headersFrom: from }),
  };
}

/** The plan's fields with their secrets in place; nothing else may differ. */
function completeBody(
  saved: Plan["wire"]["body"],
  given: Plan["wire"]["body"],
  faults: Fault[],
): Plan["wire"]["body"] {
  const again = maskFacts(given) as Plan["wire"]["body"];
  for (const [name, value] of Object.entries(saved)) {
    if (!holdsMask(value) || given[name] !== undefined) continue;
    faults.push({
      path: "wire.body",
      message: `the plan does not hold all of body field "${name}", which is secret`,
      hint: `Give it again: --body ${name}=JSON`,
    });
  }
  for (const name of Object.keys(given)) {
    if (holdsMask(saved[name]) && JSON.stringify(again[name]) === JSON.stringify(saved[name])) {
      continue;
    }
    faults.push({ path: `--body ${name}`, message: "cannot change a saved plan" });
  }
  return { ...saved, ...given };
}

function optionFaults(plan: Plan, faults: Fault[]): void {
  const uses = [
    ...plan.arms.flatMap(({ engine, router }) => [engine, router]),
    ...plan.cells.slice(0, 1).map(({ workload }) => workload),
    ...plan.reporters,
  ];
  for (const { kind, name, options } of uses) {
    for (const key of Object.keys(options).filter((one) => options[one] === MASK)) {
      faults.push({
        path: `${kind}.${key}`,
        message: `the plan does not hold this option of "${name}", which is secret`,
        hint: "Make the plan again, with all its options",
      });
    }
  }
}

/** The plan's arguments with their secrets in place; nothing else may differ. */
function completeArguments(
  saved: readonly string[],
  given: readonly string[],
  faults: Fault[],
): readonly string[] {
  const isMasked = saved.some((word) => word.includes(MASK));
  if (isMasked && JSON.stringify(maskWords(given)) === JSON.stringify(saved)) return given;
  const again = `-- ${saved.join(" ").replaceAll(MASK, "VALUE")}`;
  if (isMasked && given.length === 0) {
    faults.push({
      path: "--",
      message: "the plan does not hold all of its engine arguments: some are secret",
      hint: `Give them again: ${again}`,
    });
  } else if (given.length > 0) {
    const hint = isMasked ? `Give the plan's own: ${again}` : "Leave them out";
    faults.push({ path: "--", message: "engine arguments cannot change a saved plan", hint });
  }
  return saved;
}

/** Equal for arms that can share one running engine. */
export function engineKey({ name, options }: PluginUse, plane: string): string {
  return JSON.stringify([name, plane, options]);
}
