import { expect, test } from "bun:test";
import { v } from "dynbench";
import { kv } from "../../../plugins/routers/kv.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(kv.options, {});

routingPolicyConformance("kv", () => kv.policy!(defaults));

/** A host of two workers, or of those given, that routes by kv with these options. */
function hostOf(options: Partial<v.InferOutput<typeof kv.options>>, candidates = clusterOf(2)) {
  const chosen = v.parse(kv.options, options);
  const policy = kv.policy!(chosen);
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(0) });
}

/** Costs of the policy's last pick. */
const costs = (host: PolicyHost): number[] => [...host.view.scores];

const tokens1000 = { blocks: blocksFrom(0, 15), isl: 1000 };
const tokens1024 = { blocks: blocksFrom(100, 16), isl: 1024 };

test("costs of single requests are those that Dynamo 1.6.1 logs", () => {
  // Measured there on idle workers, block 64: fresh 1024 tokens 32 = 16 + 16; repeated 16 = 0 + 16;
  // a repeat of 1000 tokens with 15 of 16 blocks cached 15.625 = 40/64 + 15.
  const host = hostOf({});
  const first = host.route(requestOf(1, tokens1024), 0);
  expect(costs(host)).toEqual([32, 32]);
  host.firstToken(1, 0);
  host.ended(1, 0);
  host.stored(first, tokens1024.blocks, 0);
  expect(host.route(requestOf(2, tokens1024), 1)).toBe(first);
  expect(costs(host)[first]).toBe(16);
  host.ended(2, 1);
  host.stored(1 - first, tokens1000.blocks, 1);
  expect(host.route(requestOf(3, tokens1000), 2)).toBe(1 - first);
  expect(costs(host)[1 - first]).toBe(15.625);
  expect(costs(host)[first]).toBe(30.625);
});

test("outstanding prefill and distinct active blocks weigh against the cache", () => {
  const host = hostOf({}, clusterOf(2));
  host.stored(0, tokens1024.blocks, 0);
  // Dispatched to 0 (16 < 32), fully cached: nothing outstanding, 16 blocks active.
  expect(host.route(requestOf(1, tokens1024), 0)).toBe(0);
  // The same prompt again adds no blocks on 0: 0 + 16 + 0 against 16 + 0 + 16.
  host.route(requestOf(2, tokens1024), 0);
  expect(costs(host)).toEqual([16, 32]);
  // A fresh one: 15.625 + 16 + 15 = 46.625 on 0, 15.625 + 0 + 15 = 30.625 on 1.
  expect(host.route(requestOf(3, tokens1000), 0)).toBe(1);
  expect(costs(host)).toEqual([46.625, 30.625]);
  // And once more: worker 1 has 1000 tokens outstanding and all 15 blocks active:
  // (1000 + 1000)/64 + 15 + 0 = 46.25 on 1, 46.625 on 0.
  expect(host.route(requestOf(4, tokens1000), 0)).toBe(1);
  expect(costs(host)).toEqual([46.625, 46.25]);
});

test("each weight acts on its own term", () => {
  const weighed = (options: Parameters<typeof hostOf>[0]): number[] => {
    const host = hostOf({ ...options, temperature: 0 });
    host.stored(0, tokens1024.blocks, 0);
    host.route(requestOf(1, { blocks: [], isl: 640 }), 0, new Set([1])); // 10 blocks to prefill on 0
    host.route(requestOf(2, tokens1024), 0);
    return costs(host);
  };
  // (640 + 1024)/64 − 16 = 10, and 16 − 0 = 16; both would add 16 blocks.
  expect(weighed({})).toEqual([26, 32]);
  expect(weighed({ overlapCredit: 0.5 })).toEqual([18 + 16, 32]);
  expect(weighed({ overlapCredit: 0 })).toEqual([26 + 16, 32]);
  expect(weighed({ prefillLoadScale: 2 })).toEqual([20 + 16, 32 + 16]);
  expect(weighed({ prefillLoadScale: 0 })).toEqual([16, 16]);
  expect(weighed({ activeRequestWeight: 3 })).toEqual([26 + 3, 32]);
  // Excess of 10 blocks over a prompt of 16: credit 16 / (1 + 1.6 · 10/16) = 8.
  expect(weighed({ creditDecay: 1.6 })).toEqual([26 - 8 + 16, 32]);
});

