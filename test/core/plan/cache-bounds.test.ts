/** A cell's requests are drawn once for what follows from them. */
import { expect, test } from "bun:test";
import * as v from "valibot";
import { cacheBounds, KnownBounds, poolOf } from "../../../core/plan/cache-bounds.ts";
import { faultsOnWorkers, surveyForRun } from "../../../core/plan/survey.ts";
import type { Plan, PlannedCell } from "../../../core/contract/plan.ts";
import type { Plugins } from "../../../core/contract/plugins.ts";
import type { Worker } from "../../../core/contract/request.ts";

const use = (kind: "engine" | "router" | "workload", options = {}) => ({
  ...{ kind, name: kind, source: "bundled", options },
});
const load = { arrival: "closed", concurrency: 1, requests: 20, warmup: 2, timeoutS: 5 } as const;

function cellOf(repeat: number, more: Partial<PlannedCell> = {}): PlannedCell {
  const workload = use("workload", { trace: "t.jsonl" });
  return {
    id: `r${repeat}`,
    arm: 0,
    parameters: {},
    repeat,
    seed: repeat,
    workload,
    load,
    ...more,
  };
}

/** Prompts of 64 shared and 64 own tokens, in blocks of 16. */
function setUp(limits: object, isFile = true) {
  let draws = 0;
  const workload = {
    name: "workload",
    options: v.strictObject({
      trace: v.pipe(v.string(), v.metadata(isFile ? { file: true } : {})),
    }),
    *requests(_: unknown, { count = 0 }: { count?: number }) {
      draws += 1;
      for (let index = 0; index < count; index += 1) {
        const prompt = [0, index + 1].map((content) => ({ content, tokens: 64 }));
        yield { index, prompt, isl: 128, osl: 1 };
      }
    },
  };
  const engine = {
    ...{ name: "engine", options: v.strictObject({}) },
    limits: () => ({ workers: 2, blockSize: 16, ...limits }),
  };
  const plugins = {
    load: async ({ kind }: { kind: string }) => (kind === "workload" ? workload : engine),
  } as unknown as Plugins;
  const arm = { label: "a", engine: use("engine"), router: use("router"), plane: "http" } as const;
  const plan = {
    ...{
      clock: "wall",
      pooledBounds: true,
      arms: [{ ...arm, engineKey: "e" }],
      cells: [cellOf(0), cellOf(1)],
    },
  } as unknown as Plan;
  return { plan, plugins, drawn: () => draws };
}

const worker = (id: string, more: Partial<Worker> = {}): Worker => ({
  ...{ id, url: "", role: "aggregated", blockSize: 16, kvBlocks: 100 },
  ...more,
});
const signal = new AbortController().signal;

test("the survey's bounds are those that are drawn afterwards, and save the draw", async () => {
  const { plan, plugins, drawn } = setUp({ kvBlocks: 100 });
  const { bounds } = await surveyForRun(plan, plugins, signal);
  expect(drawn()).toBe(1);
  const workers = [worker("0"), worker("1"), worker("2", { role: "decode" })];
  const pool = await poolOf(plan, cellOf(0), { workers, plugins });
  expect(pool).toBe(200);
  const of = { blockSize: 16, pool, count: Infinity };
  const known = await cacheBounds(cellOf(0, { arm: 1 }), of, { plugins, known: bounds });
  expect(drawn()).toBe(1);
  const fresh = await cacheBounds(cellOf(0), of, { plugins, known: new KnownBounds() });
  expect(drawn()).toBe(2);
  expect(known).toEqual(fresh);
  expect(known.idealShare).toBe(0.5);
  expect(known.pooled!.blocks).toBe(200);
});

test("other requests, blocks, caches or fewer requests are drawn, once", async () => {
  const { plan, plugins, drawn } = setUp({ kvBlocks: 100 });
  const { bounds: known } = await surveyForRun(plan, plugins, signal);
  const of = { blockSize: 16, pool: 200, count: Infinity };
  for (const [cell, change] of [
    [cellOf(1), {}],
    [cellOf(0), { blockSize: 32 }],
    [cellOf(0), { pool: 300 }],
    [cellOf(0), { pool: undefined }],
    [cellOf(0), { count: 5 }],
    [cellOf(0, { load: { ...load, warmup: 0 } }), {}],
  ] as const) {
    const before = drawn();
    for (let again = 0; again < 2; again += 1) {
      await cacheBounds(cell, { ...of, ...change }, { plugins, known });
    }
    expect(drawn()).toBe(before + 1);
  }
});

test("what running workers cannot take is found without drawing again", async () => {
  const { plan, plugins, drawn } = setUp({});
  const survey = await surveyForRun(plan, plugins, signal);
  const [arm] = plan.arms as [Plan["arms"][0]];
  const faults = await faultsOnWorkers(plan, plugins, {
    ...{ arm, survey, workers: [worker("0", { kvBlocks: 8 }), worker("1")] },
  });
  expect(faults.map(({ message }) => message)).toEqual([
    'a request of 128 prompt and 1 output tokens does not fit the KV cache of a "engine" worker, 8 blocks of 16',
  ]);
  expect(await faultsOnWorkers(plan, plugins, { arm, survey, workers: [worker("1")] })).toEqual([]);
  expect(drawn()).toBe(1);
});

test("a pool is bounded for workloads that read a file, and workers that report their capacity", async () => {
  const { plan, plugins } = setUp({});
  const of = async (workers: Worker[], more = {}) =>
    poolOf({ ...plan, ...more }, cellOf(0), { workers, plugins });
  expect(await of([worker("0")])).toBe(100);
  expect(await of([worker("0")], { pooledBounds: false })).toBeUndefined();
  const { kvBlocks: _, ...silent } = worker("1");
  expect(await of([worker("0"), silent])).toBeUndefined();
  const drawnOnly = setUp({}, false);
  expect(await poolOf(plan, cellOf(0), { workers: [worker("0")], ...drawnOnly })).toBeUndefined();
});

test("requests that failed fill the ideal cache and are not held against it", async () => {
  const { plugins } = setUp({}, false);
  const of = { blockSize: 16, pool: undefined, count: Infinity };
  const known = new KnownBounds();
  const bounds = (counted?: number[]) =>
    cacheBounds(
      cellOf(0, { load: { ...load, warmup: 0 } }),
      { ...of, ...(counted === undefined ? {} : { counted: new Set(counted) }) },
      { plugins, known },
    );
  // Of 20 prompts all but the first find 64 of their 128 tokens.
  expect(await bounds()).toEqual({ idealShare: (19 * 64) / (20 * 128) });
  expect(await bounds([5, 6])).toEqual({ idealShare: 0.5 });
  expect(await bounds([0])).toEqual({ idealShare: 0 });
  expect(await bounds()).toEqual({ idealShare: (19 * 64) / (20 * 128) });
});
