import { expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import type { RoutingPolicy } from "../../../core/contract/routing-policy.ts";
import { decisionOf } from "../../../core/routing/decision.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

function hostOf(pick: RoutingPolicy["pick"]): PolicyHost {
  return new PolicyHost({
    policy: { reads: ["overlap"], index: { source: "events" }, pick },
    candidates: clusterOf(3),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
  });
}

test("a line has the pick, the expected overlap of each worker, and the cost", () => {
  const host = hostOf((_request, view) => {
    view.scores.set([4.5, 1, 2]);
    return 0;
  });
  host.stored(0, blocksFrom(0, 2), 0);
  host.stored(1, blocksFrom(0, 9), 0);
  host.stored(2, blocksFrom(0, 3), 0);
  host.setAlive(1, false, 0);
  host.stored(1, blocksFrom(0, 9), 0);
  const request = requestOf(12, { blocks: blocksFrom(0, 5), isl: 330 });
  const candidate = host.route(request, 77);
  const costUs = { hash: 20, lookup: 1.5, score: 0.5 };
  expect(decisionOf(host.view, { request, candidate, costUs })).toEqual({
    request: 12,
    atNs: 77,
    stage: "aggregated",
    worker: "worker-0",
    rank: 0,
    isl: 330,
    blocks: 5,
    overlapBlocks: 2,
    bestOverlapBlocks: 3, // worker-1 holds all 5 and is dead
    scores: [4.5, null, 2],
    overlaps: [2, null, 3],
    inFlight: [1, 0, 0],
    prefillTokens: [330 - 2 * BLOCK_SIZE, 0, 0],
    costUs,
  });
});

test("a policy without scores leaves them out, and a retry is counted", () => {
  const host = hostOf(() => 2);
  const request = requestOf(1, { blocks: [], isl: 1 });
  const candidate = host.route(request, 0, new Set([0, 1]));
  const decision = decisionOf(host.view, { request, candidate, retries: 2 });
  expect(decision.scores).toBeUndefined();
  expect(decision.overlaps).toEqual([null, null, 0]);
  expect(decision.retries).toBe(2);
  expect(decision.worker).toBe("worker-2");
});
