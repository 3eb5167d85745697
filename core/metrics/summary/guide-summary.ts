/**
 * `results_summary.json` as the scripts of Dynamo's router benchmarking guide write it
 * (`benchmarks/router/prefix_ratio_benchmark.py`), so that their plots read our results and our
 * reports read theirs.
 *
 * The older form has means of TTFT and output tokens/s per prefix ratio, the newer one quartiles of
 * TTFT and ITL. We write the keys of both. Their ITL comes from aiperf's "inter token latency",
 * (E2E − TTFT) / (OSL − 1) per request: what we call TPOT, and that is what is written there.
 */
import { given } from "../../base/given.ts";
import * as v from "valibot";
import { DynbenchError } from "../../base/errors.ts";
import { momentsOf, probe } from "../../statistics/quantiles.ts";
import type { CellResult } from "../../contract/result.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";

/** More ratios than anyone sweeps; a longer file is not one of these. */
const RATIOS_MAX = 10_000;

const Values = v.pipe(v.array(v.number()), v.maxLength(RATIOS_MAX));

const FileSchema = v.looseObject({
  prefix_ratios: Values,
  ttft_values: v.optional(Values),
  throughput_values: v.optional(Values),
  // Names that the guide's plot script reads as well.
  ttft_avg_values: v.optional(Values),
  throughput_avg_values: v.optional(Values),
  ttft_p25_values: v.optional(Values),
  ttft_p50_values: v.optional(Values),
  ttft_p75_values: v.optional(Values),
  itl_p25_values: v.optional(Values),
  itl_p50_values: v.optional(Values),
  itl_p75_values: v.optional(Values),
  config: v.optional(v.record(v.string(), v.unknown()), {}),
});

export interface Quartiles {
  readonly p25: number[];
  readonly p50: number[];
  readonly p75: number[];
}

/** Columns of equal length, one entry a prefix ratio. */
export interface GuideSummary {
  readonly prefixRatios: number[];
  /** Mean TTFT, ms. */
  readonly ttftMs?: number[];
  readonly outputTps?: number[];
  readonly ttftMsQuartiles?: Quartiles;
  /** Of TPOT, which the file calls ITL, ms. */
  readonly tpotMsQuartiles?: Quartiles;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What the guide's scripts record of a run. */
export interface GuideConfig {
  /** Left out where it is not known. */
  readonly model?: string | undefined;
  readonly tokenizer?: string | undefined;
  readonly isl: number;
  readonly osl: number;
  readonly requests: number;
  readonly concurrency: number;
  readonly initialSeed: number;
}

/**
 * One arm's cells, of a sweep over `prefixRatio`, as columns in ascending order of the ratio. Repeats
 * are pooled: quantiles over all their requests, tokens over the sum of their durations.
 */
export function guideSummary(cells: readonly CellResult[], config: GuideConfig): GuideSummary {
  const withRatio = cells.filter(
    (cell) => cell.summary.requests.ok > 0 && ratioOf(cell) !== undefined,
  );
  const byRatio = [...Map.groupBy(withRatio, (cell) => ratioOf(cell)!)].sort(([a], [b]) => a - b);
  const pooled = byRatio.map(([, repeats]) => poolRepeats(repeats));
  const quartiles = (of: "ttftMs" | "tpotMs"): Quartiles => {
    const probes = pooled.map((point) => probe(point[of], [0.25, 0.5, 0.75]));
    return {
      p25: probes.map(([p25]) => p25!),
      p50: probes.map(([, p50]) => p50!),
      p75: probes.map(([, , p75]) => p75!),
    };
  };
  return {
    prefixRatios: byRatio.map(([ratio]) => ratio),
    ttftMs: pooled.map((point) => momentsOf(point.ttftMs).mean),
    outputTps: pooled.map((point) => point.outputTps),
    ttftMsQuartiles: quartiles("ttftMs"),
    tpotMsQuartiles: quartiles("tpotMs"),
    config: {
      ...given({ model: config.model, tokenizer: config.tokenizer }),
      isl: config.isl,
      osl: config.osl,
      requests: config.requests,
      concurrency: config.concurrency,
      initial_seed: config.initialSeed,
    },
  };
}

/** The file's text, with the keys of both forms; what is not known is left out. */
export function formatGuideSummary(summary: GuideSummary): string {
  const { ttftMsQuartiles: ttft, tpotMsQuartiles: tpot } = summary;
  const file: v.InferInput<typeof FileSchema> = {
    prefix_ratios: summary.prefixRatios,
    ...given({
      ttft_values: summary.ttftMs,
      throughput_values: summary.outputTps,
      ttft_p25_values: ttft?.p25,
      ttft_p50_values: ttft?.p50,
      ttft_p75_values: ttft?.p75,
      itl_p25_values: tpot?.p25,
      itl_p50_values: tpot?.p50,
      itl_p75_values: tpot?.p75,
    }),
    config: summary.config,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads either form, or both at once. `name` is the file's, for messages. */
export function parseGuideSummary(text: string, name: string): GuideSummary {
  const parsed = v.safeParse(FileSchema, parseJson(text, name));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw unreadable(name, `${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
  }
  const file = parsed.output;
  for (const [key, values] of Object.entries(file)) {
    if (Array.isArray(values) && values.length !== file.prefix_ratios.length) {
      const counts = `${values.length} values for ${file.prefix_ratios.length} ratios`;
      throw unreadable(name, `${key} has ${counts}`);
    }
  }
  const ttftMs = file.ttft_values ?? file.ttft_avg_values;
  const outputTps = file.throughput_values ?? file.throughput_avg_values;
  const ttft = quartilesOf(file.ttft_p25_values, file.ttft_p50_values, file.ttft_p75_values);
  const tpot = quartilesOf(file.itl_p25_values, file.itl_p50_values, file.itl_p75_values);
  if (ttftMs === undefined && ttft === undefined) {
    throw unreadable(name, "it has neither ttft_values nor ttft_p50_values");
  }
  return {
    prefixRatios: file.prefix_ratios,
    ...given({ ttftMs, outputTps, ttftMsQuartiles: ttft, tpotMsQuartiles: tpot }),
    config: file.config,
  };
}

function ratioOf(cell: CellResult): number | undefined {
  const swept = cell.summary.parameters["prefixRatio"] ?? cell.cell.workload.options["prefixRatio"];
  return typeof swept === "number" ? swept : undefined;
}

function poolRepeats(repeats: readonly CellResult[]) {
  const ttftMs = new WeightedSamples();
  const tpotMs = new WeightedSamples();
  let outputTokens = 0;
  let durationS = 0;
  for (const { points, summary } of repeats) {
    ttftMs.merge(WeightedSamples.of(points.ttftMs));
    tpotMs.merge(WeightedSamples.of(points.tpotMs));
    outputTokens += summary.metrics.outputTps * summary.durationS;
    durationS += summary.durationS;
  }
  return { ttftMs, tpotMs, outputTps: durationS > 0 ? outputTokens / durationS : 0 };
}

function quartilesOf(
  p25: number[] | undefined,
  p50: number[] | undefined,
  p75: number[] | undefined,
): Quartiles | undefined {
  return p25 === undefined || p50 === undefined || p75 === undefined
    ? undefined
    : { p25, p50, p75 };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(name, "it is not JSON", cause);
  }
}

function unreadable(name: string, why: string, cause?: unknown): DynbenchError {
  return new DynbenchError("plan", `Cannot read "${name}" as a results summary: ${why}`, {
    hint: "Give a results_summary.json written by the guide's prefix_ratio_benchmark.py or by dynbench",
    cause,
  });
}
