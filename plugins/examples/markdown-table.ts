/** A table of the results as Markdown, to paste where people talk about them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineReporter, DynbenchError, v, whyNot } from "dynbench";
import type { CellSummary } from "dynbench/report";

export default defineReporter({
  apiVersion: 2,
  name: "markdown-table",
  summary: "results.md in the run folder: one row a cell",
  options: v.strictObject({
    path: v.pipe(
      v.optional(v.string(), "results.md"),
      v.description("file to write, relative to the run folder"),
    ),
  }),
  open: ({ path }, _plan, { runDir }) => {
    const file = join(runDir, path);
    const head = "| cell | router | TTFT mean | tok/s | hit |\n| --- | --- | --- | --- | --- |\n";
    const rows: string[] = [];
    const write = (): void => {
      try {
        writeFileSync(file, head + rows.join(""));
      } catch (cause) {
        const hint = "Name another with --markdown-table.path FILE";
        throw new DynbenchError("plan", `Cannot write "${file}": ${whyNot(cause)}`, { hint });
      }
    };
    write(); // a folder that cannot be written fails here, before anything starts
    return {
      cell: ({ summary }) => {
        rows.push(rowOf(summary));
        write();
      },
      end: () => write(), // once more, should the disk have been full
    };
  },
});

function rowOf({ id, router, metrics, cache }: CellSummary): string {
  const ttft = metrics.ttftMs === undefined ? "" : `${metrics.ttftMs.mean.toFixed(1)} ms`;
  const hit = cache.cachedShare === undefined ? "" : `${(100 * cache.cachedShare).toFixed(0)} %`;
  return `| ${id} | ${router} | ${ttft} | ${metrics.outputTps?.toFixed(0) ?? ""} | ${hit} |\n`;
}
