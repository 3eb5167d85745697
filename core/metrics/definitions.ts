/**
 * The definition of every metric: the only place with formulas in words. Table headers, chart labels
 * and the page of metrics in docs/reference are made from it. The field does not agree on these
 * names, so each entry lists what other tools call the same number.
 */
import type { CellMetrics } from "../contract/result.ts";

export type MetricKey =
  Exclude<keyof CellMetrics, "tokensPerChunk"> | "cachedShare" | "sloShare" | "goodputRps";

export interface MetricDefinition {
  readonly key: MetricKey;
  /** Short, for table headers and chart labels. */
  readonly name: string;
  /** In sentences; `name` when left out. */
  readonly words?: string;
  /** `ms`, `tokens`, `requests/s`, `tokens/s`; empty for shares. */
  readonly unit: string;
  /** One sentence. */
  readonly formula: string;
  /** The same number in other tools; left out where they have none. */
  readonly elsewhere?: string;
  /** What has a value of it: each request, each gap between chunks, or only the cell as a whole. */
  readonly of: "request" | "gap" | "cell";
  readonly better: "lower" | "higher" | "neither";
}

export const METRICS: readonly MetricDefinition[] = [
  {
    key: "ttftMs",
    name: "TTFT",
    unit: "ms",
    formula: "first output token − intended send, per completed request",
    elsewhere: "TTFT; most tools count from the actual send and so hide their own lateness",
    of: "request",
    better: "lower",
  },
  {
    key: "itlMs",
    name: "ITL",
    unit: "ms",
    formula:
      "every gap between output chunks of completed requests, pooled; a chunk of several tokens is one gap",
    elsewhere: "vLLM: ITL; aiperf: inter chunk latency",
    of: "gap",
    better: "lower",
  },
  {
    key: "tpotMs",
    name: "TPOT",
    unit: "ms",
    formula:
      "(last output token − first output token) / (OSL − 1), per completed request; undefined below OSL 2",
    elsewhere: "vLLM: TPOT; aiperf and guidellm: inter token latency",
    of: "request",
    better: "lower",
  },
  {
    key: "e2eMs",
    name: "E2E",
    unit: "ms",
    formula: "end of the answer − intended send, per completed request",
    elsewhere: "vLLM: E2EL; aiperf: request latency",
    of: "request",
    better: "lower",
  },
  {
    key: "isl",
    name: "ISL",
    unit: "tokens",
    formula: "prompt tokens as the server counted them, else as sent, per completed request",
    elsewhere: "aiperf: input sequence length",
    of: "request",
    better: "neither",
  },
  {
    key: "osl",
    name: "OSL",
    unit: "tokens",
    formula: "output tokens received, per completed request",
    elsewhere: "aiperf: output sequence length",
    of: "request",
    better: "neither",
  },
  {
    key: "requestRps",
    name: "Requests",
    words: "requests/s",
    unit: "requests/s",
    formula:
      "completed requests / duration; the duration runs from the first intended send to the last end",
    elsewhere: "request throughput",
    of: "cell",
    better: "higher",
  },
  {
    key: "inputTps",
    name: "Input",
    words: "input tokens/s",
    unit: "tokens/s",
    formula: "Σ ISL of completed requests / duration",
    elsewhere: "SGLang: input throughput",
    of: "cell",
    better: "higher",
  },
  {
    key: "outputTps",
    name: "Output",
    words: "output tokens/s",
    unit: "tokens/s",
    formula: "Σ OSL of completed requests / duration",
    elsewhere: "output token throughput",
    of: "cell",
    better: "higher",
  },
  {
    key: "cachedShare",
    name: "Cached",
    words: "hit share",
    unit: "",
    formula: "Σ prompt tokens found in a worker's cache / Σ ISL, as the engine reported them",
    elsewhere: "KV hit rate, weighted by tokens",
    of: "cell",
    better: "higher",
  },
  {
    key: "sloShare",
    name: "SLO",
    words: "share within the SLO",
    unit: "",
    formula: "requests that kept all limits of --slo / all requests; failed ones kept none",
    elsewhere: "SLO attainment",
    of: "cell",
    better: "higher",
  },
  {
    key: "goodputRps",
    name: "Goodput",
    words: "goodput",
    unit: "requests/s",
    formula: "requests that kept all limits of --slo / duration",
    elsewhere: "goodput in vLLM and aiperf",
    of: "cell",
    better: "higher",
  },
];

/** The definition of a metric by its key in `summary.json`. */
export function metricOf(key: MetricKey): MetricDefinition {
  const found = METRICS.find((metric) => metric.key === key);
  if (found === undefined) throw new Error(`No metric has the key "${key}"`);
  return found;
}

/** `TTFT (ms)`: for axes and table headers. */
export function metricLabel(key: MetricKey): string {
  const { name, unit } = metricOf(key);
  return unit === "" ? name : `${name} (${unit})`;
}

/** `mean TTFT`, `p99 E2E`, `output tokens/s`: of `Comparison.metric`, for sentences. */
export function metricWords(metric: string): string {
  const [key, statistic] = metric.split(".") as [MetricKey, string | undefined];
  const { name, words = name } = metricOf(key);
  return statistic === undefined ? words : `${statistic} ${words}`;
}
