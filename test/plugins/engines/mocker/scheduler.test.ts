/**
 * Timelines computed by hand. Blocks of 4 tokens; a step takes 100 + 10 per prompt token + 1 per context
 * token of its decoders (see linear-timing.ts).
 */
import { describe, expect, test } from "bun:test";
import type { WorkerLimits } from "dynbench/engine";
import {
  createWorkerModel,
  type WorkerModelOptions,
} from "../../../../plugins/engines/mocker/scheduler.ts";
import { linearTiming } from "./linear-timing.ts";
import { GENERATED, jump, recordingSink, requestOf, walk } from "./recording-sink.ts";

const roomy: WorkerLimits = {
  blockSize: 4,
  kvBlocks: 100,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 1_000,
  maxModelLen: 1_000,
};

function worker(limits: Partial<WorkerLimits> = {}, options: Partial<WorkerModelOptions> = {}) {
  const sink = recordingSink();
  const all = { ...roomy, ...limits };
  const model = createWorkerModel(
    { limits: all, timing: linearTiming(), timeScale: 1, prefixCaching: true, ...options },
    sink,
  );
  return { sink, model };
}

const request = (id: number, isl: number, osl: number, shared = 0) =>
  requestOf(id, { isl, osl, shared, blockSize: 4 });

const receive = (id: number, isl: number, osl: number, shared = 0) =>
  requestOf(id, { isl, osl, shared, blockSize: 4, handoff: "receive" });

describe("one request", () => {
  test("prefill, then decode steps that grow with the context", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 4), 1_000);
    jump(model);
    // Prefill 100 + 60; then contexts 7, 8, 9 (the token just made is the input).
    expect(sink.tokenTimes(0)).toEqual([1_160, 1_267, 1_375, 1_484]);
    expect(sink.of("admitted")).toEqual([{ what: "admitted", id: 0, n: 0, at: 1_000 }]);
    expect(sink.of("finished")).toEqual([{ what: "finished", id: 0, at: 1_484 }]);
    expect(sink.runs.length).toBe(1);
  });

  test("an output of one token ends with the prefill", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 1), 0);
    jump(model);
    expect(sink.log.map(({ what, at }) => [what, at])).toEqual([
      ["admitted", 0],
      ["stored", 160],
      ["firstToken", 160],
      ["finished", 160],
    ]);
  });

  test("prompt blocks are reported after the prefill, a filled block after the step that filled it", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 5), 0);
    jump(model);
    // Tokens 7 and 8 are computed in the first and second decode step; 9 begins block 2.
    expect(sink.of("stored")).toEqual([
      { what: "stored", n: -1, blocks: [1_000], at: 160 },
      { what: "stored", n: 1_000, blocks: [GENERATED + 1], at: 375 },
    ]);
  });

  test("a speedup divides every duration before it is rounded", () => {
    const { sink, model } = worker({}, { timeScale: 8 });
    model.submit(request(0, 6, 3), 0);
    jump(model);
    // 160/8 = 20; then 107/8 = 13.375 and (107 + 108)/8 = 26.875 from there.
    expect(sink.tokenTimes(0)).toEqual([20, 33, 47]);
  });

  test("a fixed request cost is added before the scheduler, and sped up too", () => {
    const timing = linearTiming({ requestCostMs: 0.001 });
    const { sink, model } = worker({}, { timing, timeScale: 2 });
    model.submit(request(0, 6, 1), 1_000);
    expect(model.nextStepNs).toBe(1_500);
    expect(model.nextChangeNs).toBe(1_500);
    model.advance(1_499);
    expect(sink.log).toEqual([]);
    jump(model);
    expect(sink.of("admitted")[0]!.at).toBe(1_500);
    expect(sink.tokenTimes(0)).toEqual([1_580]);
  });
});

