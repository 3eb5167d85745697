import { describe, expect, test } from "bun:test";
import { randomStream, v, type RequestSpec } from "dynbench";
import { prefix } from "../../../plugins/workloads/prefix.ts";
import { testWorkload } from "../../conformance/workload.ts";

testWorkload({
  workload: prefix,
  cases: [
    { prefixRatio: 0, isl: 100 },
    { prefixRatio: 1, numPrefixPrompts: 1 },
    { islStddevShare: 0, oslStddevShare: 0 },
    { islStddevShare: 1, oslStddevShare: 1 },
  ],
  sharedTokens: (a, b, { isl, prefixRatio }) =>
    a.group === b.group ? Math.floor(isl * prefixRatio) : 0,
});
testWorkload({
  workload: prefix,
  required: { sampling: "with-replacement" },
  cases: [{ isl: 64, osl: 1 }],
});

function draw(raw: Record<string, unknown>, seed = 1, count = 200): RequestSpec[] {
  const options = v.parse(prefix.options, raw);
  const context = { rows: undefined, random: randomStream(seed, "workload"), count };
  return [...(prefix.requests(options, context) as Iterable<RequestSpec>)];
}

const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: number[]): number => {
  const center = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - center) ** 2)));
};

describe("lengths", () => {
  test("the prefix is int(isl * ratio) of the script, exactly", () => {
    const prefixes = [0.1, 0.3, 0.5, 0.7, 0.9].map(
      (prefixRatio) => draw({ prefixRatio })[0]!.prompt[0]!.tokens,
    );
    // int(14000 * r) as Dynamo's prefix_ratio_benchmark.py computes it, evaluated by Python.
    expect(prefixes).toEqual([1400, 4200, 7000, 9800, 12600]);
  });

  test("the unique mean is isl minus prefix: 1400 at .9, where the script has 1399", () => {
    const exact = draw({ prefixRatio: 0.9, islStddevShare: 0 });
    expect(new Set(exact.map((spec) => spec.prompt[1]!.tokens))).toEqual(new Set([1400]));
    expect(new Set(exact.map((spec) => spec.isl))).toEqual(new Set([14_000]));
  });

  test("unique part and output scatter by a quarter of their means", () => {
    const specs = draw({ prefixRatio: 0.5 }, 3, 20_000);
    const unique = specs.map((spec) => spec.prompt[1]!.tokens);
    // Rounding up adds half a token. 20,000 draws: the standard error of the mean is sd / 141,
    // that of the deviation sd / 200; four of each are allowed.
    expect(Math.abs(mean(unique) - 7000.5)).toBeLessThan((4 * 1750) / 141);
    expect(Math.abs(deviation(unique) - 1750)).toBeLessThan((4 * 1750) / 200);
    const outputs = specs.map((spec) => spec.osl);
    expect(Math.abs(mean(outputs) - 200.5)).toBeLessThan((4 * 50) / 141);
    expect(Math.abs(deviation(outputs) - 50)).toBeLessThan((4 * 50) / 200);
  });

  test("standard deviations are rounded half to even, as Python rounds", () => {
    // 2 * .25 = .5 rounds to 0, 6 * .25 = 1.5 rounds to 2.
    expect(new Set(draw({ osl: 2 }).map((spec) => spec.osl))).toEqual(new Set([2]));
    expect(new Set(draw({ osl: 6 }).map((spec) => spec.osl)).size).toBeGreaterThan(4);
  });
});

