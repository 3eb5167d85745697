/**
 * `summary.json` in the run folder, and with `--json` the same on stdout and nothing else there.
 * Rewritten after each cell, so that a crash loses no finished cell.
 */
import { defineReporter, v } from "dynbench";
import type { CellSummary } from "dynbench/report";
import { claimFile } from "../shared/reporters/atomic-write.ts";
import { partialSummary } from "../shared/reporters/partial-run.ts";

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
    return {
      cell: async (result) => {
        cells.push(result.summary);
        await file.write(text(partialSummary(plan, cells, startedAt)));
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
