/** One cell computed by hand: three completed requests, one of each other outcome, one warm-up. */
import { describe, expect, test } from "bun:test";
import { CellTally } from "../../../../core/metrics/tally/cell-tally.ts";
import { IN_FLIGHT_BINS } from "../../../../core/metrics/tally/in-flight.ts";
import { summarizeCell, summarizeRun } from "../../../../core/metrics/summary/summary.ts";
import { quantilesOf } from "../../../../core/statistics/quantiles.ts";
import { WeightedSamples } from "../../../../core/statistics/weighted-samples.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import {
  exampleInput,
  examplePlan,
  MS,
  okRecord,
  steadyRecords,
  wholeWorkers,
} from "../example-cells.ts";

const unfinished = (index: number, details: Partial<RequestRecord>): RequestRecord => ({
  cell: "r0-kv",
  index,
  phase: "measured",
  state: "failed",
  intendedNs: 0,
  endNs: 0,
  isl: 100,
  oslRequested: 3,
  osl: 0,
  ...details,
});

// In the order in which they ended, not in which they were sent.
const records: RequestRecord[] = [
  okRecord(0, { intended: 0, first: 50, gaps: [25, 25] }, { phase: "warmup" }),
  okRecord(2, { intended: 100, first: 300, gaps: [] }, { worker: "worker-1" }),
  unfinished(4, {
    intendedNs: 300 * MS,
    sentNs: 300 * MS,
    firstTokenNs: 310 * MS,
    endNs: 350 * MS,
    status: 500,
    error: { kind: "status", message: "no memory" },
  }),
  okRecord(
    1,
    { intended: 100, sent: 101, first: 201, gaps: [100, 100], end: 402 },
    { cachedTokens: 60 },
  ),
  unfinished(5, { state: "dropped", intendedNs: 400 * MS, endNs: 400 * MS }),
  unfinished(6, {
    state: "aborted",
    intendedNs: 1000 * MS,
    sentNs: 1000 * MS,
    endNs: 1050 * MS,
    error: { kind: "aborted", message: "the load was stopped" },
  }),
  okRecord(
    3,
    { intended: 200, sent: 203, first: 403, gaps: [100, 200, 300], end: 1100 },
    { promptTokens: 200, isl: 200, cachedTokens: 90 },
  ),
];
const workers = wholeWorkers("worker-0", "worker-1", "worker-2");
const { summary, points, series } = summarizeCell(exampleInput(records, { workers }));

