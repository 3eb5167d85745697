/** A plan that runs again: of a file, or of the run folder that is resumed. */
import { isAbsolute, normalize } from "node:path";
import * as v from "valibot";
import type { Arguments } from "../options/arguments.ts";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan, PluginUse } from "../../contract/plan.ts";
import { checkedPlan } from "../../plan/checked-plan.ts";
import { optionSpecs } from "../../plan/option-spec.ts";
import { withSecrets } from "../../plan/secrets.ts";
import { RunOptions } from "../../plan/run-options.ts";
import { parseBody, parseHeaders } from "../../plan/wire.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";

/** What may stand beside a saved plan: where results go, how many threads there are, and secrets that it does not hold. */
const BESIDE_A_PLAN = new Set([
  ...["config", "resume", "plugin", "plugin-folder", "no-plugins"],
  ...["out", "output-dir", "outputDir", "json", "jobs"],
  ...["header", "header-env", "headerEnv", "body"],
]);

/**
 * The plan unchanged, with its secrets back in place. Throws `PlanFaults` at a plan that is not sound,
 * at options that would change it, and where it would write outside the run folder.
 */
export async function savedPlan(
  { value, name }: { value: unknown; name: string },
  beside: {
    options: Arguments["options"];
    engineArgs: readonly string[];
    plugins: PluginSet;
  },
  before: readonly Fault[],
): Promise<{ plan: Plan; out: string | undefined; jobs: number | undefined; json: boolean }> {
  const plan = await checkedPlan(value, name, beside.plugins);
  const typed = beside.options.map((option) => ({
    ...option,
    name: option.name.replace(/^run\./, ""),
  }));
  const paths = pathOptions(plan, beside.plugins);
  const faults = [...before, ...paths.flatMap((path) => pathFaults(path, typed))];
  for (const { name: option, origin } of typed) {
    if (BESIDE_A_PLAN.has(option) || paths.some(({ flag }) => flag === option)) continue;
    faults.push({
      path: origin,
      message: "cannot change a saved plan",
      hint: "Leave it out, or make a new plan with it",
    });
  }
  const textsOf = (...names: string[]): string[] =>
    typed.filter((one) => names.includes(one.name)).map((one) => String(one.value));
  const given = {
    ...parseHeaders(
      { header: textsOf("header"), headerEnv: textsOf("header-env", "headerEnv") },
      faults,
    ),
    body: parseBody(textsOf("body"), faults),
    engineArgs: beside.engineArgs,
  };
  const complete = withSecrets(plan, given, faults);
  const jobs = jobsOf(typed, faults);
  if (faults.length > 0) throw new PlanFaults(faults);
  const out = typed.findLast((one) => ["out", "output-dir", "outputDir"].includes(one.name));
  return {
    plan: complete,
    out: out === undefined ? undefined : String(out.value),
    jobs,
    json: typed.findLast((one) => one.name === "json")?.value === true,
  };
}

function jobsOf(typed: Arguments["options"], faults: Fault[]): number | undefined {
  const last = typed.findLast((one) => one.name === "jobs");
  if (last === undefined) return undefined;
  const parsed = v.safeParse(RunOptions.entries.jobs, Number(last.value));
  if (parsed.success) return parsed.output;
  faults.push({ path: last.origin, message: parsed.issues[0].message });
  return undefined;
}

/** An option that says where a reporter writes. */
interface PathOption {
  /** `html.path`. */
  readonly flag: string;
  readonly path: string;
}

function pathOptions({ reporters }: Plan, plugins: PluginSet): PathOption[] {
  return reporters.flatMap(({ kind, name, options }: PluginUse) => {
    const specs = optionSpecs(plugins.find(kind, name)!.plugin.options);
    return specs.flatMap(({ key, flag, isFile }) => {
      const path = options[key];
      const isPath = typeof path === "string" && (isFile || key === "path");
      return isPath ? [{ flag: `${name}.${flag}`, path }] : [];
    });
  });
}

/** A plan that someone else wrote must not write over files outside the run folder. */
function pathFaults({ flag, path }: PathOption, typed: Arguments["options"]): Fault[] {
  const allowed = typed.findLast(({ name }) => name === flag)?.value;
  const hint = `To allow it, type it: --${flag} ${path}`;
  if (allowed !== undefined) {
    if (allowed === path) return [];
    return [{ path: `--${flag}`, message: `the plan has ${path}, and cannot be changed`, hint }];
  }
  const leaves = isAbsolute(path) || normalize(path).split("/")[0] === "..";
  if (!leaves) return [];
  return [{ path: flag, message: `${path} is outside the run folder`, hint }];
}
