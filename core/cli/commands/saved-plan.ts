/** A plan that runs again: of a file, or of the run folder that is resumed. */
import * as v from "valibot";
import type { Arguments } from "../options/arguments.ts";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import { withSecrets } from "../../plan/secrets.ts";
import { RunOptions } from "../../plan/run-options.ts";
import { parseHeaders } from "../../plan/wire.ts";

/** What may stand beside a saved plan: where results go, how many threads there are, and secrets that it does not hold. */
const BESIDE_A_PLAN = new Set([
  ...["config", "resume", "plugin", "plugin-folder", "no-plugins"],
  ...["out", "output-dir", "outputDir", "json", "jobs", "header"],
]);

/** The plan unchanged, with its secrets back in place. Throws `PlanFaults` at options that would change it. */
export function savedPlan(
  plan: Plan,
  { options, engineArgs }: { options: Arguments["options"]; engineArgs: readonly string[] },
  before: readonly Fault[],
): { plan: Plan; out: string | undefined; jobs: number | undefined; json: boolean } {
  const typed = options.map((option) => ({ ...option, name: option.name.replace(/^run\./, "") }));
  const faults = [...before];
  for (const { name, origin } of typed) {
    if (BESIDE_A_PLAN.has(name)) continue;
    faults.push({
      path: origin,
      message: "cannot change a saved plan",
      hint: "Leave it out, or make a new plan with it",
    });
  }
  const texts = typed.filter(({ name }) => name === "header").map(({ value }) => String(value));
  const headers = parseHeaders(texts, faults);
  const complete = withSecrets(plan, { headers, engineArgs }, faults);
  const jobs = jobsOf(typed, faults);
  if (faults.length > 0) throw new PlanFaults(faults);
  const out = typed.findLast(({ name }) => ["out", "output-dir", "outputDir"].includes(name));
  return {
    plan: complete,
    out: out === undefined ? undefined : String(out.value),
    jobs,
    json: typed.findLast(({ name }) => name === "json")?.value === true,
  };
}

function jobsOf(typed: Arguments["options"], faults: Fault[]): number | undefined {
  const last = typed.findLast(({ name }) => name === "jobs");
  if (last === undefined) return undefined;
  const parsed = v.safeParse(RunOptions.entries.jobs, Number(last.value));
  if (parsed.success) return parsed.output;
  faults.push({ path: last.origin, message: parsed.issues[0].message });
  return undefined;
}
