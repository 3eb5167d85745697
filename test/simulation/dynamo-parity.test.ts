/**
 * The same results as Dynamo's own offline replay (1.6.1, `dynamo.replay`): `--timing dynamo` has its
 * engine defaults, and its figures below were measured with the Python API on the public traces.
 *
 * Its round robin repeats bit for bit, so dynbench must agree to 0.1 %. Its KV router breaks ties at
 * random without a seed: one captured run is followed pick by pick, and otherwise means are compared.
 */
import { describe, expect, test } from "bun:test";
import {
  capturedFigures,
  capturedRun,
  followed,
  type Figures as DynamoFigures,
} from "./dynamo-run.ts";
import { disagreements } from "./mean-interval.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";
import { sweepRequests } from "./sweep-requests.ts";
import { traceFile, traceRequests } from "./trace-requests.ts";

type Figures = Partial<
  Pick<Simulated, "ttftMs" | "itlMs" | "tpotMs" | "e2eMs" | "outputTps" | "cachedShare">
>;

const CONVERSATION = "mooncake_conversation.jsonl";
const SAMPLE = "mooncake_1000.jsonl";
const BLOCK_512 = { blockSize: 512, kvBlocks: 2_048 };
const CLOSED_20: SimulateOptions["load"] = { arrival: "closed", concurrency: 20 };

interface Run {
  readonly what: string;
  readonly trace: string;
  readonly mocker?: Record<string, unknown>;
  readonly load?: SimulateOptions["load"];
  readonly arrivalSpeedup?: number;
  readonly measured: Figures;
}

const ROUND_ROBIN: readonly Run[] = [
  {
    what: "conversation, block 64",
    trace: CONVERSATION,
    measured: {
      ttftMs: 321.136,
      itlMs: 7.5882,
      tpotMs: 8.101,
      e2eMs: 2913.4,
      outputTps: 1163.453,
      cachedShare: 0.081744,
    },
  },
  {
    what: "conversation, block 512",
    trace: CONVERSATION,
    mocker: BLOCK_512,
    measured: {
      ttftMs: 320.916,
      itlMs: 7.5878,
      e2eMs: 2913.05,
      outputTps: 1163.453,
      cachedShare: 0.0824,
    },
  },
  {
    what: "conversation, closed loop of 20",
    trace: CONVERSATION,
    load: CLOSED_20,
    measured: {
      ttftMs: 262.346,
      itlMs: 9.0851,
      e2eMs: 3365.98,
      outputTps: 2030.374,
      cachedShare: 0.0818,
    },
  },
  {
    what: "conversation, arrivals four times as fast",
    trace: CONVERSATION,
    arrivalSpeedup: 4,
    measured: {
      ttftMs: 475.278,
      itlMs: 25.8401,
      e2eMs: 9302.75,
      outputTps: 4606.464,
      cachedShare: 0.0815,
    },
  },
  {
    what: "1000 rows, 8 workers",
    trace: SAMPLE,
    measured: {
      ttftMs: 282.244,
      itlMs: 8.4796,
      e2eMs: 1961.92,
      outputTps: 1094.877,
      cachedShare: 0.2996,
    },
  },
  {
    // Its reused ratio, .2786, includes hits of readmitted requests; dynbench counts first admissions.
    what: "1000 rows, 1 worker, overloaded",
    trace: SAMPLE,
    mocker: { workers: 1 },
    measured: { ttftMs: 25016.08, itlMs: 78.3378, e2eMs: 40533.5, outputTps: 772.672 },
  },
];

/** Cases of `fixtures/dynamo-replay/kv-runs.jsonl`, with as many simulations as every day allows; 0: at length only. */
const KV: readonly (Omit<Run, "measured"> & { readonly runs: number })[] = [
  { what: "sample", trace: SAMPLE, runs: 10 },
  { what: "conversation, block 512", trace: CONVERSATION, mocker: BLOCK_512, runs: 2 },
  { what: "conversation, block 64", trace: CONVERSATION, runs: 0 },
  { what: "conversation, closed loop", trace: CONVERSATION, load: CLOSED_20, runs: 0 },
  { what: "conversation, arrivals x4", trace: CONVERSATION, arrivalSpeedup: 4, runs: 0 },
];

