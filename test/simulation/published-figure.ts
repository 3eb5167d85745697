/**
 * The guide's published figure beside simulations of the same runs: 8 L40S, an 8B model in bf16, 14000
 * prompt and 200 output tokens, 200 requests, 20 prefixes, 20 in flight.
 *
 * The published numbers are read from its picture (`results.png` of 2025-10-23) to ±1 ms and ±0.2
 * tokens/s. Each is from a single run; a simulation here is of many runs.
 */
import { deriveSeed, v } from "dynbench";
import type { PlannedCell } from "dynbench/report";
import { drawRequests } from "../../core/workload/draw.ts";
import { probe } from "../../core/statistics/quantiles.ts";
import { WeightedSamples } from "../../core/statistics/weighted-samples.ts";
import { prefix } from "../../plugins/workloads/prefix.ts";
import { meanInterval, type Interval } from "./mean-interval.ts";
import { simulate, type Simulated } from "./simulate.ts";

/**
 * The only effect of the real system that is added: prompts were chat text, which Dynamo's
 * frontend tokenises, 37 ms for 14,000 tokens and 2 ms for the rest of its work (measured on 1.6.1).
 */
export const ROUTING_MS = 39;
const REPEATS = 20;
/** A published point must be within the range of the simulated runs, or this near their mean. */
const TOLERANCE = 0.15;

interface Point {
  readonly ratio: number;
  /** TTFT in ms and output tokens/s. */
  readonly roundRobin: readonly [number, number];
  readonly kv: readonly [number, number];
}

export const PUBLISHED: readonly Point[] = [
  { ratio: 0.1, roundRobin: [1583.7, 400.1], kv: [1535.3, 419.1] },
  { ratio: 0.3, roundRobin: [1643.7, 394.0], kv: [1539.7, 420.6] },
  { ratio: 0.5, roundRobin: [1411.2, 425.2], kv: [1271.3, 460.2] },
  { ratio: 0.7, roundRobin: [1321.4, 441.9], kv: [1040.0, 494.3] },
  { ratio: 0.9, roundRobin: [1156.5, 452.1], kv: [869.8, 524.5] },
];

export interface FigureRow {
  readonly ratio: number;
  readonly what: string;
  readonly published: number;
  /** Mean of the simulated runs with its 95 % interval. */
  readonly mean: Interval;
  /** Single runs, from 2.5 to 97.5 %. */
  readonly range: { readonly low: number; readonly high: number };
}

/** The four published numbers of a point and the two ratios between its routers. */
export async function figureRows({ ratio, roundRobin, kv }: Point): Promise<FigureRow[]> {
  const [rr, ours] = await Promise.all([repeats("round-robin", ratio), repeats("kv", ratio)]);
  const row = (what: string, published: number, values: readonly number[]): FigureRow => {
    const [low, high] = probe(WeightedSamples.of(values), [0.025, 0.975]);
    return {
      ratio,
      what,
      published,
      mean: meanInterval(values),
      range: { low: low!, high: high! },
    };
  };
  const ttft = (runs: readonly Simulated[]): number[] => runs.map(({ ttftMs }) => ttftMs);
  const tps = (runs: readonly Simulated[]): number[] => runs.map(({ outputTps }) => outputTps);
  const quotients = (a: readonly number[], b: readonly number[]): number[] =>
    a.map((value, i) => value / b[i]!);
  return [
    row("TTFT round robin, ms", roundRobin[0], ttft(rr)),
    row("TTFT kv, ms", kv[0], ttft(ours)),
    row("TTFT round robin / kv", roundRobin[0] / kv[0], quotients(ttft(rr), ttft(ours))),
    row("tokens/s round robin", roundRobin[1], tps(rr)),
    row("tokens/s kv", kv[1], tps(ours)),
    row("tokens/s kv / round robin", kv[1] / roundRobin[1], quotients(tps(ours), tps(rr))),
  ];
}

export function isInRange({ published, range }: FigureRow): boolean {
  return published >= range.low && published <= range.high;
}

export function isNear(row: FigureRow): boolean {
  return isInRange(row) || Math.abs(row.mean.mean / row.published - 1) <= TOLERANCE;
}

/** The rows as a table of a document. */
export function figureTable(rows: readonly FigureRow[]): string {
  const head = ["ratio", "what", "published", "simulated mean (95 %)", "single runs", "error"];
  const cells = rows.map((row) => {
    const { ratio, what, published, mean, range } = row;
    const digits = published < 10 ? 3 : published < 1_000 ? 1 : 0;
    const told = (value: number): string => value.toFixed(digits);
    const interval = `${told(mean.mean)} (${told(mean.low)}–${told(mean.high)})`;
    const error = `${(100 * (mean.mean / published - 1)).toFixed(1)} %`;
    const single = `${told(range.low)}–${told(range.high)}${isInRange(row) ? "" : " (outside)"}`;
    return [`${ratio}`, what, told(published), interval, single, error];
  });
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((line) => line[i]!.length)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, i) => text.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...cells.map(line)].join("\n");
}

/** The repeats of one arm at one ratio, as a plan of the guide's defaults draws them. */
async function repeats(policy: string, ratio: number): Promise<Simulated[]> {
  const load = { ...prefix.load, arrival: "closed", warmup: 0, timeoutS: 600 } as const;
  const options = v.parse(prefix.options, { prefixRatio: ratio });
  const runs: Simulated[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const seed = deriveSeed(0, JSON.stringify({ prefixRatio: ratio }), repeat);
    const cell = { seed, load, workload: { options } } as unknown as PlannedCell;
    const requests = drawRequests(cell, prefix, undefined);
    runs.push(
      await simulate({ requests, policy, load, seed, settings: { routingMs: ROUTING_MS } }),
    );
  }
  return runs;
}
