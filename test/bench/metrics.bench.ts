/** The cost of computing figures from records: spans of a large simulation, and a comparison of arms. */
import { compareArms } from "../../core/metrics/compare/compare.ts";
import { quantilesOf } from "../../core/statistics/quantiles.ts";
import { summarizeCell } from "../../core/metrics/summary/summary.ts";
import { WeightedSamples } from "../../core/statistics/weighted-samples.ts";
import { randomStream } from "../../core/base/random.ts";
import {
  exampleArm,
  exampleCell,
  exampleInput,
  steadyRecords,
} from "../core/metrics/example-cells.ts";

export const name = "metrics";

const SPANS = 100_000;
const REQUESTS = 10_000;

export async function run(): Promise<
  { what: string; value: number; unit: string; must?: number; goal?: number; note?: string }[]
> {
  const random = randomStream(1, "metrics bench");
  const spans = new WeightedSamples();
  for (let i = 0; i < SPANS; i += 1) {
    spans.addRun({
      first: 2e7 + random.int(1e7),
      growth: random.int(2000),
      growth2: 0,
      steps: 1 + random.int(24),
      weight: 1 + random.int(20),
    });
  }
  const arms = [exampleArm("round-robin"), exampleArm("kv")];
  const records = steadyRecords(REQUESTS);
  const cellOf = (arm: number) =>
    summarizeCell(exampleInput(records, { cell: exampleCell({ arm }), arm: arms[arm]! }));
  const cells = [cellOf(0), cellOf(1)];
  return [
    {
      what: `exact quantiles of ${SPANS} decode spans`,
      value: milliseconds(() => quantilesOf(spans)),
      unit: "ms",
      note: `${spans.count} gaps`,
    },
    {
      what: `summary of a cell of ${REQUESTS} requests with ${REQUESTS * 9} gaps`,
      value: milliseconds(() => cellOf(0)),
      unit: "ms",
    },
    {
      what: `comparison of two arms of ${REQUESTS} requests, 2000 resamples`,
      value: milliseconds(() => compareArms(cells, { arms, seed: 0, primary: "ttftMs.mean" })),
      unit: "ms",
    },
  ];
}

function milliseconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
