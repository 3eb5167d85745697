/** The finished pages with their data. Imported lazily, because making the templates takes a moment. */
import { bundlePage } from "./bundle.ts" with { type: "macro" };
import { encodeData, reportData } from "./data/data.ts";
import type { TracePageData } from "./data/trace-data.ts";
import type { RunResult } from "../core/contract/result.ts";

const RUN_TEMPLATE: string = bundlePage("page.ts");
const TRACE_TEMPLATE: string = bundlePage("trace-page.ts");

/** The report of a run: one offline HTML file. */
export function reportPage(run: RunResult): string {
  return filled(RUN_TEMPLATE, encodeData(reportData(run)));
}

/** The analysis of traces: one offline HTML file. */
export function tracePage(data: TracePageData): string {
  return filled(TRACE_TEMPLATE, encodeData(data));
}

function filled(template: string, data: string): string {
  // A function, because `$&` in a replacement text is a pattern.
  return template.replace('"data"\n', () => data);
}
