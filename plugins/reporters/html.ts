/**
 * `report.html` in the run folder: one offline file that says who won, by how much, how surely and
 * why. The page itself is `reports/`. Rewritten after cells, at most every few seconds.
 */
import { defineReporter, v, type CellResult } from "dynbench";
import { claimFile } from "./atomic-write.ts";
import { partialRun } from "./partial-run.ts";

export const html = defineReporter({
  name: "html",
  summary: "report.html in the run folder, to read, print and share",
  options: v.strictObject({
    path: v.pipe(
      v.optional(v.pipe(v.string(), v.nonEmpty("must name a file")), "report.html"),
      v.description("file to write, relative to the run folder"),
    ),
    rewriteEveryS: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(3600)), 5),
      v.description("seconds between two versions of the report while the run goes on"),
    ),
  }),
  open: async (options, plan, context) => {
    const file = await claimFile(context.runDir, options.path);
    const startedAt = new Date().toISOString();
    const cells: CellResult[] = [];
    let nextMs = 0;
    return {
      cell: async (result) => {
        cells.push(result);
        if (performance.now() < nextMs) return;
        const { reportPage } = await import("../../reports/template.ts");
        await file.write(reportPage(partialRun(plan, cells, startedAt)));
        nextMs = performance.now() + options.rewriteEveryS * 1000;
      },
      end: async (run) => {
        const { reportPage } = await import("../../reports/template.ts");
        await file.write(reportPage(run));
      },
    };
  },
});
