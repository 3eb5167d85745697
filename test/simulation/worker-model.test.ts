/**
 * Random lives of a worker by seed: sizes, timings, arrivals, shared prefixes, aborts, resets, and
 * prompts that come from or go to another worker. Each life is walked step by step and jumped from
 * change to change; both must give the same events, and invariants must hold.
 */
import { describe, expect, test } from "bun:test";
import { randomStream, type RandomStream } from "dynbench";
import type { WorkerModel, WorkerRequest } from "dynbench/engine";
import { TIMING_NAMES, TIMING_PRESETS } from "../../plugins/engines/mocker/gpus.ts";
import type { TransferTiming } from "../../plugins/engines/mocker/handoffs.ts";
import { createWorkerModel } from "../../plugins/engines/mocker/scheduler.ts";
import { recordingSink, type Recording } from "../plugins/engines/mocker/recording-sink.ts";

const SEEDS = 400;
/** `DYNBENCH_SEED=17 bun test test/simulation/worker-model.test.ts` replays one. */
const only = process.env.DYNBENCH_SEED;
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i) : [Number(only)];

interface Action {
  readonly atNs: number;
  readonly do:
    | { readonly submit: WorkerRequest }
    | { readonly abort: number }
    | { readonly release: number }
    | { readonly reset: true };
}

interface Life {
  readonly options: Parameters<typeof createWorkerModel>[0];
  readonly actions: readonly Action[];
}

function lifeOf(seed: number): Life {
  const random = randomStream(seed, "worker-model");
  const blockSize = [1, 2, 4, 7, 16][random.int(5)]!;
  const limits = {
    blockSize,
    kvBlocks: 6 + random.int(60),
    maxNumSeqs: 1 + random.int(8),
    maxNumBatchedTokens: 8 + random.int(200),
    maxModelLen: random.next() < 0.3 ? 40 + random.int(100) : Infinity,
  };
  const name = TIMING_NAMES[random.int(TIMING_NAMES.length)]!;
  const requestCostMs = random.next() < 0.5 ? 0 : random.next() * 30;
  return {
    options: {
      limits,
      timing: TIMING_PRESETS[name].timing(limits, { requestCostMs }),
      timeScale: [1, 1, 10, 1_000, 1e6][random.int(5)]!,
      prefixCaching: random.next() < 0.9,
      transfer: transferOf(random.split("transfer")),
      policy: random.split("policy").next() < 0.4 ? "priority" : "fcfs",
    },
    actions: actionsOf(random, blockSize),
  };
}

function transferOf(random: RandomStream): TransferTiming {
  const some = (meanNs: number): number =>
    random.next() < 0.3 ? 0 : Math.round(random.exponential(meanNs));
  return { latencyNs: some(2e6), perBlockNs: some(1e6) };
}

function actionsOf(random: RandomStream, blockSize: number): Action[] {
  const actions: Action[] = [];
  const requests = 1 + random.int(40);
  const gapNs = [0, 1e4, 1e6, 3e7][random.int(4)]!;
  const handoff = random.next() < 0.15 ? ("receive" as const) : undefined;
  const sending = random.split("sending");
  const ranks = random.split("priority");
  const sends = sending.next() < 0.2;
  let atNs = random.int(1_000);
  for (let id = 0; id < requests; id += 1) {
    atNs += Math.round(random.exponential(gapNs));
    const drawn = randomRequest(random, { id, blockSize });
    const isSent = sends && sending.next() < 0.8;
    const way = isSent ? ("send" as const) : handoff;
    const priority = ranks.int(3) - 1;
    const submit = { ...drawn, priority, ...(way === undefined ? {} : { handoff: way }) };
    actions.push({ atNs, do: { submit } });
    if (isSent && sending.next() < 0.5) {
      actions.push({ atNs: atNs + Math.round(sending.exponential(2e8)), do: { release: id } });
    }
    if (random.next() < 0.15) {
      actions.push({ atNs: atNs + Math.round(random.exponential(5e7)), do: { abort: id } });
    }
    if (random.next() < 0.05) actions.push({ atNs, do: { reset: true } });
  }
  return actions.sort((a, b) => a.atNs - b.atNs);
}

