/** Routers that did not distinguish workers, and routers without a fault. */
import { describe, expect, test } from "bun:test";
import type { CellInput } from "../../../../core/metrics/summary/summary.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import { exampleInput, steadyRecords } from "../example-cells.ts";

const N = 200;
type Each = (i: number) => Partial<RequestRecord>;

function findings(each: Each, details: Partial<CellInput> = {}): string[] {
  const { summary } = summarizeCell(exampleInput(steadyRecords(N, each), details));
  return summary.verdict.reasons.map(({ id, severity }) => `${id} ${severity}`);
}

const affine = { traits: { spreads: false, kvEvents: true, affinity: true } };

describe("equal scores", () => {
  const believes = (tokens: number, bestTokens: number): Each => {
    return () => ({ expected: { tokens, bestTokens } });
  };

  test("of every worker in every request are untrusted", () => {
    expect(findings(believes(0, 0), { evidence: affine })).toEqual(["equal-workers untrusted"]);
  });

  test("raise no finding when the router found a prefix, even if it chose another worker", () => {
    expect(findings(believes(0, 10), { evidence: affine })).toEqual([]);
    expect(findings(believes(40, 40), { evidence: affine })).toEqual([]);
  });

  test("show in the hit rates that a foreign router reports", () => {
    const tells = (kvHitRate: number): Each => {
      return () => ({ routing: { kvHitRate } });
    };
    expect(findings(tells(0), { evidence: affine })).toEqual(["equal-workers untrusted"]);
    expect(findings(tells(0.4), { evidence: affine })).toEqual([]);
  });

  test("show in a count of found prefixes that stays at zero", () => {
    const evidence = (prefixesFound: number) => ({ ...affine, prefixesFound });
    expect(findings(() => ({}), { evidence: evidence(0) })).toEqual(["equal-workers untrusted"]);
    expect(findings(() => ({}), { evidence: evidence(1) })).toEqual([]);
  });

  test("are no fault where there was nothing to find, or the workers had evicted it", () => {
    const cold: Each = (i) => ({ ...believes(0, 0)(i), cachedTokens: 0 });
    const evicting = { ...affine, smallestCacheTokens: 1000 };
    expect(findings(cold, { evidence: evicting })).toEqual(["no-hits note"]);
    expect(findings(cold, { evidence: affine })).toEqual(["no-hits untrusted"]);
    expect(findings(believes(0, 0), { evidence: affine, idealShare: 0.04 })).not.toContain(
      "equal-workers untrusted",
    );
  });

  test("are no fault where all were sent before the first answer came", () => {
    const atOnce: Each = (i) => ({ ...believes(0, 0)(i), intendedNs: 0, startNs: 0, sentNs: 0 });
    expect(findings(atOnce, { evidence: affine })).not.toContain("equal-workers untrusted");
  });

  test("are no fault of a router that does not look at caches", () => {
    expect(findings(() => ({}))).toEqual([]);
  });
});

describe("tokens that the router knew to be cached", () => {
  /** Of 100 prompt tokens; 40 are found. */
  const known: (tokens: number) => Each = (tokens) => () => ({
    expected: { tokens, bestTokens: tokens },
  });

  test("and that the workers did not find are untrusted from one half up", () => {
    expect(findings(known(81))).toEqual(["hits-not-found untrusted"]);
    expect(findings(known(80))).toEqual([]);
    expect(findings(known(81), { clock: "virtual" })).toEqual([]);
  });

  test("prove nothing where the router guesses, or where few were expected", () => {
    const guesses = { traits: { spreads: true, kvEvents: false } };
    expect(findings(known(81), { evidence: guesses })).toEqual([]);
    const none: Each = (i) => ({ ...known(4)(i), cachedTokens: 1 });
    expect(findings(none)).not.toContain("hits-not-found untrusted");
  });
});

describe("requests without a cached prefix", () => {
  /** The first `count` find nothing and go to `worker(i)`. */
  const cold = (count: number, worker: (i: number) => number): Each => {
    return (i) => (i < count ? { cachedTokens: 0, worker: `worker-${worker(i)}` } : {});
  };

  test("are untrusted when all went to one worker", () => {
    expect(
      findings(
        cold(10, () => 0),
        { evidence: affine },
      ),
    ).toEqual(["cold-on-one untrusted"]);
    expect(
      findings(
        cold(10, () => 1),
        { evidence: affine },
      ),
    ).toEqual(["cold-on-one untrusted"]);
  });

  test("raise no finding when they are few, or one went elsewhere", () => {
    expect(
      findings(
        cold(9, () => 0),
        { evidence: affine },
      ),
    ).toEqual([]);
    expect(
      findings(
        cold(10, (i) => (i === 9 ? 1 : 0)),
        { evidence: affine },
      ),
    ).toEqual([]);
  });

  test("may all go to one worker where a key decides it, or no affinity was promised", () => {
    const keyed = { traits: { ...affine.traits, keyHeader: "x-session-id" } };
    expect(
      findings(
        cold(10, () => 0),
        { evidence: keyed },
      ),
    ).toEqual([]);
    expect(findings(cold(10, () => 0))).toEqual([]);
  });

  test("count by prefill worker where prefill and decode are split", () => {
    const workers = [
      { id: "prefill-0", role: "prefill" },
      { id: "prefill-1", role: "prefill" },
      { id: "decode-0", role: "decode" },
    ] as const;
    const split = (first: (i: number) => number): Each => {
      return (i) => ({
        ...{ worker: "decode-0", prefillWorker: `prefill-${i < 10 ? first(i) : i % 2}` },
        ...(i < 10 ? { cachedTokens: 0 } : {}),
      });
    };
    const of = (first: (i: number) => number) =>
      findings(split(first), { workers, evidence: affine });
    expect(of(() => 0)).toEqual(["cold-on-one untrusted"]);
    expect(of((i) => i % 2)).toEqual([]);
  });
});
