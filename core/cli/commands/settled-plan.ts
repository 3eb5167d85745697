/** Records the files that a plan reads, before `run` or `plan` uses their contents. */
import type { Planned } from "./plan-from-arguments.ts";
import { DynbenchError } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Logger } from "../../contract/processes.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import { changedFiles, inputFiles, withStdinAt } from "../../run/folder/input-files.ts";

export interface SettledPlan {
  /** The plan with the digests of its files; standard input is named `-`. */
  readonly plan: Plan;
  /** The plan with the file that holds standard input in place of `-`. */
  readonly runnable: Plan;
}

/**
 * `stdin`: the file that holds standard input. A file that has changed since the plan was made is
 * logged; a run that is resumed is refused, because its finished cells used the old file.
 */
export async function settledPlan(
  { plan, resumed }: Pick<Planned, "plan" | "resumed">,
  { plugins, stdin, log }: { plugins: PluginSet; stdin: string | undefined; log: Logger },
): Promise<SettledPlan> {
  const files = await inputFiles(plan, { plugins, stdin });
  const changes = changedFiles(plan, files);
  if (resumed && changes.length > 0) {
    throw new DynbenchError("plan", `Cannot resume ${resumed.path}: ${changes[0]}`, {
      hint: "Restore the old file, or start a new run in a new folder",
    });
  }
  for (const change of changes) log.warn(change);
  return {
    plan: files.length === 0 ? plan : { ...plan, files },
    runnable: stdin === undefined ? plan : await withStdinAt(plan, stdin, plugins),
  };
}
