/** What `run` and `plan` do with the files that a plan reads, before anything looks into them. */
import type { Planned } from "./plan-from-arguments.ts";
import { DynbenchError } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Logger } from "../../contract/processes.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import { changedFiles, inputFiles, withStdinAt } from "../../run/folder/input-files.ts";

export interface SettledPlan {
  /** With the digests of its files; standard input is still called `-`. */
  readonly plan: Plan;
  /** With standard input where it is kept. */
  readonly runnable: Plan;
}

/**
 * `stdin`: the file that holds standard input. A file that has changed since the plan was made is
 * told; a run that has cells on the old one does not go on with the new one.
 */
export async function settledPlan(
  { plan, resumed }: Pick<Planned, "plan" | "resumed">,
  { plugins, stdin, log }: { plugins: PluginSet; stdin: string | undefined; log: Logger },
): Promise<SettledPlan> {
  const files = await inputFiles(plan, { plugins, stdin });
  const changes = changedFiles(plan, files);
  if (resumed && changes.length > 0) {
    throw new DynbenchError("plan", `Cannot go on with ${resumed.path}: ${changes[0]}`, {
      hint: "Bring the old file back, or start afresh with a new folder",
    });
  }
  for (const change of changes) log.warn(change);
  return {
    plan: files.length === 0 ? plan : { ...plan, files },
    runnable: stdin === undefined ? plan : await withStdinAt(plan, stdin, plugins),
  };
}
