/**
 * The published figure of the benchmarking guide, simulated: 8 L40S, DeepSeek-R1-Distill-Llama-8B,
 * 14,000 and 200 tokens, 200 requests, 20 prefixes, concurrency 20, five ratios, two routers
 * (`benchmarks/router/README.md`, `results.png` of 2025-10-23, read to ±1 ms and ±0.2 tokens/s).
 *
 * Nothing is fitted: GPU and request cost are the mocker's preset. One effect of the real system is
 * added by its name, `routingMs`: the guide's prompts were chat text, which Dynamo's frontend
 * tokenises, 37 ms for 14,000 tokens and 2 ms for the rest of its work (measured on 1.6.1).
 */
import { describe, expect, test } from "bun:test";
import { deriveSeed, v, type PlannedCell, type Workload } from "dynbench";
import { drawRequests } from "../../core/load/draw.ts";
import { quantilesOf, probe } from "../../core/metrics/quantiles.ts";
import { WeightedSamples } from "../../core/metrics/weighted-samples.ts";
import { prefix } from "../../plugins/workloads/prefix.ts";
import { simulate, type Simulated } from "./simulate.ts";

const ROUTING_MS = 39;
const REPEATS = 20;
/** A published point is one run: it must be one of ours by range, or this near their mean. */
const TOLERANCE = 0.15;

interface Point {
  readonly ratio: number;
  /** TTFT in ms and output tokens/s. */
  readonly roundRobin: readonly [number, number];
  readonly kv: readonly [number, number];
}

const PUBLISHED: readonly Point[] = [
  { ratio: 0.1, roundRobin: [1583.7, 400.1], kv: [1535.3, 419.1] },
  { ratio: 0.3, roundRobin: [1643.7, 394.0], kv: [1539.7, 420.6] },
  { ratio: 0.5, roundRobin: [1411.2, 425.2], kv: [1271.3, 460.2] },
  { ratio: 0.7, roundRobin: [1321.4, 441.9], kv: [1040.0, 494.3] },
  { ratio: 0.9, roundRobin: [1156.5, 452.1], kv: [869.8, 524.5] },
];

/** The repeats of one arm at one ratio, as a plan of the guide's defaults draws them. */
async function repeats(policy: string, ratio: number): Promise<Simulated[]> {
  const load = { ...prefix.load, arrival: "closed", warmup: 0, timeoutS: 600 } as const;
  const options = v.parse(prefix.options, { prefixRatio: ratio });
  const runs: Simulated[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const seed = deriveSeed(0, JSON.stringify({ prefixRatio: ratio }), repeat);
    const cell = { seed, load, workload: { options } } as unknown as PlannedCell;
    const requests = drawRequests(cell, prefix as unknown as Workload, undefined);
    runs.push(
      await simulate({ requests, policy, load, seed, settings: { routingMs: ROUTING_MS } }),
    );
  }
  return runs;
}

interface Simulation {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Mean, and the range of single runs from 2.5 to 97.5 %. */
function spread(values: readonly number[]): Simulation {
  const samples = WeightedSamples.of(values);
  const [low, high] = probe(samples, [0.025, 0.975]);
  return { mean: quantilesOf(samples)!.mean, low: low!, high: high! };
}

function isNear(published: number, { mean, low, high }: Simulation): boolean {
  const isInRange = published >= low && published <= high;
  return isInRange || Math.abs(mean / published - 1) <= TOLERANCE;
}

describe.each(PUBLISHED)("at prefix ratio $ratio", (point) => {
  test("each published number is that of a simulated run, or within 15 % of their mean", async () => {
    const [roundRobin, kv] = await Promise.all([
      repeats("round-robin", point.ratio),
      repeats("kv", point.ratio),
    ]);
    const ttft = (runs: readonly Simulated[]): number[] => runs.map(({ ttftMs }) => ttftMs);
    const tps = (runs: readonly Simulated[]): number[] => runs.map(({ outputTps }) => outputTps);
    const rows: [what: string, published: number, simulated: Simulation][] = [
      ["TTFT, round robin", point.roundRobin[0], spread(ttft(roundRobin))],
      ["TTFT, kv", point.kv[0], spread(ttft(kv))],
      ["tokens/s, round robin", point.roundRobin[1], spread(tps(roundRobin))],
      ["tokens/s, kv", point.kv[1], spread(tps(kv))],
      [
        "TTFT, round robin over kv",
        point.roundRobin[0] / point.kv[0],
        spread(roundRobin.map(({ ttftMs }, i) => ttftMs / kv[i]!.ttftMs)),
      ],
      [
        "tokens/s, kv over round robin",
        point.kv[1] / point.roundRobin[1],
        spread(kv.map(({ outputTps }, i) => outputTps / roundRobin[i]!.outputTps)),
      ],
    ];
    if (process.env.DYNBENCH_TABLE) for (const row of rows) console.log(point.ratio, ...row);
    const missed = rows.filter(([, published, simulated]) => !isNear(published, simulated));
    expect(missed).toEqual([]);
  });
});