/** Prompts of three groups share leading blocks; equal content in equal place has equal ids. */
function randomRequest(
  random: RandomStream,
  { id, blockSize }: { id: number; blockSize: number },
): WorkerRequest {
  const isl = random.next() < 0.3 ? blockSize * (1 + random.int(8)) : 1 + random.int(8 * blockSize);
  const blocks = new Int32Array(Math.floor(isl / blockSize));
  const group = random.int(3);
  const shared = random.int(blocks.length + 1);
  for (let i = 0; i < blocks.length; i += 1) {
    blocks[i] = i < shared ? group * 1_000 + i : 10_000 + id * 100 + i;
  }
  const osl = 1 + random.int(6 * blockSize);
  return { id, blocks, isl, osl };
}

/** Runs a life; `next` is what the host advances to between actions. */
function live(
  life: Life,
  next: (model: WorkerModel) => number,
  watch?: (model: WorkerModel, sink: Recording, nowNs: number) => void,
): { sink: Recording; model: WorkerModel; accepted: Set<number> } {
  const sink = recordingSink();
  const model = createWorkerModel(life.options, sink);
  const accepted = new Set<number>();
  const advanceUntil = (toNs: number): void => {
    let calls = 0;
    // A step that starts at an action's time is formed after it: what else happens then comes first.
    while (next(model) < toNs) {
      const atNs = next(model);
      model.advance(atNs);
      watch?.(model, sink, atNs);
      if ((calls += 1) > 1e6) throw new Error("the worker never becomes idle");
    }
  };
  for (const action of life.actions) {
    advanceUntil(action.atNs);
    if ("submit" in action.do) {
      const refusal = model.submit(action.do.submit, action.atNs);
      if (refusal === undefined) accepted.add(action.do.submit.id);
    } else if ("abort" in action.do) model.abort(action.do.abort, action.atNs);
    else if ("release" in action.do) model.release(action.do.release, action.atNs);
    else model.resetCache(action.atNs);
    watch?.(model, sink, action.atNs);
  }
  advanceUntil(Infinity);
  // What is still kept is let go of; that may let others in, which keep theirs.
  for (let atNs = 1e14; model.counts.activeBlocks > 0 && atNs < 1e15; atNs += 1e13) {
    for (const id of accepted) model.release(id, atNs);
    advanceUntil(Infinity);
  }
  return { sink, model, accepted };
}

const byWalking = (model: WorkerModel): number => model.nextStepNs;
const byJumping = (model: WorkerModel): number => model.nextChangeNs;
const byCacheChange = (model: WorkerModel): number =>
  Math.min(model.nextChangeNs, model.nextCacheChangeNs);

/** The events by kind: kinds interleave differently when several steps are passed at once. */
function byKind(sink: Recording) {
  const cache = sink.log.filter((told) => told.blocks !== undefined || told.what === "cleared");
  const others = sink.log.filter((told) => !cache.includes(told));
  return { cache, others, runs: sink.runs };
}