/** `DYNBENCH_RUNS=20` takes as many runs as Dynamo's. */
const OUR_RUNS = Number(process.env["DYNBENCH_RUNS"] ?? 0);

type Case = Omit<Run, "measured">;

function run(row: Case, policy: string, seed: number, requests = requestsOf(row)) {
  const { mocker, load } = row;
  return simulate({
    requests,
    mocker: { timing: "dynamo", ...mocker },
    policy,
    load: load ?? { arrival: "trace" },
    seed,
  });
}

function requestsOf({ trace, arrivalSpeedup }: Case) {
  return traceRequests(traceFile(trace)!, arrivalSpeedup);
}

/** Relative difference of each figure from the measured one. */
function misses(got: Figures, measured: Figures, tolerance: number): string[] {
  return (Object.keys(measured) as (keyof Figures)[])
    .map((key) => ({ key, off: got[key]! / measured[key]! - 1 }))
    .filter(({ off }) => !(Math.abs(off) <= tolerance))
    .map(({ key, off }) => `${key}: ${got[key]} is off by ${(100 * off).toFixed(2)} %`);
}

function meanOf(runs: readonly Simulated[]): Figures {
  const mean = (key: keyof Figures): number =>
    runs.reduce((sum, figures) => sum + figures[key], 0) / runs.length;
  return {
    ttftMs: mean("ttftMs"),
    itlMs: mean("itlMs"),
    e2eMs: mean("e2eMs"),
    outputTps: mean("outputTps"),
    cachedShare: mean("cachedShare"),
  };
}

describe("round robin over a trace is Dynamo's replay to 0.1 %", () => {
  for (const row of ROUND_ROBIN) {
    onTrace(row.trace, row.what, async () => {
      const got = await run(row, "round-robin", 0);
      expect(misses(got, row.measured, 0.001)).toEqual([]);
    });
  }
});

test("kv, with the picks of Dynamo, has Dynamo's cost at every pick and its times at every request", async () => {
  const requests = sweepRequests(0.7, 0);
  const mocker = { timing: "dynamo" };
  const led = await followed(capturedRun("kv-sweep-0.7.jsonl"), {
    requests,
    mocker,
    load: CLOSED_20,
  });
  const { costs, picks, requests: differ } = led;
  expect({ costs, picks, differ }).toEqual({ costs: [], picks: [], differ: [] });
  expect(led.simulated.records).toHaveLength(200);
});

describe("kv over a trace: means of runs equal those of 20 runs of Dynamo, to 2 % and within their intervals", () => {
  const theirs = capturedFigures("kv-runs.jsonl");
  for (const row of KV.filter(({ runs }) => (OUR_RUNS || runs) > 0)) {
    onTrace(row.trace, row.what, async () => {
      const ours: DynamoFigures[] = [];
      const runs = OUR_RUNS || row.runs;
      const requests = requestsOf(row);
      for (let seed = 0; seed < runs; seed += 1) {
        const { simulation: _, records: __, ...figures } = await run(row, "kv", seed, requests);
        ours.push(figures); // the records of twenty runs take 2 GB
      }
      const options = { confidence: 0.95, tolerance: 0.02 };
      expect(disagreements(ours, theirs.get(row.what)!, options)).toEqual([]);
    });
  }
});

