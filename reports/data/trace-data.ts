/** The data contract of the page that `dynbench trace analyze --html` writes. */
import type { TraceAnalysis } from "../../core/trace/analysis/analysis.ts";

export interface TracePageData {
  /** `dynbench 0.1.0`. */
  tool: string;
  traces: readonly NamedAnalysis[];
}

export interface NamedAnalysis extends TraceAnalysis {
  /** Path as given on the command line. */
  readonly file: string;
}
