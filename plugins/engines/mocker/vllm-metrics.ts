/**
 * The worker's gauges and counters under vLLM 0.32's names, in Prometheus' text format, and two of
 * our own: how late the worker loop was, and how much faster than its GPU it runs.
 */
import type { WorkerCounts, WorkerLimits } from "dynbench/engine";
import type { Histogram } from "./histogram.ts";

export interface MetricsSource {
  readonly model: string;
  readonly limits: WorkerLimits;
  readonly counts: WorkerCounts;
  readonly timeScale: number;
  readonly aborted: number;
  /** In seconds. */
  readonly histograms: Readonly<Record<"ttft" | "itl" | "e2e" | "queued" | "lateness", Histogram>>;
}

export function metricsText(source: MetricsSource): string {
  const labels = `engine="0",model_name="${escapeLabel(source.model)}"`;
  return (
    gauges(source, labels) +
    counters(source, labels) +
    histogramsText(source.histograms, labels) +
    cacheConfig(source.limits) +
    family("dynbench_mocker_time_scale", "gauge") +
    `dynbench_mocker_time_scale{${labels}} ${source.timeScale}\n`
  );
}

function gauges({ counts, limits }: MetricsSource, labels: string): string {
  const samples: [name: string, value: number][] = [
    ["vllm:num_requests_running", counts.running],
    ["vllm:num_requests_waiting", counts.waiting],
    // Blocks of running requests only: 0 when idle, however full the prefix cache is.
    ["vllm:kv_cache_usage_perc", counts.activeBlocks / limits.kvBlocks],
  ];
  return samples
    .map(([name, value]) => `${family(name, "gauge")}${name}{${labels}} ${value}\n`)
    .join("");
}

function counters({ counts, aborted }: MetricsSource, labels: string): string {
  const one = (name: string, value: number): string =>
    `${family(name, "counter")}${name}{${labels}} ${value}\n`;
  const byLabel = (name: string, label: string, values: Record<string, number>): string =>
    family(name, "counter") +
    Object.entries(values)
      .map(([key, value]) => `${name}{${labels},${label}="${key}"} ${value}\n`)
      .join("");
  return (
    one("vllm:prefix_cache_queries_total", counts.promptTokens) +
    one("vllm:prefix_cache_hits_total", counts.cachedTokens) +
    one("vllm:prompt_tokens_total", counts.promptTokens) +
    one("vllm:prompt_tokens_cached_total", counts.cachedTokens) +
    byLabel("vllm:prompt_tokens_by_source_total", "source", {
      local_compute: counts.promptTokens - counts.cachedTokens - counts.transferredTokens,
      local_cache_hit: counts.cachedTokens,
      external_kv_transfer: counts.transferredTokens,
    }) +
    one("vllm:generation_tokens_total", counts.generatedTokens) +
    one("vllm:num_preemptions_total", counts.preemptions) +
    byLabel("vllm:request_success_total", "finished_reason", {
      stop: 0,
      length: counts.finished,
      abort: aborted,
      error: 0,
      repetition: 0,
    })
  );
}

function histogramsText(histograms: MetricsSource["histograms"], labels: string): string {
  const named: [name: string, histogram: Histogram][] = [
    ["vllm:time_to_first_token_seconds", histograms.ttft],
    ["vllm:inter_token_latency_seconds", histograms.itl],
    ["vllm:e2e_request_latency_seconds", histograms.e2e],
    ["vllm:request_queue_time_seconds", histograms.queued],
    ["dynbench_mocker_lateness_seconds", histograms.lateness],
  ];
  return named
    .map(([name, histogram]) => family(name, "histogram") + histogram.lines(name, labels))
    .join("");
}

/** The info gauge in which vLLM reports the sizes of its cache. */
function cacheConfig({ blockSize, kvBlocks }: WorkerLimits): string {
  const name = "vllm:cache_config_info";
  return (
    `${family(name, "gauge")}${name}{block_size="${blockSize}",cache_dtype="auto",` +
    `enable_prefix_caching="True",engine="0",num_gpu_blocks="${kvBlocks}"} 1\n`
  );
}

function family(name: string, type: "gauge" | "counter" | "histogram"): string {
  return `# TYPE ${name} ${type}\n`;
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
