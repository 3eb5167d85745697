/** The finished page around a run's data. Imported late, since making the template takes a moment. */
import { bundlePage } from "./bundle.ts" with { type: "macro" };
import { encodeData, reportData } from "./data.ts";
import type { RunResult } from "../core/metrics/result.ts";

const TEMPLATE: string = bundlePage();

/** One offline HTML file. */
export function reportPage(run: RunResult): string {
  const data = encodeData(reportData(run));
  // A function, because `$&` in the data would be a pattern.
  return TEMPLATE.replace('"data"\n', () => data);
}
