/** The bundled reporters keep what every reporter must. */
import { console } from "../../../plugins/reporters/console/console.ts";
import { guide } from "../../../plugins/reporters/guide.ts";
import { html } from "../../../plugins/reporters/html.ts";
import { json } from "../../../plugins/reporters/json.ts";
import { markdown } from "../../../plugins/reporters/markdown.ts";
import type { ReportData } from "../../../reports/data/data.ts";
import { testReporter } from "../../conformance/reporter.ts";
import { sampleRun } from "../../conformance/sample-run.ts";

const run = sampleRun();
/** One arm, because the guide reporter writes a file per arm. */
const oneArm = sampleRun(["kv"]);

testReporter({ reporter: console, run });
testReporter({
  reporter: json,
  run,
  ownsStdout: true,
  file: {
    option: "path",
    written: "summary.json",
    cellsIn: (text) => JSON.parse(text).cells.length,
  },
});
testReporter({
  reporter: html,
  run,
  file: { option: "path", written: "report.html", cellsIn: (text) => dataOf(text).cells.length },
});
testReporter({
  reporter: markdown,
  run,
  file: {
    option: "path",
    written: "results.md",
    cellsIn: (text) =>
      text
        .split("\n\n")
        .find((block) => block.includes("TTFT mean"))!
        .split("\n").length - 2,
  },
});
testReporter({
  reporter: guide,
  run: oneArm,
  file: {
    option: "path",
    written: "guide/kv/results_summary.json",
    cellsIn: (text) => JSON.parse(text).prefix_ratios.length,
  },
});

function dataOf(page: string): ReportData {
  const [, text] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page)!;
  return JSON.parse(text!);
}
