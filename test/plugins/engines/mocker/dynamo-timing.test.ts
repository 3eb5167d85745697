/**
 * The worker with Dynamo's timing against figures of the real Dynamo 1.6.1 mocker (offline simulator,
 * defaults: 16,384 blocks of 64, 8,192 batched tokens). All times in ms, to 1e-4.
 */
import { describe, expect, test } from "bun:test";
import type { WorkerRequest } from "dynbench/engine";
import { TIMING_PRESETS } from "../../../../plugins/engines/mocker/gpus.ts";
import { createWorkerModel } from "../../../../plugins/engines/mocker/scheduler.ts";
import { jump, recordingSink, requestOf, type Recording } from "./recording-sink.ts";

const limits = {
  blockSize: 64,
  kvBlocks: 16_384,
  maxNumSeqs: 256,
  maxNumBatchedTokens: 8_192,
  maxModelLen: Infinity,
};

function dynamoWorker() {
  const sink = recordingSink();
  const timing = TIMING_PRESETS.dynamo.timing(limits);
  return {
    sink,
    model: createWorkerModel({ limits, timing, timeScale: 1, prefixCaching: true }, sink),
  };
}

const prompt = (id: number, isl: number, osl = 1, shared = 0) =>
  requestOf(id, { isl, osl, blockSize: 64, shared });

function run(requests: readonly WorkerRequest[]): Recording {
  const { sink, model } = dynamoWorker();
  for (const request of requests) model.submit(request, 0);
  jump(model);
  return sink;
}

const firstTokens = (sink: Recording) => sink.of("firstToken").map((told) => told.at / 1e6);

function expectMs(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((ms, i) => expect(Math.abs(ms - expected[i]!)).toBeLessThanOrEqual(1.01e-4));
}

describe("single requests of 200 output tokens", () => {
  const measured: [isl: number, ttft: number, itlMin: number, itlMean: number, itlMax: number][] = [
    [63, 17.4596, 5.7433, 5.7484, 5.7535],
    [64, 17.4749, 5.7433, 5.7484, 5.7535],
    [100, 18.024, 5.7452, 5.7503, 5.7554],
    [1_000, 32.1059, 5.7915, 5.7966, 5.8017],
    [5_000, 102.9436, 5.997, 6.0021, 6.0072],
    [8_192, 169.1369, 6.1604, 6.1655, 6.1706],
    [14_000, 288.0253, 6.4566, 6.4616, 6.4666],
  ];
  test.each(measured)("isl %d", (isl, ttft, itlMin, itlMean, itlMax) => {
    const sink = run([prompt(0, isl, 200)]);
    const times = sink.tokenTimes(0);
    expect(times.length).toBe(200);
    const gaps = times.slice(1).map((at, i) => (at - times[i]!) / 1e6);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    expectMs([times[0]! / 1e6], [ttft]);
    expectMs([Math.min(...gaps), mean, Math.max(...gaps)], [itlMin, itlMean, itlMax]);
  });

  test("8,193 tokens are a pass of 8,192 and a pass of one", () => {
    expectMs(firstTokens(run([prompt(0, 8_193)])), [185.6535]);
  });
});

describe("pairs that arrive together", () => {
  const measured: [a: number, b: number, first: number, second: number][] = [
    [1_000, 1_000, 48.5523, 48.5523],
    [1_000, 1_001, 48.5523, 48.5523], // the integer division of the mean
    [5_000, 5_000, 169.137, 220.463],
    [8_000, 1_000, 169.137, 204.332],
    [1_000, 5_000, 122.758, 122.758],
  ];
  // With 32 output tokens, as measured: the first one decodes while the second still prefills.
  test.each(measured)("%d + %d", (a, b, first, second) => {
    const ms = firstTokens(run([prompt(0, a, 32), prompt(1, b, 32)]));
    ms.forEach((value, i) => expect(Math.abs(value - [first, second][i]!)).toBeLessThan(6e-4));
  });

  test("reuse of different depth in one pass: 1000 with 960 cached beside 1001 new", () => {
    const { sink, model } = dynamoWorker();
    model.submit(prompt(0, 1_000, 1, 15), 0);
    jump(model);
    const start = 1e9;
    model.submit(prompt(1, 1_000, 1, 15), start);
    model.submit(prompt(2, 1_001), start);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 960, 0]);
    expectMs(
      sink
        .of("firstToken")
        .slice(1)
        .map((told) => (told.at - start) / 1e6),
      [32.7476, 32.7476],
    );
  });
});

test("prefill beside a decoder: its gap is P(4000) + D(context)", () => {
  const { sink, model } = dynamoWorker();
  model.submit(prompt(0, 1_000, 50), 0);
  while (sink.runs.length === 0) model.advance(model.nextStepNs);
  model.submit(prompt(1, 4_000, 1), model.nextStepNs - 1);
  jump(model);
  const times = sink.tokenTimes(0);
  const gaps = times.slice(1).map((at, i) => (at - times[i]!) / 1e6);
  expect(Math.abs(Math.max(...gaps) - 89.763)).toBeLessThan(2e-3); // measured at another context
});

test("eight decoders at a context of 1001 each: utilisation is their sum", () => {
  const sink = run(Array.from({ length: 8 }, (_, id) => prompt(id, 1_000, 2)));
  const first = sink.of("firstToken")[0]!.at;
  expectMs([(sink.of("finished")[0]!.at - first) / 1e6], [6.151]);
});

test.each([
  [1_024, 960, 17.475], // an exact multiple recomputes its last block
  [1_000, 960, 17.109],
  [1_088, 1_024, 17.475],
])("reuse: %d tokens after the same 1024", (isl, cached, ttft) => {
  const { sink, model } = dynamoWorker();
  model.submit(prompt(0, 1_024, 1, 16), 0);
  jump(model);
  model.submit(prompt(1, isl, 1, 16), 1e9);
  jump(model);
  expect(sink.of("admitted")[1]!.n).toBe(cached);
  expect(Math.abs((sink.of("firstToken")[1]!.at - 1e9) / 1e6 - ttft)).toBeLessThan(6e-4);
});

test("utilisation stops at 1: steps of a batch over capacity take 34.01 ms", () => {
  const out = { firstNs: 0, growthNs: 0, growth2Ns: 0, steps: 0 };
  const timing = TIMING_PRESETS.dynamo.timing({ kvBlocks: 10, blockSize: 10 });
  timing.decodeSteps(2, 94, out);
  expect(out.steps).toBe(4); // contexts 94, 96, 98, 100
  timing.decodeSteps(2, 102, out);
  expect([out.firstNs, out.growthNs, out.growth2Ns, out.steps]).toEqual([34.01e6, 0, 0, Infinity]);
});
