/**
 * `report.html` in the run folder: one offline file that shows which arm won, by how much, how surely
 * and why. The page itself is `reports/`. Rewritten after cells, at most every few seconds.
 */
import { defineReporter } from "dynbench";
import type { RunResult } from "dynbench/report";
import { openRewritten, rewrittenFileOptions } from "../shared/reporters/rewritten-file.ts";

export const html = defineReporter({
  name: "html",
  summary: "report.html in the run folder, to read, print and share",
  options: rewrittenFileOptions("report.html", "report"),
  open: (options, plan, { runDir }) => openRewritten(options, plan, { runDir, textOf: pageOf }),
});

async function pageOf(run: RunResult): Promise<string> {
  const { reportPage } = await import("../../reports/template.ts");
  return reportPage(run);
}
