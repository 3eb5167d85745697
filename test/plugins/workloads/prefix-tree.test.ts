import { describe, expect, test } from "bun:test";
import { randomStream, v, type ContentSegment, type RequestSpec } from "dynbench";
import { idealShares } from "../../../core/metrics/tally/ideal.ts";
import { prefixTree } from "../../../plugins/workloads/prefix-tree.ts";
import { testWorkload } from "../../conformance/workload.ts";

testWorkload({
  workload: prefixTree,
  cases: [
    { depth: 1, fanOut: 1 },
    { depth: 6, fanOut: 100, zipf: 1.2, driftEvery: 7, stddevShare: 1 },
    { hitShare: 0.5 },
  ],
});

function draw(raw: Record<string, unknown>, count = 1000): RequestSpec[] {
  const options = v.parse(prefixTree.options, raw);
  const context = { rows: undefined, random: randomStream(1, "workload"), count };
  return [...(prefixTree.requests(options, context) as Iterable<RequestSpec>)];
}

const contents = (spec: RequestSpec): number[] =>
  spec.prompt.map((segment) => (segment as ContentSegment).content);

describe("the tree", () => {
  test("has the given numbers of levels and branches, and each node has one parent", () => {
    const specs = draw({ depth: 3, fanOut: 2, levelTokens: 10 });
    const levels = [0, 1, 2].map((level) => new Set(specs.map((spec) => contents(spec)[level])));
    expect(levels.map((nodes) => nodes.size)).toEqual([2, 4, 8]);
    const parents = new Map<number, number>();
    for (const [root, middle, leaf] of specs.map(contents)) {
      for (const [child, parent] of [
        [middle!, root!],
        [leaf!, middle!],
      ] as const) {
        expect(parents.get(child) ?? parent).toBe(parent);
        parents.set(child, parent);
      }
    }
  });

  test("the unique part of a prompt is in no other", () => {
    const own = draw({}).map((spec) => contents(spec).at(-1));
    expect(new Set(own).size).toBe(own.length);
  });
});

describe("popularity", () => {
  const counts = (raw: Record<string, unknown>, from = 0, to = 20_000): number[] => {
    const found = [0, 0, 0, 0];
    for (const spec of draw({ depth: 1, fanOut: 4, ...raw }, to).slice(from)) {
      found[contents(spec)[0]!]! += 1;
    }
    return found;
  };

  test("is even without an exponent, and 1 / k^zipf with one", () => {
    for (const count of counts({})) expect(Math.abs(count - 5000)).toBeLessThan(250);
    // 1, 1/2, 1/3, 1/4 of 25/12: four deviations of a binomial are below 283.
    const zipf = counts({ zipf: 1 });
    [9600, 4800, 3200, 2400].forEach((expected, rank) =>
      expect(Math.abs(zipf[rank]! - expected)).toBeLessThan(283),
    );
  });

  test("drifts to the next branch", () => {
    const raw = { zipf: 3, driftEvery: 1000 };
    const first = counts(raw, 0, 1000);
    const second = counts(raw, 1000, 2000);
    expect(first.indexOf(Math.max(...first))).toBe(0);
    expect(second.indexOf(Math.max(...second))).toBe(1);
  });
});

describe("a target hit share", () => {
  test.each([0.2, 0.5, 0.8])("of %f is what an unbounded cache serves", (hitShare) => {
    const specs = draw({ hitShare, zipf: 1, levelTokens: 4096 }, 400);
    const { ideal } = idealShares(specs, { blockSize: 16 });
    // Lengths are drawn around the mean, and blocks are whole.
    expect(Math.abs(ideal - hitShare)).toBeLessThan(0.01);
  });
});

test("a tree with more leaves than content numbers is a fault", () => {
  const faults = prefixTree.check!(v.parse(prefixTree.options, { depth: 20, fanOut: 1000 }));
  expect(faults.map(({ path }) => path)).toEqual(["fanOut"]);
});