describe("sharing", () => {
  test("prompts of a group begin with the same content, unique parts are in no other prompt", () => {
    const specs = draw({}, 5);
    for (const spec of specs) {
      expect(spec.prompt[0]).toEqual({ content: spec.group!, tokens: 7000 });
    }
    const contents = specs.map((spec) => (spec.prompt[1] as { content: number }).content);
    expect(new Set(contents).size).toBe(200);
    expect(Math.min(...contents)).toBeGreaterThanOrEqual(20);
  });

  test("groups are drawn uniformly, not dealt: sizes scatter like a binomial", () => {
    const sizes = new Array<number>(20).fill(0);
    for (const spec of draw({}, 6, 20_000)) sizes[spec.group!]! += 1;
    expect(mean(sizes)).toBe(1000);
    // Chi-square with 19 degrees of freedom: 0.01 % quantiles are about 3.9 and 50.8.
    const chiSquare = sizes.reduce((sum, size) => sum + (size - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeGreaterThan(3.9);
    expect(chiSquare).toBeLessThan(50.8);
  });

  test("with replacement, 200 requests touch about 127 prompts and repeats are exact", () => {
    const touched = Array.from({ length: 20 }, (_, seed) => {
      const specs = draw({ sampling: "with-replacement" }, seed);
      const prompts = new Map<number, string>();
      for (const { index: _index, ...rest } of specs) {
        const { content } = rest.prompt[1] as { content: number };
        const text = JSON.stringify(rest);
        expect(prompts.get(content) ?? text).toBe(text);
        prompts.set(content, text);
      }
      return prompts.size;
    });
    // 200 * (1 - (1 - 1/200)^200) = 126.6; the deviation of one run is about 4.4.
    expect(Math.abs(mean(touched) - 126.6)).toBeLessThan((4 * 4.4) / Math.sqrt(20));
  });
});

/** Hit share with endless caches of whole 64-token blocks, requests dealt round robin, one after another. */
function hitShare(specs: RequestSpec[], workers: number): number {
  const seen = Array.from({ length: workers }, () => new Map<string, number>());
  let hits = 0;
  let total = 0;
  for (const [i, spec] of specs.entries()) {
    const cache = seen[i % workers]!;
    let history = "";
    let start = 0;
    let hit = 0;
    for (const segment of spec.prompt) {
      history += `/${JSON.stringify(segment)}`;
      start += segment.tokens;
      if (cache.has(history)) hit = Math.min(start, spec.isl - 1);
      cache.set(history, start);
    }
    hits += Math.floor(hit / 64) * 64;
    total += spec.isl;
  }
  return hits / total;
}

describe("hit shares that a router can reach", () => {
  // Expected token hit shares computed apart from this code: 200 requests, 20 prefixes, block 64.
  const table: [sampling: string, workers: number, expected: number[], tolerance: number][] = [
    ["shuffle", 1, [0.086, 0.267, 0.448, 0.629, 0.806], 0.003],
    ["shuffle", 8, [0.04, 0.125, 0.21, 0.295, 0.378], 0.006],
    ["with-replacement", 1, [0.416, 0.524, 0.631, 0.739, 0.844], 0.02],
    ["with-replacement", 8, [0.094, 0.171, 0.247, 0.324, 0.399], 0.02],
  ];
  for (const [sampling, workers, expected, tolerance] of table) {
    test(`${sampling} over ${workers} workers has the expected hit shares`, () => {
      for (const [i, prefixRatio] of [0.1, 0.3, 0.5, 0.7, 0.9].entries()) {
        const shares = Array.from({ length: 20 }, (_, seed) =>
          hitShare(draw({ prefixRatio, sampling }, seed), workers),
        );
        expect(Math.abs(mean(shares) - expected[i]!)).toBeLessThan(tolerance);
      }
    });
  }
});

describe("options", () => {
  test("refuse a ratio outside 0 to 1, negative and fractional lengths, unknown names", () => {
    for (const raw of [
      { prefixRatio: 1.1 },
      { prefixRatio: -0.1 },
      { isl: -1 },
      { isl: 0.5 },
      { osl: 0 },
      { numPrefixPrompts: 0 },
      { islMean: 3 },
    ]) {
      expect(v.safeParse(prefix.options, raw).success).toBe(false);
    }
  });

  test("a prompt too short for its prefix is a fault with the option to change", () => {
    const options = v.parse(prefix.options, { isl: 5, prefixRatio: 0.1 });
    expect(prefix.check!(options)).toEqual([
      {
        path: "isl",
        message: "leaves no room for a shared prefix at ratio 0.1: 5 x 0.1 is less than one token",
        hint: "Use --isl 10 or more, or --prefix-ratio 0",
      },
    ]);
    expect(prefix.check!(v.parse(prefix.options, {}))).toEqual([]);
  });
});