describe("a cell's summary", () => {
  test("identifies its cell", () => {
    expect(summary).toMatchObject({
      id: "r0-kv",
      arm: "kv",
      engine: "mocker",
      router: "kv",
      workload: "prefix",
      clock: "wall",
      timeScale: 1,
      parameters: { prefixRatio: 0.5 },
      repeat: 0,
      seed: 7,
      state: "completed",
    });
  });

  test("counts each outcome, without warm-up; an aborted request is not a failure", () => {
    expect(summary.requests).toEqual({ sent: 5, ok: 3, failed: 1, dropped: 1, aborted: 1 });
    expect(summary.errors).toEqual([
      { kind: "status", message: "no memory", status: 500, count: 1 },
    ]);
  });

  test("lasts from the first intended send to the last end", () => {
    expect(summary.durationS).toBe(1); // 100 ms to 1,100 ms
    expect(summary.metrics).toMatchObject({ requestRps: 3, inputTps: 400, outputTps: 8 });
    expect(summary.metrics.tokensPerChunk).toBeUndefined();
  });

  test("counts TTFT and E2E from the intended send: 101, 200, 203 and 302, 200, 900 ms", () => {
    expect(summary.metrics.ttftMs).toMatchObject({ n: 3, mean: 168, min: 101, p50: 200, max: 203 });
    expect(summary.metrics.ttftMs!.p25).toBe(150.5);
    expect(summary.metrics.ttftMs!.std).toBeCloseTo(
      Math.sqrt((67 ** 2 + 32 ** 2 + 35 ** 2) / 3),
      12,
    );
    expect(summary.metrics.e2eMs).toMatchObject({ n: 3, min: 200, p50: 302, max: 900 });
  });

  test("pools the gaps for ITL: 100, 100, 100, 200, 300 ms", () => {
    expect(summary.metrics.itlMs).toMatchObject({ n: 5, mean: 160, p50: 100, p75: 200, p90: 260 });
  });

  test("has TPOT of answers of two tokens and more: 200/2 and 600/3 ms", () => {
    expect(summary.metrics.tpotMs).toMatchObject({ n: 2, mean: 150, min: 100, max: 200, std: 50 });
  });

  test("has lengths of completed requests", () => {
    expect(summary.metrics.isl).toMatchObject({ n: 3, min: 100, max: 200 });
    expect(summary.metrics.osl).toMatchObject({ n: 3, min: 1, p50: 3, max: 4 });
  });

  test("weighs the hit share by tokens: 150 of 400", () => {
    expect(summary.cache).toEqual({ cachedShare: 0.375, idealShare: 0.5, reachedShare: 0.75 });
  });

  test("has the expected share only where the router reported it for every request", () => {
    const expecting = () => ({ cachedTokens: 40, expected: { tokens: 60, bestTokens: 80 } });
    const cacheOf = (each: Parameters<typeof steadyRecords>[1]) =>
      summarizeCell(exampleInput(steadyRecords(10, each))).summary.cache;
    // Of prompts of 100 tokens.
    expect(cacheOf(expecting)).toMatchObject({ expectedShare: 0.6, presentShare: 0.8 });
    const once = cacheOf((i) => (i === 3 ? {} : expecting()));
    expect([once.expectedShare, once.presentShare]).toEqual([undefined, undefined]);
    // Dynamo reports a share, and nothing about other workers.
    const dynamo = cacheOf(() => ({ cachedTokens: 40, routing: { kvHitRate: 0.5 } }));
    expect([dynamo.expectedShare, dynamo.presentShare]).toEqual([0.5, undefined]);
  });

  test("has the requests of all workers, including those without any", () => {
    expect(summary.workers).toEqual([
      { id: "worker-0", requests: 2, promptTokens: 300, cachedTokens: 150 },
      { id: "worker-1", requests: 1, promptTokens: 100, cachedTokens: 0 },
      { id: "worker-2", requests: 0, promptTokens: 0, cachedTokens: 0 },
    ]);
  });

  test("has the client's lateness over all that was sent: 0, 0, 0, 1, 3 ms", () => {
    expect(summary.client).toEqual({
      latenessMs: { p50: 0, p99: 2.92, max: 3 },
      loopLagMs: { p99: 0.5, max: 2 },
      cpuSeconds: 0.1,
    });
  });
});

describe("a cell's points", () => {
  test("are in send order, unknown where a request did not complete", () => {
    expect(points.index).toEqual([2, 1, 3, 4, 6]);
    expect(points.sentS).toEqual([0.1, 0.101, 0.203, 0.3, 1]);
    expect(points.ttftMs).toEqual([200, 101, 203, NaN, NaN]);
    expect(points.tpotMs).toEqual([NaN, 100, 200, NaN, NaN]);
    expect(points.e2eMs).toEqual([200, 302, 900, NaN, NaN]);
    expect(points.gaps).toEqual([0, 2, 3, 0, 0]);
    expect(points.itlMsMean).toEqual([NaN, 100, 200, NaN, NaN]);
    expect(points.uncachedTokens).toEqual([100, 40, 110, NaN, NaN]);
    expect(points.latenessMs).toEqual([0, 1, 3, 0, 0]);
  });
});

describe("requests in flight", () => {
  const { inFlight } = series;
  const binMs = 1100 / IN_FLIGHT_BINS;
  const busyMs = (id: string): number =>
    inFlight.workers.find((worker) => worker.id === id)!.count.reduce((a, b) => a + b * binMs, 0);

  test("cover the load from its start, warm-up included, in equal bins", () => {
    expect(inFlight.timeS.length).toBe(IN_FLIGHT_BINS);
    expect(inFlight.timeS[0]).toBe(0);
    expect(inFlight.timeS[24]).toBeCloseTo(0.11, 12);
  });

  test("add up to the time that requests were on each worker", () => {
    expect(busyMs("worker-0")).toBeCloseTo(100 + 301 + 897, 6);
    expect(busyMs("worker-1")).toBeCloseTo(200, 6);
    expect(busyMs("worker-2")).toBe(0);
  });

  test("count two where two overlap", () => {
    // 220 ms is bin 48: both requests of worker-0 are running.
    expect(inFlight.workers[0]!.count[48]).toBeCloseTo(2, 12);
    expect(inFlight.workers[0]!.count[239]).toBeCloseTo(1, 12);
  });
});