describe("batching", () => {
  test("two that arrive at the same instant share the step", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 2), 0);
    model.submit(request(1, 4, 3), 0);
    jump(model);
    // 100 + 100 = 200; then both decode at contexts 7 + 5; then one at 6.
    expect(sink.tokenTimes(0)).toEqual([200, 312]);
    expect(sink.tokenTimes(1)).toEqual([200, 312, 418]);
  });

  test("an arrival waits for the step in progress; decoders step on beside its prefill", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 10), 0);
    model.advance(270); // first decode step ended at 267, the second ends at 375
    model.submit(request(1, 5, 2), 300);
    expect(model.nextChangeNs).toBe(375);
    jump(model);
    // From 375: 100 + 50 + context 9 = 159; then both at 10 + 6; then alone from 11.
    expect(sink.of("admitted")[1]!.at).toBe(375);
    expect(sink.tokenTimes(1)).toEqual([534, 650]);
    expect(sink.tokenTimes(0).slice(0, 6)).toEqual([160, 267, 375, 534, 650, 761]);
  });

  test("an arrival exactly at a step's end joins the next step", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 10), 0);
    model.advance(267);
    model.submit(request(1, 5, 1), 267);
    expect(model.nextStepNs).toBe(267);
    jump(model);
    expect(sink.of("admitted")[1]!.at).toBe(267);
  });

  test("a prompt over the token budget is prefilled in chunks; the rest of the budget is shared", () => {
    const { sink, model } = worker({ maxNumBatchedTokens: 10 });
    model.submit(request(0, 16, 1), 0);
    model.submit(request(1, 6, 1), 0);
    jump(model);
    // Chunks of 10 (200), then 6 + 4 (200), then the last 2 of the second (120).
    expect(sink.tokenTimes(0)).toEqual([400]);
    expect(sink.tokenTimes(1)).toEqual([520]);
    expect(sink.of("stored").map(({ blocks, at }) => [blocks, at])).toEqual([
      [[1_000, 1_001], 200],
      [[1_002, 1_003], 400],
      [[2_000], 400],
    ]);
  });

  test("decoders come out of the budget first", () => {
    const { sink, model } = worker({ maxNumBatchedTokens: 10 });
    model.submit(request(0, 4, 10), 0);
    model.advance(150); // past its prefill at 140
    model.submit(request(1, 12, 1), 150);
    jump(model);
    // Decode step 140 to 245; then 1 + 9 tokens: 100 + 90 + 6 = 196; then 1 + 3: 100 + 30 + 7.
    expect(sink.tokenTimes(1)).toEqual([245 + 196 + 137]);
  });

  test("at most maxNumSeqs requests run, and the queue is first come, first served", () => {
    const { sink, model } = worker({ maxNumSeqs: 1 });
    for (const id of [0, 1, 2]) model.submit(request(id, 4, 2), 0);
    model.advance(1);
    expect(model.counts).toMatchObject({ running: 1, waiting: 2 });
    jump(model);
    expect(sink.of("finished").map(({ id, at }) => [id, at])).toEqual([
      [0, 245],
      [1, 490],
      [2, 735],
    ]);
  });

  test("more seats than budget: every running one still gets its token", () => {
    const { sink, model } = worker({ maxNumSeqs: 8, maxNumBatchedTokens: 2 });
    for (const id of [0, 1, 2]) model.submit(request(id, 2, 3), 0);
    jump(model);
    expect(sink.of("finished").length).toBe(3);
    expect(model.counts.generatedTokens).toBe(9);
  });
});