describe.each(seeds)("seed %d", (seed) => {
  test("walking, jumping and stopping at cache changes give the same events", () => {
    const life = lifeOf(seed);
    const walked = byKind(live(life, byWalking).sink);
    expect(byKind(live(life, byJumping).sink)).toEqual(walked);
    expect(byKind(live(life, byCacheChange).sink)).toEqual(walked);
  });

  test("no cache event comes before nextCacheChangeNs", () => {
    const life = lifeOf(seed);
    let promisedNs = 0;
    let seen = 0;
    live(life, byWalking, (model, sink) => {
      const fresh = sink.log.slice(seen).filter((told) => told.blocks !== undefined);
      for (const told of fresh) expect(told.at).toBeGreaterThanOrEqual(Math.floor(promisedNs) - 1);
      seen = sink.log.length;
      promisedNs = model.nextCacheChangeNs === Infinity ? 0 : model.nextCacheChangeNs;
    });
  });

  test("invariants hold on the way", () => {
    const life = lifeOf(seed);
    const { kvBlocks, maxNumSeqs } = life.options.limits;
    live(life, byWalking, (model, _sink, nowNs) => {
      const { activeBlocks, running } = model.counts;
      expect(activeBlocks).toBeGreaterThanOrEqual(0);
      expect(activeBlocks).toBeLessThanOrEqual(kvBlocks);
      expect(running).toBeLessThanOrEqual(maxNumSeqs);
      expect(model.nextStepNs).toBeGreaterThanOrEqual(nowNs);
      expect(model.nextChangeNs).toBeGreaterThanOrEqual(model.nextStepNs);
    });
  });

  test("the cache holds exactly the blocks of the events", () => {
    const life = lifeOf(seed);
    probeCache(life, live(life, byJumping));
  });

  test("each request ends once, with exactly its tokens, and nothing is held", () => {
    const life = lifeOf(seed);
    const { sink, model, accepted } = live(life, byJumping);
    const aborts = new Set(life.actions.flatMap(({ do: it }) => ("abort" in it ? [it.abort] : [])));
    const { maxModelLen, kvBlocks } = life.options.limits;
    let generated = 0;
    for (const { do: it } of life.actions) {
      if (!("submit" in it)) continue;
      const { id, isl, osl } = it.submit;
      const ends = sink.log.filter((told) => told.what === "finished" && told.id === id);
      const times = sink.tokenTimes(id);
      generated += times.length;
      if (!accepted.has(id)) expect([ends.length, times.length]).toEqual([0, 0]);
      else if (ends.length === 0) expect(aborts.has(id)).toBe(true);
      else {
        expect(times.length).toBe(Math.min(osl, maxModelLen - isl));
        expect([ends.length, times.at(-1)]).toEqual([1, ends[0]!.at]);
      }
    }
    expect(model.counts).toMatchObject({ running: 0, waiting: 0, activeBlocks: 0 });
    expect(model.counts.generatedTokens).toBe(generated);
    expect(model.counts.finished).toBe(sink.of("finished").length);
    const copies = [...sink.cached.values()].reduce((sum, count) => sum + count, 0);
    expect(copies).toBeLessThanOrEqual(kvBlocks);
  });
});

/** Sends prompts of the life again, one at a time: each must find the blocks that the events have as cached. */
function probeCache(life: Life, { sink, model }: { sink: Recording; model: WorkerModel }): void {
  const { blockSize } = life.options.limits;
  let atNs = 1e15;
  const probe = (request: WorkerRequest): void => {
    atNs += 1e12;
    if (model.submit(request, atNs) === undefined) model.advance(atNs + 1e11);
  };
  const one = Int32Array.of(...(blockSize === 1 ? [9_999] : []));
  probe({ id: 1_000, blocks: one, isl: 1, osl: 1 }); // publishes a pending reset
  for (const { do: it } of life.actions.slice(0, 12)) {
    if (!("submit" in it)) continue;
    const { blocks, isl } = it.submit;
    const limit = life.options.prefixCaching ? Math.floor((isl - 1) / blockSize) : 0;
    let hits = 0;
    while (hits < limit && sink.cached.has(blocks[hits]!)) hits += 1;
    const before = sink.of("admitted").length;
    probe({ blocks, isl, id: 2_000 + it.submit.id, osl: 1 });
    const admitted = sink.of("admitted").slice(before);
    if (admitted.length > 0) expect(admitted.map((told) => told.n)).toEqual([hits * blockSize]);
  }
}

test("the seeds cover preemption, eviction, chunks, resets and late tokens", () => {
  const reached: Record<string, number> = {};
  for (const seed of only === undefined ? seeds.slice(0, 150) : []) {
    const { sink, model } = live(lifeOf(seed), byJumping);
    for (const { what } of sink.log) reached[what] = (reached[what] ?? 0) + 1;
    reached["hits"] = (reached["hits"] ?? 0) + model.counts.cachedTokens;
    reached["jumps"] =
      (reached["jumps"] ?? 0) + sink.runs.filter(({ run }) => run.steps > 4).length;
  }
  if (only !== undefined) return;
  for (const what of [
    "preempted",
    "lateToken",
    "removed",
    "stored",
    "cleared",
    "hits",
    "jumps",
    "received",
  ]) {
    expect(reached[what] ?? 0, what).toBeGreaterThan(20);
  }
});
