import { expect, test } from "bun:test";
import { v } from "dynbench";
import { llmD } from "../../../plugins/routers/llm-d.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("llm-d", () => llmD.policy!(v.parse(llmD.options, {})));

function hostOf(
  options: v.InferInput<typeof llmD.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = llmD.policy!(v.parse(llmD.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

const capacity = (kvBlocks: number) => clusterOf(2).map((one) => ({ ...one, kvBlocks }));

test("marks for queue, free cache and prefix are summed by weight", () => {
  const host = hostOf({}, capacity(40));
  const sums = (first: number): number[] => [
    -host.view.scores[first]!,
    -host.view.scores[1 - first]!,
  ];
  const prompt = { blocks: blocksFrom(0, 10) };
  const first = host.route(requestOf(1, prompt), 0);
  expect(sums(first)).toEqual([2 + 2, 2 + 2]);
  // One in prefill waits no longer: queues are equal. 10 of 40 blocks are in use; all match.
  expect(host.route(requestOf(2, prompt), 1)).toBe(first);
  expect(sums(first)).toEqual([2 + 2 * 0.75 + 3, 2 + 2]);
  // One waits: the longest queue has 0, the shortest 1.
  expect(host.route(requestOf(3, prompt), 2)).toBe(first);
  expect(sums(first)).toEqual([0 + 2 * 0.75 + 3, 2 + 2]);
  // 5 of 20 blocks match: 3 / 4.
  const other = { blocks: [...blocksFrom(0, 5), ...blocksFrom(100, 15)] };
  expect(host.route(requestOf(4, other), 3)).toBe(1 - first);
  expect(sums(first)).toEqual([0 + 2 * 0.75 + 0.75, 2 + 2]);
  // First tokens leave one in prefill on each: equal again, at 10 and 20 blocks of 40.
  host.firstToken(1, 4);
  host.ended(2, 4);
  host.route(requestOf(5, { blocks: [500] }), 5);
  expect(sums(first)).toEqual([2 + 2 * 0.75, 2 + 2 * 0.5]);
});

test("a cache in use beyond its capacity has no free part, one of unknown capacity is free", () => {
  const scoresAt = (candidates: ReturnType<typeof capacity>): number[] => {
    const host = hostOf({ queueWeight: 0, prefixWeight: 0 }, candidates);
    host.route(requestOf(1, { blocks: blocksFrom(0, 9) }), 0, new Set([1]));
    host.route(requestOf(2, { blocks: [99] }), 0);
    return [...host.view.scores];
  };
  expect(scoresAt(capacity(8))).toEqual([-0, -2]);
  expect(scoresAt(clusterOf(2) as ReturnType<typeof capacity>)).toEqual([-2, -2]);
});

test("matches come from its own decisions, or from KV events", () => {
  const prompt = { blocks: blocksFrom(0, 4) };
  const matched = (kvEvents: boolean): number[] => {
    const host = hostOf({ kvEvents });
    host.stored(1, prompt.blocks, 0);
    host.route(requestOf(1, prompt), 0, new Set([1]));
    host.route(requestOf(2, prompt), 0);
    return [...host.view.overlapBlocks];
  };
  expect(matched(false)).toEqual([4, 0]);
  expect(matched(true)).toEqual([0, 4]);
  const traits = (options: object) => llmD.traits(v.parse(llmD.options, options));
  expect(traits({})).toMatchObject({ affinity: true, spreads: false, kvEvents: false });
  expect(traits({ kvEvents: true, prefixWeight: 0 })).toMatchObject({
    ...{ affinity: false, spreads: true, kvEvents: true },
  });
});
