import { describe, expect, test } from "bun:test";
import { tiered } from "../../../core/workload/tiers.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";

const TIERS = [
  { name: "low", share: 0.5, priority: 0 },
  { name: "medium", share: 0.3, priority: 1 },
  { name: "high", share: 0.2, priority: 2 },
];

function specs(count: number, more: (index: number) => object = () => ({})): RequestSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ index, isl: 4, osl: 1, prompt: [{ content: index, tokens: 4 }] },
    ...more(index),
  }));
}

function marked(
  requests: readonly RequestSpec[],
  load: Parameters<typeof tiered>[1],
  seed = 1,
): RequestSpec[] {
  return [...(tiered(requests, load, seed) as Iterable<RequestSpec>)];
}

describe("tiers of a load", () => {
  test("have their shares of the requests, each with its priority", () => {
    const drawn = marked(specs(20_000), { tiers: TIERS });
    for (const { name, share, priority } of TIERS) {
      const own = drawn.filter(({ tier }) => tier === name);
      // Three standard deviations of a binomial share at n = 20,000 are .011 at most.
      expect(Math.abs(own.length / drawn.length - share)).toBeLessThan(0.011);
      expect(own.every((spec) => spec.priority === priority)).toBe(true);
    }
  });

  test("hold a session as a whole, whichever requests come between", () => {
    const drawn = marked(
      specs(400, (index) => ({ session: `s${index % 40}` })),
      { tiers: TIERS },
    );
    const bySession = Map.groupBy(drawn, ({ session }) => session);
    for (const turns of bySession.values()) {
      expect(new Set(turns.map(({ tier }) => tier)).size).toBe(1);
    }
    expect(new Set(drawn.map(({ tier }) => tier)).size).toBe(3);
  });

  test("depend only on the seed, not on earlier draws", () => {
    const all = marked(specs(100), { tiers: TIERS });
    expect(marked(specs(100).slice(50), { tiers: TIERS })).toEqual(all.slice(50));
    expect(marked(specs(100), { tiers: TIERS }, 2)).not.toEqual(all);
  });

  test("stay when priorities are not sent, and the workload's own are not sent either", () => {
    const own = specs(50, () => ({ priority: 7 }));
    const withheld = marked(own, { tiers: TIERS, sendPriority: "off" });
    expect(withheld.map(({ tier }) => tier)).toEqual(
      marked(own, { tiers: TIERS }).map(({ tier }) => tier),
    );
    expect(withheld.some((spec) => "priority" in spec)).toBe(false);
    expect(marked(own, { sendPriority: "off" }).some((spec) => "priority" in spec)).toBe(false);
  });

  test("without a priority keep the workload's own", () => {
    const drawn = marked(
      specs(10, () => ({ priority: 7 })),
      { tiers: [{ name: "acme", share: 1 }] },
    );
    expect(drawn.every(({ tier, priority }) => tier === "acme" && priority === 7)).toBe(true);
  });

  test("are given to requests of an async source too, and to none where the load has no tiers", async () => {
    async function* later(): AsyncGenerator<RequestSpec> {
      yield* specs(20);
    }
    const drawn = await Array.fromAsync(tiered(later(), { tiers: TIERS }, 1));
    expect(drawn).toEqual(marked(specs(20), { tiers: TIERS }));
    const plain = specs(2);
    expect(tiered(plain, {}, 1)).toBe(plain);
  });
});