/** Round robin's measured figures, and the means of three runs of the KV router. */
const PREFIX_SWEEP: readonly { ratio: number; roundRobin: Figures; kv: Figures }[] = [
  {
    ratio: 0.1,
    roundRobin: { ttftMs: 320.416, itlMs: 9.8502, outputTps: 1689.09, cachedShare: 0.0432 },
    kv: { ttftMs: 316.97, itlMs: 9.5, outputTps: 1756.7, cachedShare: 0.052 },
  },
  {
    ratio: 0.3,
    roundRobin: { ttftMs: 299.404, itlMs: 9.6402, outputTps: 1734.05, cachedShare: 0.1297 },
    kv: { ttftMs: 288.63, itlMs: 9.3, outputTps: 1821.7, cachedShare: 0.1553 },
  },
  {
    ratio: 0.5,
    roundRobin: { ttftMs: 267.991, itlMs: 9.3955, outputTps: 1810.61, cachedShare: 0.2162 },
    kv: { ttftMs: 242.53, itlMs: 8.92, outputTps: 1933.3, cachedShare: 0.306 },
  },
  {
    ratio: 0.7,
    roundRobin: { ttftMs: 245.046, itlMs: 9.1833, outputTps: 1867.64, cachedShare: 0.3008 },
    kv: { ttftMs: 203.5, itlMs: 8.65, outputTps: 2018.7, cachedShare: 0.4337 },
  },
  {
    ratio: 0.9,
    roundRobin: { ttftMs: 224.555, itlMs: 8.983, outputTps: 1930.5, cachedShare: 0.3872 },
    kv: { ttftMs: 166.53, itlMs: 8.38, outputTps: 2108.7, cachedShare: 0.572 },
  },
];

/** Its draw of groups differs from dynbench's: it must be within three standard deviations of dynbench's draws. */
const DRAWS = OUR_RUNS > 0 ? 40 : 20;
/** Every day one end of the sweep. */
const SWEPT = PREFIX_SWEEP.filter(({ ratio }) => OUR_RUNS > 0 || ratio === 0.9);

describe.each(SWEPT)("the prefix sweep at ratio $ratio", ({ ratio, roundRobin, kv }) => {
  const drawn = async (policy: string): Promise<Simulated[]> => {
    const runs: Simulated[] = [];
    for (let seed = 0; seed < DRAWS; seed += 1) {
      const requests = sweepRequests(ratio, seed);
      const mocker = { timing: "dynamo" };
      runs.push(await simulate({ requests, seed, mocker, policy, load: CLOSED_20 }));
    }
    return runs;
  };
  const outside = (runs: readonly Simulated[], measured: Figures): string[] => {
    const mean = meanOf(runs);
    return (Object.keys(measured) as (keyof Figures)[]).filter((key) => {
      const variance =
        runs.reduce((sum, figures) => sum + (figures[key] - mean[key]!) ** 2, 0) / (DRAWS - 1);
      return Math.abs(measured[key]! - mean[key]!) > 3 * Math.sqrt(variance);
    });
  };

  test("round robin: Dynamo's draw is within the spread of dynbench's, and within 2 % of their mean", async () => {
    const runs = await drawn("round-robin");
    expect(outside(runs, roundRobin)).toEqual([]);
    expect(misses(meanOf(runs), roundRobin, 0.02)).toEqual([]);
  });

  // Its three runs share one draw of groups, which alone moves the reused share by 4 %.
  test("kv: the mean of Dynamo's three runs is within 6 % of dynbench's", async () => {
    const runs = await drawn("kv");
    expect(outside(runs, kv)).toEqual([]);
    expect(misses(meanOf(runs), kv, 0.06)).toEqual([]);
  });
});

onTrace(CONVERSATION, "the whole trace is sent, token for token", async () => {
  const { records } = await run(ROUND_ROBIN[0]!, "round-robin", 0);
  const sum = (of: (record: (typeof records)[number]) => number): number =>
    records.reduce((total, record) => total + of(record), 0);
  expect(records.length).toBe(12_031);
  expect(sum(({ isl }) => isl)).toBe(144_793_823);
  expect(sum(({ osl }) => osl)).toBe(4_122_048);
  // Dynamo computed 132,957,855 prompt tokens.
  const computed = sum(({ isl, cachedTokens }) => isl - cachedTokens!);
  expect(computed / 132_957_855).toBeCloseTo(1, 4);
});

/** A test that needs a public trace; skipped, with the reason in its name, where that is missing. */
function onTrace(trace: string, name: string, body: () => Promise<void>): void {
  if (traceFile(trace) !== undefined) test(name, body);
  else test.skip(`${name} (skipped where ../shared/data/traces is not beside the checkout)`, body);
}
