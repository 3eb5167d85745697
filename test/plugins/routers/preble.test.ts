import { expect, test } from "bun:test";
import { v } from "dynbench";
import { preble } from "../../../plugins/routers/preble.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("preble", () => preble.policy!(v.parse(preble.options, {})));

function hostOf(
  options: v.InferInput<typeof preble.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = preble.policy!(v.parse(preble.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

const scores = (host: PolicyHost): number[] => [...host.view.scores];

test("mostly cached prompts exploit, others explore by load and their own prefill", () => {
  // Each request has 10 output tokens: 20 for them.
  const host = hostOf({ windowS: 10, outputWeight: 2 });
  const first = host.route(requestOf(1, { blocks: blocksFrom(0, 10) }), 0);
  const of = (here: number, other: number): number[] =>
    first === 0 ? [here, other] : [other, here];
  expect(scores(host)).toEqual([640, 640]);
  expect(host.route(requestOf(2, { blocks: blocksFrom(100, 20) }), 0)).toBe(1 - first);
  expect(scores(host)).toEqual(of(640 + 20 + 1280, 1280));
  // 10 of 19 blocks are more than half: the worker that has them, with 9 blocks to compute.
  expect(
    host.route(requestOf(3, { blocks: [...blocksFrom(0, 10), ...blocksFrom(200, 9)] }), 0),
  ).toBe(first);
  expect(scores(host)).toEqual(of(660 + 576, Infinity));
  // 10 of 20 are not. It has 660 + 576 + 20 = 1256 and 640 to compute, the other 1300 and 1280.
  expect(
    host.route(requestOf(4, { blocks: [...blocksFrom(0, 10), ...blocksFrom(300, 10)] }), 0),
  ).toBe(first);
  expect(scores(host)).toEqual(of(1256 + 640, 1300 + 1280));
  // Loads stay for the window, whatever has ended.
  for (const id of [1, 2, 3, 4]) host.ended(id, 5e9);
  host.route(requestOf(5, { blocks: blocksFrom(400, 10) }), 9e9);
  expect(scores(host)).toEqual(of(1256 + 660 + 640, 1300 + 640));
  // After it both load and cache are forgotten; only the fifth, on the other, is still in it.
  host.route(requestOf(6, { blocks: blocksFrom(0, 10) }), 11e9);
  expect(scores(host)).toEqual(of(640, 660 + 640));
});

test("the busiest worker is exploited no more once it has the ratio of load", () => {
  const host = hostOf({ balanceRatio: 1.5 });
  const prompt = { blocks: blocksFrom(0, 10) };
  const picks = Array.from({ length: 102 }, (_, id) => host.route(requestOf(id, prompt), id));
  const [first] = picks as [number];
  // 50 requests a worker come first. Then the other has the prompt too, and the least load.
  expect(picks).toEqual([...new Array(100).fill(first), 1 - first, 1 - first]);
});

test("of several workers with the longest match the least loaded is exploited", () => {
  const host = hostOf({}, clusterOf(3));
  const prompt = { blocks: blocksFrom(0, 10) };
  host.route(requestOf(1, prompt), 0, new Set([1, 2]));
  host.route(requestOf(2, prompt), 0, new Set([0, 2]));
  host.route(requestOf(3, { blocks: blocksFrom(50, 10) }), 0, new Set([1, 2]));
  expect(host.route(requestOf(4, prompt), 0)).toBe(1);
});