describe("prefix cache", () => {
  test("shared leading blocks are not computed again", () => {
    const { sink, model } = worker();
    model.submit(request(0, 14, 1, 3), 0);
    model.submit(request(1, 13, 1, 3), 10_000);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 12]);
    expect(sink.tokenTimes(1)).toEqual([10_110]); // one token left
    expect(sink.of("stored").length).toBe(1);
    expect(model.counts).toMatchObject({ promptTokens: 27, cachedTokens: 12 });
  });

  test("an exact multiple recomputes its last block and stores it a second time", () => {
    const { sink, model } = worker();
    for (const at of [0, 10_000]) model.submit(request(at, 8, 1, 2), at);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 4]);
    expect(sink.of("stored").map(({ n, blocks }) => [n, blocks])).toEqual([
      [-1, [0, 1]],
      [0, [1]],
    ]);
    expect(sink.cached).toEqual(
      new Map([
        [0, 1],
        [1, 2],
      ]),
    );
  });

  test("a later request of the same step already finds what an earlier one was scheduled to compute", () => {
    const { sink, model } = worker();
    model.submit(request(0, 9, 1, 2), 0);
    model.submit(request(1, 9, 1, 2), 0);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 8]);
    expect(sink.of("firstToken").map((told) => told.at)).toEqual([200, 200]);
  });

  test("answers are cached: a next turn finds prompt and output", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 7), 0); // computes 12 tokens: blocks 1000, G+1, G+2
    const blocks = Int32Array.of(1_000, GENERATED + 1, GENERATED + 2);
    model.submit({ id: 1, blocks, isl: 15, osl: 1 }, 10_000);
    jump(model);
    expect(sink.of("admitted")[1]!.n).toBe(12);
  });

  test("eviction: least recently used first, tails before heads, reported before what needed the space", () => {
    const { sink, model } = worker({ kvBlocks: 6 });
    model.submit(request(0, 12, 1), 0); // 1000 1001 1002
    model.submit(request(1, 8, 1), 10_000); // 2000 2001
    model.submit(request(2, 16, 1), 20_000); // needs 4, one was never used
    jump(model);
    const last = sink.log.filter((told) => told.at > 20_000 && told.blocks !== undefined);
    expect(last.map(({ what, blocks }) => [what, blocks])).toEqual([
      ["removed", [1_002, 1_001, 1_000]],
      ["stored", [3_000, 3_001, 3_002, 3_003]],
    ]);
  });

  test("unheld cached blocks are not free for the request that hits them", () => {
    const { sink, model } = worker({ kvBlocks: 4 });
    model.submit(request(0, 8, 1, 2), 0); // leaves blocks 0 and 1 cached
    model.submit(request(1, 7, 2), 10_000); // holds the other two, until 10_278
    model.submit(request(2, 13, 1, 2), 10_000); // needs 0, 1 and two more
    jump(model);
    expect(sink.of("admitted").map(({ id, n, at }) => [id, n, at])).toEqual([
      [0, 0, 0],
      [1, 0, 10_000],
      [2, 8, 10_278],
    ]);
  });

  test("a hit renews a block: what was not used since goes first", () => {
    const { sink, model } = worker({ kvBlocks: 4 });
    model.submit(request(0, 5, 1, 1), 0); // block 0 and a partial one
    model.submit(request(1, 5, 1), 10_000); // 2000
    model.submit(request(2, 5, 1, 1), 20_000); // block 0 again
    model.submit(request(3, 12, 1), 30_000); // takes 3 of 4
    jump(model);
    expect(sink.of("removed").map((told) => told.blocks)).toEqual([[2_000]]);
  });

  test("two copies of one block are removed twice", () => {
    const { sink, model } = worker({ kvBlocks: 4 });
    for (const at of [0, 10_000]) model.submit(request(at, 8, 1, 2), at);
    model.submit(request(1, 16, 1), 20_000);
    jump(model);
    expect(sink.of("removed").flatMap((told) => told.blocks)).toEqual([1, 1, 0]);
  });

  test("switched off: nothing is found, nothing is reported", () => {
    const { sink, model } = worker({}, { prefixCaching: false });
    for (const at of [0, 10_000]) model.submit(request(at, 9, 8, 2), at);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 0]);
    expect(sink.of("stored")).toEqual([]);
    expect(model.counts.activeBlocks).toBe(0);
  });

  test("reset: refused while requests run, else reported before the first block of the next step", () => {
    const { sink, model } = worker();
    model.submit(request(0, 8, 2, 2), 0);
    model.advance(50);
    expect(model.resetCache(50)).toBe(false);
    jump(model);
    expect(model.resetCache(10_000)).toBe(true);
    expect(sink.of("cleared")).toEqual([]);
    model.submit(request(1, 8, 1, 2), 20_000);
    jump(model);
    expect(sink.of("admitted")[1]!.n).toBe(0);
    const told = sink.log.filter(
      ({ at, blocks, what }) => at > 10_000 && (blocks ?? what === "cleared"),
    );
    expect(told.map(({ what, at }) => [what, at])).toEqual([
      ["cleared", 20_180],
      ["stored", 20_180],
    ]);
    expect([...sink.cached.keys()]).toEqual([0, 1]);
  });
});

