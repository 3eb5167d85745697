import { describe, expect, test } from "bun:test";
import type { WorkerModel, WorkerSink } from "dynbench/engine";
import { createWorkerModel } from "../../../../plugins/engines/mocker/scheduler.ts";
import { TokenSequences } from "../../../../plugins/engines/mocker/token-sequences.ts";
import type { Alarm } from "../../../../plugins/engines/mocker/wall-alarm.ts";
import { WorkerLoop, type CacheEvents } from "../../../../plugins/engines/mocker/worker-loop.ts";

/** A clock that the test moves, and that wakes late if the test sets it so. */
function handAlarm() {
  let nowNs = 5_000;
  let set: { atNs: number; ring: () => void } | undefined;
  const alarm: Alarm = {
    nowNs: () => nowNs,
    set: (atNs, ring) => {
      set = { atNs, ring };
    },
    stop: () => {
      set = undefined;
    },
  };
  return {
    alarm,
    isSet: () => set !== undefined,
    move: (byNs: number) => {
      nowNs += byNs;
    },
    /** Rings once, `lateNs` after the time it was set to; false when it is not set. */
    ring: (lateNs = 0): boolean => {
      if (set === undefined) return false;
      const { atNs, ring } = set;
      set = undefined;
      nowNs = Math.max(nowNs, atNs) + lateNs;
      ring();
      return true;
    },
  };
}

/** Prompt steps take 1 ms a token, decode steps 10 ms whatever the batch. */
const limits = {
  blockSize: 4,
  kvBlocks: 100,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 1_000,
  maxModelLen: 400,
};
const createModel = (sink: WorkerSink): WorkerModel =>
  createWorkerModel(
    {
      limits,
      timing: {
        requestCostMs: 0,
        mixedStepNs: ({ prefillTokens }) => prefillTokens * 1e6,
        decodeSteps: (_decoders, _context, out) => {
          Object.assign(out, { firstNs: 1e7, growthNs: 0, growth2Ns: 0, steps: Infinity });
        },
      },
      timeScale: 1,
      prefixCaching: true,
    },
    sink,
  );

function setUp() {
  const clock = handAlarm();
  const told: string[] = [];
  const events: CacheEvents = {
    stored: ({ parent, blocks, tokens }) =>
      told.push(`stored ${blocks.join()} after ${parent}: ${tokens.join()}`),
    removed: (blocks) => told.push(`removed ${blocks.join()}`),
    cleared: () => told.push("cleared"),
    stepEnded: () => {
      if (told.at(-1) !== "|") told.push("|");
    },
  };
  const sequences = new TokenSequences({ blockSize: limits.blockSize, seed: 1 });
  const loop = new WorkerLoop({ createModel, alarm: clock.alarm, events });
  const submit = (prompt: number[], osl: number) => {
    const sequence = sequences.make(Uint32Array.from(prompt), osl);
    const answer = { sequence, cached: -1, tokens: [] as [from: number, count: number][] };
    const outcome = loop.submit(sequence, {
      admitted: (cachedTokens) => {
        answer.cached = cachedTokens;
      },
      tokens: (from, count) => answer.tokens.push([from, count]),
    });
    return { ...answer, answer, outcome, id: outcome as number };
  };
  const drain = (): void => {
    for (let i = 0; i < 1_000 && clock.ring(1); i += 1) continue;
  };
  return { clock, told, loop, submit, drain };
}

const prompt = (length: number, from = 1): number[] => Array.from({ length }, (_, i) => from + i);