test("costs of split workers are those that Dynamo 1.6.1 logs", () => {
  // Measured there on two prefill and two decode workers, block 64, the same prompt of 1024 tokens
  // each time: prefill 16 when fresh and 0 when cached, so that no blocks count; decode 16 on idle
  // workers, and 32 once each has one in flight, so that a shared prompt counts twice.
  const host = hostOf({}, [...clusterOf(2, "prefill"), ...clusterOf(2, "decode", 2)]);
  const pick = (id: number, stage: "prefill" | "decode"): number => {
    const picked = host.route(requestOf(id, { ...tokens1024, stage }), id);
    return costs(host)[picked]!;
  };
  const prefilled = (id: number): void => {
    host.firstToken(id, id, "prefill");
    host.ended(id, id, "prefill");
  };
  expect(pick(1, "prefill")).toBe(16);
  prefilled(1);
  host.stored(0, tokens1024.blocks, 1);
  host.stored(1, tokens1024.blocks, 1);
  expect(pick(1, "decode")).toBe(16);
  host.ended(1, 1, "decode");
  const decodeCosts = [2, 3, 4, 5].map((id) => {
    expect(pick(id, "prefill")).toBe(0);
    prefilled(id);
    return pick(id, "decode");
  });
  expect(decodeCosts).toEqual([16, 16, 32, 32]);
});

test("the traits for affinity and events follow the options", () => {
  const traits = (options: object) => kv.traits(v.parse(kv.options, options));
  expect(traits({})).toMatchObject({ affinity: true, spreads: true, kvEvents: true });
  expect(traits({ temperature: 0.5 })).toMatchObject({ affinity: false, kvEvents: true });
  expect(traits({ overlapCredit: 0 })).toMatchObject({ affinity: false, kvEvents: false });
  expect(traits({ prefillLoadScale: 0 })).toMatchObject({ affinity: false, kvEvents: true });
});

test.each([{ overlapCredit: -1 }, { temperature: Infinity }, { creditDecay: NaN }, { overlap: 1 }])(
  "refuses %p",
  (options) => {
    expect(v.safeParse(kv.options, options).success).toBe(false);
  },
);

routingPolicyConformance("kv with every weight", () =>
  kv.policy!(
    v.parse(kv.options, {
      overlapCredit: 0.8,
      creditDecay: 0.5,
      prefillLoadScale: 2,
      activeRequestWeight: 1,
      temperature: 0.5,
    }),
  ),
);

/** Requests in the order of their release: each has 64 tokens, and the first fills the only worker. */
function releasedBy(
  options: Parameters<typeof hostOf>[0],
  requests: { priority: number; isl: number }[],
) {
  const released: number[] = [];
  const host = new PolicyHost({
    policy: kv.policy!(v.parse(kv.options, options)),
    candidates: clusterOf(1),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
    onRelease: ({ id }) => released.push(id),
    onFault: (_request, error) => {
      throw error;
    },
  });
  host.route(requestOf(0, { blocks: [], isl: 64 }), 0);
  requests.forEach(({ priority, isl }, i) => {
    const request = { ...requestOf(i + 1, { blocks: [], isl }), priority };
    expect(host.route(request, (i + 1) * 1e9)).toBe(-1);
  });
  // Each is released by the first token of the one before it.
  for (let id: number | undefined = 0; id !== undefined; id = released.at(-1)) {
    if (released.length === requests.length) break;
    host.firstToken(id, 10e9);
  }
  return released;
}

test("requests are held while every worker has more than the threshold to prefill", () => {
  const host = (queueThresholdTokens: number | undefined) =>
    new PolicyHost({
      policy: kv.policy!(v.parse(kv.options, { queueThresholdTokens })),
      candidates: clusterOf(2),
      blockSize: BLOCK_SIZE,
      random: randomStream(0),
      onRelease: () => {},
      onFault: () => {},
    });
  const sentOf = (threshold: number | undefined): number => {
    const to = host(threshold);
    const picks = [1, 2, 3, 4].map((id) => to.route(requestOf(id, tokens1000), 0));
    return picks.filter((pick) => pick !== -1).length;
  };
  expect(sentOf(undefined)).toBe(4);
  expect(sentOf(999)).toBe(2); // one each: 1,000 is more than 999
  expect(sentOf(1000)).toBe(4); // and not more than 1,000
});

test("a priority moves a held request ahead by seconds; with wspt the shortest for its priority is first", () => {
  const one = (priority: number, isl = 64) => ({ priority, isl });
  // They come at seconds 1, 2, 3, 4: keys −1, 0 − 2, 5 − 3, 2.5 − 4.
  const mixed = [one(0), one(0), one(5), one(2.5)];
  expect(releasedBy({ queueThresholdTokens: 0 }, mixed)).toEqual([3, 1, 4, 2]);
  // 1/640, 1/64, 2/640, 4/64.
  const lengths = [one(0, 640), one(0, 64), one(1, 640), one(3, 64)];
  const wspt = { queueThresholdTokens: 0, queuePolicy: "wspt" as const };
  expect(releasedBy(wspt, lengths)).toEqual([4, 2, 3, 1]);
});