describe("preemption", () => {
  // Two of 4 blocks each in 8: both prompts fill 3 blocks, both outputs need a fourth and a fifth.
  function squeezed() {
    const made = worker({ kvBlocks: 8 });
    made.model.submit(request(0, 12, 6), 0);
    made.model.submit(request(1, 12, 6), 0);
    return made;
  }

  test("the newest request is preempted when no block is free, and recomputes what is no longer cached", () => {
    const { sink, model } = squeezed();
    jump(model);
    // Prefill to 340. Decode steps at 13+13 … 16+16: 126, 128, 130, 132, to 856. The fifth step needs
    // two blocks and none is free: request 1 leaves, request 0 takes its tail.
    expect(sink.of("preempted")).toEqual([{ what: "preempted", id: 1, at: 856 }]);
    expect(sink.tokenTimes(0)).toEqual([340, 466, 594, 724, 856, 973]);
    // Request 1 had made 5 tokens: 17 known, 4 blocks cached, of which the tail was evicted. It is let
    // in again when request 0 has left, finds 12 tokens and computes 5: 973 + 150.
    expect(sink.of("lateToken")).toEqual([{ what: "lateToken", id: 1, n: 1_123 - 856, at: 1_123 }]);
    expect(sink.tokenTimes(1)).toEqual([340, 466, 594, 724, 856, 1_123]);
    expect(sink.of("admitted").length).toBe(2);
    expect(model.counts).toMatchObject({ preemptions: 1, generatedTokens: 12, finished: 2 });
  });

  test("nothing is held afterwards, and the reported events equal the cache", () => {
    const { sink, model } = squeezed();
    jump(model);
    expect(model.counts).toMatchObject({ running: 0, waiting: 0, activeBlocks: 0 });
    const copies = [...sink.cached.values()].reduce((sum, count) => sum + count, 0);
    expect(copies).toBeLessThanOrEqual(8);
  });
});

describe("decode role", () => {
  test("a transferred prompt takes blocks and one token's step, no prefill", () => {
    const { sink, model } = worker();
    model.submit(requestOf(0, { isl: 10, osl: 3, blockSize: 4, handoff: "receive" }), 0);
    jump(model);
    expect(sink.tokenTimes(0)).toEqual([110, 221, 333]); // contexts 10, 11, 12
    expect(sink.of("stored")[0]!.blocks).toEqual([1_000, 1_001]);
  });

  test("blocks already present count as cached", () => {
    const { sink, model } = worker();
    for (const at of [0, 10_000]) {
      model.submit(
        requestOf(at, { isl: 10, osl: 1, blockSize: 4, shared: 2, handoff: "receive" }),
        at,
      );
    }
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 8]);
  });

  test("its KV takes latency and time per block; then one step gives the first token", () => {
    const { sink, model } = worker({}, { transfer: { latencyNs: 500, perBlockNs: 100 } });
    model.submit(receive(0, 10, 3), 0);
    model.advance(0);
    // Three blocks, the last one half full: 500 + 300.
    expect(model.counts).toMatchObject({ running: 0, waiting: 1, activeBlocks: 3 });
    expect(model.nextStepNs).toBe(800);
    jump(model);
    expect(sink.of("received")).toEqual([{ what: "received", id: 0, at: 800 }]);
    expect(sink.tokenTimes(0)).toEqual([910, 1_021, 1_133]); // contexts 10, 11, 12
    expect(model.counts).toMatchObject({ transferredTokens: 10, cachedTokens: 0 });
  });

  test("blocks that are cached here are not transferred", () => {
    const { sink, model } = worker({}, { transfer: { latencyNs: 500, perBlockNs: 100 } });
    model.submit(receive(0, 10, 1, 2), 0);
    model.submit(receive(1, 10, 1, 2), 10_000);
    jump(model);
    // Two of the second one's three blocks are there: 500 + 100.
    expect(sink.of("received").map(({ at }) => at)).toEqual([800, 10_600]);
    expect(model.counts).toMatchObject({ transferredTokens: 12, cachedTokens: 8 });
  });

  test("a request that waits for KV takes no place in the batch and delays no other", () => {
    const { sink, model } = worker(
      { maxNumSeqs: 1 },
      { transfer: { latencyNs: 1_000, perBlockNs: 0 } },
    );
    model.submit(receive(0, 8, 2), 0);
    model.submit(request(1, 4, 1), 0);
    jump(model);
    expect(sink.tokenTimes(1)).toEqual([140]);
    expect(sink.tokenTimes(0)).toEqual([1_108, 1_217]); // contexts 8, 9
  });

  test("a transfer that ends within a step is seen at its end", () => {
    const { sink, model } = worker({}, { transfer: { latencyNs: 150, perBlockNs: 0 } });
    model.submit(receive(0, 8, 1), 0);
    model.submit(request(1, 4, 3), 0);
    jump(model);
    // The other's prefill ends at 140, its second token at 245: the KV came at 150.
    expect(sink.tokenTimes(1)).toEqual([140, 245, 359]); // contexts 5; 6 beside 8
    expect(sink.of("received")[0]!.at).toBe(245);
    expect(sink.tokenTimes(0)).toEqual([359]);
  });

  test("it waits until its whole prompt fits, and blocks taken for it are freed by an abort", () => {
    const transfer = { latencyNs: 1_000, perBlockNs: 0 };
    const { sink, model } = worker({ kvBlocks: 3 }, { transfer });
    model.submit(receive(0, 8, 1), 0);
    model.submit(receive(1, 8, 1), 0);
    model.advance(10);
    expect(model.counts).toMatchObject({ waiting: 2, activeBlocks: 2 });
    model.abort(0, 300);
    jump(model);
    expect(sink.of("received")).toEqual([{ what: "received", id: 1, at: 1_300 }]);
    expect(model.counts).toMatchObject({ finished: 1, waiting: 0, activeBlocks: 0 });
  });
});