describe("open and waiting requests", () => {
  const records = [
    okRecord(0, { intended: 0, first: 100, gaps: [140] }),
    // Due at 0 and sent 40 ms late: it waits from when it was due.
    okRecord(1, { intended: 0, sent: 40, first: 60, gaps: [60] }),
    {
      ...okRecord(2, { intended: 120, first: 0, gaps: [] }),
      state: "failed" as const,
      endNs: 180e6,
    },
    { ...okRecord(3, { intended: 0, first: 0, gaps: [] }), state: "dropped" as const },
  ];
  delete (records[2] as { firstTokenNs?: number }).firstTokenNs;
  const { open } = summarizeCell(exampleInput(records)).series;
  const ms = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);

  test("count from when a request was due to its first token, and to its end", () => {
    // 240 bins of one millisecond: 100 + 60 + 60 without a token, 240 + 120 + 60 in all.
    expect(ms(open.waiting)).toBeCloseTo(220, 9);
    expect(ms(open.all)).toBeCloseTo(420, 9);
    expect([open.waiting[50], open.all[50], open.waiting[110], open.all[150]]).toEqual([
      2, 2, 0, 2,
    ]);
  });
});

describe("a cell", () => {
  test("of streamed records is the same", () => {
    const tally = new CellTally();
    for (const record of records) tally.add(record);
    const streamed = summarizeCell({ ...exampleInput([], { workers }), records: tally });
    expect(streamed).toEqual(summarizeCell(exampleInput(records, { workers })));
  });

  test("on the virtual clock takes ITL from the workers' spans", () => {
    const decodeGaps = new WeightedSamples();
    decodeGaps.addDecodeRun(
      { spanStartNs: 0, firstNs: 10 * MS, growthNs: MS, growth2Ns: 0, fromStep: 0, steps: 3 },
      2,
    );
    const itlMs = quantilesOf(decodeGaps, MS)!;
    const virtual = summarizeCell(exampleInput(records, { itlMs, clock: "virtual" }));
    expect(virtual.summary.metrics.itlMs).toMatchObject({ n: 6, mean: 11, min: 10, max: 12 });
  });

  test("without records has no latencies and no rates, and has failed", () => {
    const empty = summarizeCell(exampleInput([]));
    expect(empty.summary.metrics).toEqual({ requestRps: 0, inputTps: 0, outputTps: 0 });
    expect(empty.summary.durationS).toBe(0);
    expect(empty.summary.cache).toEqual({ idealShare: 0.5 });
    expect(empty.summary.verdict.state).toBe("failed");
    expect(empty.series.inFlight.timeS).toEqual([]);
  });

  test("whose answers were split between prefill and decode counts the prompt once", () => {
    const split = summarizeCell(
      exampleInput(
        [okRecord(0, { intended: 0, first: 5, gaps: [1] }, { prefillWorker: "worker-1" })],
        { workers: [] },
      ),
    );
    expect(split.summary.workers).toEqual([
      { id: "worker-0", requests: 1, promptTokens: 0, cachedTokens: 0 },
      { id: "worker-1", requests: 1, promptTokens: 100, cachedTokens: 0 },
    ]);
  });

  test("whose answers were split is in flight at one worker, and from its first token at the other", () => {
    const record = okRecord(0, { intended: 0, first: 5, gaps: [1] }, { prefillWorker: "worker-1" });
    const { occupancy } = CellTally.of([record]);
    const { sentNs, firstTokenNs, endNs } = record;
    expect(occupancy.get("worker-1")).toEqual({ startNs: [sentNs!], endNs: [firstTokenNs!] });
    expect(occupancy.get("worker-0")).toEqual({ startNs: [firstTokenNs!], endNs: [endNs] });
  });

  test("whose chunks carry several tokens counts each chunk as one gap and notes it", () => {
    const chunked = summarizeCell(
      exampleInput([
        okRecord(
          0,
          { intended: 0, first: 10, gaps: [30, 30] },
          { osl: 9, oslRequested: 9, firstTokens: 3, tokens: [3, 3] },
        ),
      ]),
    );
    expect(chunked.summary.metrics.tokensPerChunk).toBe(3);
    expect(chunked.summary.metrics.itlMs).toMatchObject({ n: 2, mean: 30 });
    expect(chunked.summary.metrics.tpotMs!.mean).toBe(7.5);
  });

  test("names the URL that failed where there are several", () => {
    const failure = (i: number, target?: number) =>
      unfinished(i, {
        error: { kind: "status", message: "down" },
        status: 500,
        ...(target === undefined ? {} : { target }),
      });
    const targets = ["http://a", "http://b"];
    const of = (...failed: RequestRecord[]) =>
      summarizeCell(exampleInput(failed, { targets })).summary;
    const told = { kind: "status", message: "down", status: 500 };
    const both = of(failure(0, 1), failure(1, 0), failure(2, 1));
    expect(both.errors).toEqual([
      { ...told, url: "http://b", count: 2 },
      { ...told, url: "http://a", count: 1 },
    ]);
    const reason = ({ verdict }: typeof both) =>
      verdict.reasons.find(({ id }) => id === "errors")!.message;
    expect(reason(both)).toBe("3 of 3 requests failed, most at http://b with: down");
    expect(reason(of(failure(0, 1)))).toBe(
      "1 of 1 requests failed, all of them at http://b, most with: down",
    );
    expect(of(failure(0)).errors).toEqual([{ ...told, count: 1 }]);
  });

  test("groups failures that differ only in numbers", () => {
    const failure = (i: number, message: string) =>
      unfinished(i, { sentNs: 0, error: { kind: "status", message } });
    const { errors } = summarizeCell(
      exampleInput([
        failure(0, "Cannot route request 7: 2 workers"),
        failure(1, "Cannot route request 12: 2 workers"),
        failure(2, "Cannot route request 13: 3 workers"),
        failure(3, "Cannot see request 13"),
        failure(4, "gone: cmpl-1b4e28ba2fa111d2"),
        failure(5, "gone: cmpl-ffffffffffffffff"),
      ]),
    ).summary;
    expect(errors.map(({ message, count }) => [count, message])).toEqual([
      [3, "Cannot route request #: # workers"],
      [2, "gone: cmpl-#"],
      [1, "Cannot see request 13"],
    ]);
  });

  test("lists at most 51 kinds of failure", () => {
    const failures = Array.from({ length: 200 }, (_, i) =>
      unfinished(i, { sentNs: 0, error: { kind: "other", message: "x".repeat(i + 1) } }),
    );
    const { errors } = summarizeCell(exampleInput(failures)).summary;
    expect(errors.length).toBe(51);
    expect(errors[0]).toEqual({ kind: "other", message: "other failures", count: 150 });
  });
});

describe("a run's summary", () => {
  const plan = examplePlan();
  const cells = plan.cells.map((cell) =>
    summarizeCell(exampleInput(steadyRecords(120), { cell, arm: plan.arms[cell.arm]! })),
  );

  test("has the cells, the comparisons of arms and one verdict", () => {
    const run = summarizeRun({ plan, cells, startedAt: "2026-01-01T00:00:00Z" });
    expect(run.cells).toEqual(cells.map((cell) => cell.summary));
    expect(run.verdict.state).toBe("trusted");
    expect(run.verdict.reasons.map((reason) => reason.id)).toEqual(["few-repeats"]);
    expect(new Set(run.comparisons.map(({ a, b }) => `${b} over ${a}`))).toEqual(
      new Set(["kv over round-robin"]),
    );
  });

  test("that was cut short has the cells that were measured, and is untrusted", () => {
    const run = summarizeRun({ plan, cells: cells.slice(0, 1), startedAt: "" });
    expect(run.comparisons).toEqual([]);
    expect(run.verdict.state).toBe("untrusted");
    expect(run.verdict.reasons[0]!.id).toBe("cut-short");
    expect(summarizeRun({ plan, cells: [], startedAt: "" }).verdict.state).toBe("failed");
  });
});
