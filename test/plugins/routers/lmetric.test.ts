import { expect, test } from "bun:test";
import { lmetric } from "../../../plugins/routers/lmetric.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("lmetric", () => lmetric.policy!({}));

function hostOf(candidates = clusterOf(2)): PolicyHost {
  const policy = lmetric.policy!({});
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

/** Scores of the policy's last pick. */
const scores = (host: PolicyHost): number[] => [...host.view.scores];

test("the product of new prefill tokens and batch size decides, both with the new request", () => {
  const host = hostOf();
  const prompt = { blocks: blocksFrom(0, 16) }; // 1024 tokens
  host.stored(0, prompt.blocks, 0);
  // Cached whole: one token is left to compute.
  expect(host.route(requestOf(1, prompt), 0)).toBe(0);
  expect(scores(host)).toEqual([1 * 1, 1024 * 1]);
  // One in flight on 0, with nothing outstanding: 640 · 2 against 640 · 1.
  expect(host.route(requestOf(2, { blocks: blocksFrom(100, 10) }), 1)).toBe(1);
  expect(scores(host)).toEqual([640 * 2, 640]);
  // 8 of 16 blocks cached on 0; 640 tokens outstanding on 1.
  const half = { blocks: [...blocksFrom(0, 8), ...blocksFrom(200, 8)] };
  expect(host.route(requestOf(3, half), 2)).toBe(0);
  expect(scores(host)).toEqual([512 * 2, (640 + 1024) * 2]);
  // Now 512 are outstanding on 0, where two are in flight.
  expect(host.route(requestOf(4, { blocks: blocksFrom(300, 10) }), 3)).toBe(1);
  expect(scores(host)).toEqual([(512 + 640) * 3, (640 + 640) * 2]);
});

test("the batch outweighs the cache once it is large", () => {
  const host = hostOf();
  // 9 of 10 blocks: 64 tokens are left on 0, 640 on 1.
  host.stored(0, blocksFrom(0, 9), 0);
  const picks = Array.from({ length: 12 }, (_, id) => {
    const picked = host.route(requestOf(id, { blocks: [...blocksFrom(0, 9), 100 + id] }), id);
    host.firstToken(id, id); // nothing is outstanding
    return picked;
  });
  // 64 · (n + 1) < 640 while n < 9, equal at 9: drawn; the other then has one in flight: 640 · 2.
  expect(picks.slice(0, 9)).toEqual(new Array(9).fill(0));
  expect(picks.slice(9).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
});

test("a decode worker is picked by its batch", () => {
  const host = hostOf(clusterOf(2, "decode"));
  const decode = { blocks: blocksFrom(0, 10), stage: "decode" as const };
  host.route(requestOf(1, decode), 0, new Set([0]));
  expect(host.route(requestOf(2, decode), 0)).toBe(0);
  expect(scores(host)).toEqual([1, 2]);
});