describe("prefill role", () => {
  const send = (id: number, isl: number, shared = 0) =>
    requestOf(id, { isl, osl: 1, shared, blockSize: 4, handoff: "send" });

  test("keeps its blocks until they are released, and finds them again afterwards", () => {
    const { sink, model } = worker({ kvBlocks: 4 });
    model.submit(send(0, 10, 2), 0);
    jump(model);
    expect(sink.of("finished")).toEqual([{ what: "finished", id: 0, at: 200 }]);
    expect(model.counts).toMatchObject({ running: 0, activeBlocks: 3, finished: 1 });
    expect(model.resetCache(300)).toBe(false);
    model.release(0, 400);
    model.release(0, 400); // once is enough
    expect(model.counts.activeBlocks).toBe(0);
    model.submit(send(1, 10, 2), 500);
    jump(model);
    expect(sink.of("admitted").map((told) => told.n)).toEqual([0, 8]);
  });

  test("a request that does not fit beside kept blocks is admitted after their release", () => {
    const { sink, model } = worker({ kvBlocks: 3 });
    model.submit(send(0, 8), 0);
    model.submit(send(1, 8), 0);
    jump(model);
    expect(model.counts).toMatchObject({ running: 0, waiting: 1, activeBlocks: 2 });
    expect(model.nextStepNs).toBe(Infinity);
    model.release(0, 5_000);
    jump(model);
    expect(sink.of("admitted").map(({ id, at }) => [id, at])).toEqual([
      [0, 0],
      [1, 5_000],
    ]);
  });

  test("an aborted one keeps nothing", () => {
    const { model } = worker();
    model.submit(send(0, 8), 0);
    model.advance(50);
    model.abort(0, 50);
    jump(model);
    expect(model.counts).toMatchObject({ running: 0, activeBlocks: 0, finished: 0 });
  });
});

describe("abort", () => {
  test("of a running request: its blocks are freed when the step in progress ends, no token is reported", () => {
    const { sink, model } = worker();
    model.submit(request(0, 6, 10), 0);
    model.submit(request(1, 6, 10), 0);
    model.advance(300); // prefill to 220, first decode step to 334
    model.abort(1, 300);
    expect(model.counts.activeBlocks).toBe(4);
    model.advance(334);
    expect(model.counts).toMatchObject({ running: 1, activeBlocks: 2 });
    jump(model);
    expect(sink.tokenTimes(1)).toEqual([220]);
    expect(sink.tokenTimes(0).length).toBe(10);
    expect(sink.of("finished").map((told) => told.id)).toEqual([0]);
  });

  test("of a waiting or arriving request: it is gone at once; unknown ids are ignored", () => {
    const { sink, model } = worker({ maxNumSeqs: 1 });
    for (const id of [0, 1, 2]) model.submit(request(id, 6, 2), 0);
    model.advance(10);
    model.abort(1, 10);
    model.abort(99, 10);
    jump(model);
    expect(sink.of("finished").map((told) => told.id)).toEqual([0, 2]);
    model.abort(0, 1_000_000);
    expect(model.counts).toMatchObject({ waiting: 0, running: 0 });
  });

  test("of the only request between steps: the worker is idle", () => {
    const { model } = worker();
    model.submit(request(0, 6, 3), 0);
    model.advance(160);
    model.abort(0, 160);
    expect([model.nextStepNs, model.nextChangeNs, model.nextCacheChangeNs]).toEqual([
      Infinity,
      Infinity,
      Infinity,
    ]);
    expect(model.counts.activeBlocks).toBe(0);
  });

  test("of a blocked queue's head admits the next one at the step's end", () => {
    const { sink, model } = worker({ kvBlocks: 4 });
    model.submit(request(0, 8, 5), 0); // holds 2, then 3
    model.submit(request(1, 16, 1), 0); // needs all 4
    model.submit(request(2, 4, 1), 0);
    model.advance(200); // prefill ended at 180, the first decode step ends at 289
    model.abort(1, 200);
    jump(model);
    expect(sink.of("admitted").map(({ id, at }) => [id, at])).toEqual([
      [0, 0],
      [2, 289],
    ]);
  });
});

