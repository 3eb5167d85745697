import { expect, test } from "bun:test";
import { v } from "dynbench";
import { cacheAware } from "../../../plugins/routers/cache-aware.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(cacheAware.options, {});

routingPolicyConformance("cache-aware", () => cacheAware.policy!(defaults));

function hostOf(options: object, workers = 2): PolicyHost {
  return new PolicyHost({
    policy: cacheAware.policy!(v.parse(cacheAware.options, options)),
    candidates: clusterOf(workers),
    blockSize: BLOCK_SIZE,
    random: randomStream(3),
  });
}

test("a match above the threshold decides, one at the threshold does not", () => {
  // 3 of 10 blocks of 64 tokens match: a share of exactly .3.
  const cold = { blocks: [0, 1, 2, ...blocksFrom(50, 7)] };
  for (const [cacheThreshold, follows] of [
    [0.3, false],
    [0.29, true],
  ] as const) {
    const host = hostOf({ cacheThreshold });
    const first = host.route(requestOf(1, { blocks: blocksFrom(0, 3) }), 0);
    // One request in flight on the first: the fewest requests are on the other.
    expect(host.route(requestOf(2, cold), 1)).toBe(follows ? first : 1 - first);
  }
});

test("the match decides only while requests in flight are even", () => {
  const host = hostOf({ balanceAbs: 3, balanceRel: 1.5 });
  const prompt = { blocks: blocksFrom(0, 10) };
  const picks = [1, 2, 3, 4, 5, 6].map((id) => host.route(requestOf(id, prompt), id));
  // 0 to 3 in flight on the first worker and none on the other are even; 4 against 0 are not. The
  // fifth goes away; then both match, and the less loaded of equal matches gets the sixth.
  const [first] = picks as [number];
  expect(picks).toEqual([first, first, first, first, 1 - first, 1 - first]);
});

test("both limits must be exceeded", () => {
  const host = hostOf({ balanceAbs: 1, balanceRel: 3 });
  const blocks = blocksFrom(0, 10);
  const first = host.route(requestOf(1, { blocks }), 0, new Set([1]));
  host.route(requestOf(2, { blocks: [99] }), 0, new Set([0])); // one in flight on the other
  host.route(requestOf(3, { blocks }), 0);
  host.route(requestOf(4, { blocks }), 0);
  // 3 against 1: the difference 2 exceeds 1, the ratio 3 does not exceed 3.
  expect(host.route(requestOf(5, { blocks }), 0)).toBe(first);
  // 4 against 1 exceeds both.
  expect(host.route(requestOf(6, { blocks }), 0)).toBe(1 - first);
});
