/**
 * `summary.json` in the run folder, and with `--json` the same on stdout and nothing else there.
 * Rewritten after cells, as often as that costs the run nothing worth mentioning.
 */
import { defineReporter, v } from "dynbench";
import type { CellSummary } from "dynbench/report";
import { claimFile } from "../shared/reporters/atomic-write.ts";
import { partialSummary } from "../shared/reporters/partial-run.ts";
import { rewriting } from "../shared/reporters/rewriting.ts";

export const json = defineReporter({
  name: "json",
  summary: "summary.json in the run folder, for other programs",
  options: v.strictObject({
    path: v.pipe(
      v.optional(v.pipe(v.string(), v.nonEmpty("must name a file")), "summary.json"),
      v.description("file to write, relative to the run folder"),
    ),
  }),
  open: async (options, plan, context) => {
    const file = await claimFile(context.runDir, options.path);
    const startedAt = new Date().toISOString();
    const cells: CellSummary[] = [];
    const mayWrite = rewriting();
    return {
      cell: async (result) => {
        cells.push(result.summary);
        await mayWrite(() => file.write(text(partialSummary(plan, cells, startedAt))));
      },
      end: async (run) => {
        if (context.json) context.stdout.write(text(run.summary));
        await file.write(text(run.summary));
      },
    };
  },
});

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