describe("worker loop", () => {
  test("reports each token once, at the model's own times, and goes to sleep when idle", () => {
    const { clock, loop, submit } = setUp();
    const { answer } = submit(prompt(5), 3);
    const at: number[] = [];
    while (clock.ring()) at.push(clock.alarm.nowNs() - 5_000);
    // 5 tokens take 5 ms, then two steps of 10 ms; steps that start where one ends ring as well.
    expect([...new Set(at)]).toEqual([0, 5e6, 15e6, 25e6]);
    expect(answer.tokens).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(loop.isIdle).toBe(true);
    expect(clock.isSet()).toBe(false);
  });

  test("a loop that wakes late reports all that was due and is on time again", () => {
    const { clock, submit } = setUp();
    const { answer } = submit(prompt(5), 6);
    clock.ring(1);
    clock.ring(32e6); // woken 32 ms after the first token: three further steps are over
    expect(answer.tokens).toEqual([
      [0, 1],
      [1, 3],
    ]);
    clock.ring();
    expect(clock.alarm.nowNs() - 5_000).toBe(45e6); // the fifth token's own time
    expect(answer.tokens.at(-1)).toEqual([4, 1]);
  });

  test("counts how late it was", () => {
    const { clock, loop, submit } = setUp();
    submit(prompt(5), 1);
    clock.ring();
    clock.ring(4e6);
    const lines = loop.lateness.lines("late", 'a="b"');
    expect(lines).toContain('late_bucket{a="b",le="0.0025"} 1');
    expect(lines).toContain('late_bucket{a="b",le="0.005"} 2');
    expect(lines).toContain('late_sum{a="b"} 0.004\n');
  });

  test("an aborted request gets nothing more and its blocks are freed at the step's end", () => {
    const { clock, loop, submit, drain } = setUp();
    const first = submit(prompt(9), 50);
    const second = submit(prompt(9, 100), 3);
    clock.ring(1);
    clock.ring(1);
    clock.move(1e6);
    expect(loop.counts.activeBlocks).toBe(6);
    expect(loop.abort(first.id)).toBe(true);
    expect(loop.abort(first.id)).toBe(false);
    const before = first.answer.tokens.length;
    drain();
    expect(first.answer.tokens.length).toBe(before);
    expect(second.answer.tokens.reduce((sum, [, count]) => sum + count, 0)).toBe(3);
    expect(loop.counts.activeBlocks).toBe(0);
    expect(loop.counts.running).toBe(0);
    expect(loop.isIdle).toBe(true);
    expect(loop.abort(second.id)).toBe(false);
  });

  test("a request aborted while it waits for its first step leaves at once", () => {
    const { clock, loop, submit, drain } = setUp();
    const { id, answer } = submit(prompt(9), 5);
    loop.abort(id);
    drain();
    expect(answer.tokens).toEqual([]);
    expect(loop.counts.waiting + loop.counts.running).toBe(0);
    expect(clock.isSet()).toBe(false);
  });

  test("a client found gone while its token is written is aborted after the step", () => {
    const { clock, loop, drain } = setUp();
    const sequences = new TokenSequences({ blockSize: 4, seed: 2 });
    let told = 0;
    let id = -1;
    id = loop.submit(sequences.make(Uint32Array.of(1, 2, 3), 50), {
      admitted: () => {},
      tokens: () => {
        told += 1;
        loop.abort(id);
      },
    }) as number;
    clock.ring(1);
    drain();
    expect(told).toBe(1);
    expect(loop.counts.running).toBe(0);
    expect(loop.isIdle).toBe(true);
  });

  test("stored blocks come with their tokens, generated ones included, one batch a step", () => {
    const { told, submit, drain } = setUp();
    const { sequence } = submit(prompt(5), 5);
    drain();
    const [a, b] = sequence.blocks;
    const all = sequence.tokens;
    expect(told.filter((line) => line !== "|")).toEqual([
      `stored ${a} after -1: 1,2,3,4`,
      `stored ${b} after ${a}: ${[...all.subarray(4, 8)].join()}`,
    ]);
    const [first, second] = told.flatMap((line, i) => (line.startsWith("stored") ? [i] : []));
    expect(told.slice(first, second)).toContain("|");
  });

  test("finds the cached part of a repeated prompt, and nothing after a reset", () => {
    const { told, loop, submit, drain } = setUp();
    submit(prompt(9), 1);
    drain();
    const again = submit(prompt(9), 1);
    drain();
    expect(again.answer.cached).toBe(8);
    expect(loop.resetCache()).toBe(true);
    const fresh = submit(prompt(9), 1);
    drain();
    expect(fresh.answer.cached).toBe(0);
    expect(told.filter((line) => line === "cleared")).toHaveLength(1);
  });

  test("reports why a request can never be served, and drops it", () => {
    const { loop, submit } = setUp();
    const { outcome } = submit(prompt(400), 5);
    expect(outcome).toContain("maximum context length is 400 tokens");
    expect(loop.isIdle).toBe(true);
  });
});

describe("token sequences", () => {
  test("prompts that share leading blocks share their ids; answers never repeat", () => {
    const sequences = new TokenSequences({ blockSize: 4, seed: 3 });
    const a = sequences.make(Uint32Array.from(prompt(9)), 8);
    const b = sequences.make(Uint32Array.from([...prompt(8), 77]), 8);
    expect(a.blocks).toHaveLength(4);
    expect([...b.blocks.subarray(0, 2)]).toEqual([...a.blocks.subarray(0, 2)]);
    expect(b.blocks[2]).not.toBe(a.blocks[2]);
    expect([...a.tokens.subarray(9)]).not.toEqual([...b.tokens.subarray(9)]);
    for (const token of a.tokens.subarray(9)) {
      expect(token >= 1_000 && token < 31_000).toBe(true);
    }
  });

  test("hashes are Dynamo's sequence hashes", () => {
    // The sequence hash of a first block is its content hash: XXH3-64, seed 1337.
    const sequences = new TokenSequences({ blockSize: 4, seed: 0 });
    const { blocks } = sequences.make(Uint32Array.of(1, 2, 3, 4), 0);
    const bytes = new Uint8Array(Uint32Array.of(1, 2, 3, 4).buffer);
    expect(sequences.hashOf(blocks[0]!)).toBe(Bun.hash.xxHash3(bytes, 1337n));
  });
});
