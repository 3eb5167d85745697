import { expect, test } from "bun:test";
import type { PlannedCell } from "../../../core/contract/plan.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";
import { DrawnRequests } from "../../../core/workload/drawn.ts";
import { exampleCell } from "../metrics/example-cells.ts";

const cell = (seed: number, requests?: number): PlannedCell => {
  const base = exampleCell();
  const { requests: _, ...rest } = base.load;
  const load = { ...rest, warmup: 0 };
  return { ...base, seed, load: requests === undefined ? load : { ...load, requests } };
};

function* some(count: number): Generator<RequestSpec> {
  for (let index = 0; index < count; index += 1) {
    yield { index, prompt: [{ content: 1, tokens: 8 }], isl: 8, osl: 2 };
  }
}

async function* later(count: number): AsyncGenerator<RequestSpec> {
  yield* some(count);
}

test("requests are kept once they are drawn to their end, for every arm and for that seed alone", async () => {
  const drawn = new DrawnRequests();
  expect([...(drawn.keeping(cell(1), some(5)) as Iterable<RequestSpec>)]).toEqual([...some(5)]);
  expect(drawn.of({ ...cell(1), arm: 3, id: "another" })).toEqual([...some(5)]);
  expect(drawn.of(cell(2))).toBeUndefined();
  expect(await Array.fromAsync(drawn.keeping(cell(2), later(3)))).toEqual([...some(3)]);
  expect(drawn.of(cell(2))).toEqual([...some(3)]);
});

test("the last of a stated number ends them; fewer are not kept", () => {
  const drawn = new DrawnRequests();
  const source = drawn.keeping(cell(1, 4), some(9)) as Generator<RequestSpec>;
  for (let i = 0; i < 3; i += 1) source.next();
  expect(drawn.of(cell(1, 4))).toBeUndefined();
  source.next();
  expect(drawn.of(cell(1, 4))).toEqual([...some(4)]);
});

test("the oldest are dropped when there are many, and too many are never kept", () => {
  const drawn = new DrawnRequests();
  for (const seed of [1, 2, 3]) {
    for (const _ of drawn.keeping(cell(seed), some(25_000)) as Iterable<RequestSpec>) continue;
  }
  expect([1, 2, 3].map((seed) => drawn.of(cell(seed))?.length)).toEqual([
    undefined,
    25_000,
    25_000,
  ]);
  for (const _ of drawn.keeping(cell(4), some(60_001)) as Iterable<RequestSpec>) continue;
  expect(drawn.of(cell(4))).toBeUndefined();
});