describe("requests that cannot be served", () => {
  test("a prompt that fills the context is refused with vLLM's message", () => {
    const { model } = worker({ maxModelLen: 20 });
    expect(model.submit(request(0, 20, 1), 0)).toBe(
      "This model's maximum context length is 20 tokens. However, your prompt contains 20 input " +
        "tokens. Please reduce the length of the input prompt.",
    );
    expect(model.nextStepNs).toBe(Infinity);
  });

  test("an output past the context limit is cut to it", () => {
    const { sink, model } = worker({ maxModelLen: 20 });
    expect(model.submit(request(0, 17, 50), 0)).toBeUndefined();
    jump(model);
    expect(sink.tokenTimes(0).length).toBe(3);
  });

  test("more blocks than the cache has; the last output token needs none", () => {
    const { sink, model } = worker({ kvBlocks: 3 });
    expect(model.submit(request(0, 8, 6), 0)).toContain("need 4 KV cache blocks of 4 tokens");
    expect(model.submit(request(1, 8, 5), 0)).toBeUndefined();
    jump(model);
    expect(sink.tokenTimes(1).length).toBe(5);
  });

  test("empty prompts and empty outputs", () => {
    const { model } = worker();
    expect(model.submit(request(0, 0, 1), 0)).toBe("The decoder prompt cannot be empty");
    expect(model.submit(request(0, 4, 0), 0)).toBe("max_tokens must be at least 1, got 0.");
  });

  test("impossible sizes are a plan error", () => {
    expect(() => worker({ kvBlocks: 0 })).toThrow('Cannot model a worker: "kvBlocks" is 0');
    expect(() => worker({ kvBlocks: 2 ** 30 })).toThrow('"kvBlocks" is 1073741824');
    expect(() => worker({ blockSize: 1.5 })).toThrow('"blockSize" is 1.5');
    expect(() => worker({}, { timeScale: 0 })).toThrow("the speedup is 0");
  });

  test("a host's mistakes throw: time going back, an id twice, blocks that do not fit the length", () => {
    const { model } = worker();
    model.submit(request(0, 4, 1), 100);
    expect(() => model.submit(request(1, 4, 1), 99)).toThrow("went back");
    expect(() => model.submit(request(0, 4, 1), 100)).toThrow("submitted twice");
    const short = { ...request(2, 8, 1), blocks: Int32Array.of(1) };
    expect(() => model.submit(short, 100)).toThrow("1 blocks for 8 tokens");
  });
});

describe("guarantees to the host", () => {
  test("nextCacheChangeNs names the step that fills or takes a block, and not earlier ones", () => {
    const { sink, model } = worker();
    model.submit(request(0, 4, 12), 0);
    model.advance(0);
    expect(model.nextCacheChangeNs).toBe(140); // the prompt's block is published at the prefill's end
    model.advance(141);
    // Decode steps compute tokens 5 … 15; 5 takes a block in step 0, 8 fills it in step 3.
    expect(model.nextCacheChangeNs).toBe(140 + 105 + 106 + 107 + 108);
    const before = sink.log.length;
    model.advance(model.nextCacheChangeNs - 1);
    expect(sink.log.length).toBe(before);
    model.advance(model.nextCacheChangeNs);
    expect(sink.log.at(-1)).toMatchObject({ what: "stored", at: 566 });
  });

  test("walking and jumping report the same", () => {
    const told = [walk, jump].map((drive) => {
      const { sink, model } = worker({ kvBlocks: 8 });
      for (const id of [0, 1, 2]) model.submit(request(id, 7 + id, 9, 1), 0);
      drive(model);
      return { log: sink.log, runs: sink.runs };
    });
    expect(told[0]).toEqual(told[1]);
  });

  test("a span ends where the timing's formula ends", () => {
    const steps = linearTiming();
    const timing = linearTiming({
      decodeSteps: (decoders, context, out) => {
        steps.decodeSteps(decoders, context, out);
        out.steps = 3;
      },
    });
    const { sink, model } = worker({}, { timing });
    model.submit(request(0, 4, 8), 0);
    jump(model);
    expect(sink.runs.map(({ run }) => run.steps)).toEqual([3, 3, 1]);
  });
});
