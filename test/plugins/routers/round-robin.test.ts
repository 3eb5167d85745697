import { expect, test } from "bun:test";
import { v } from "dynbench";
import { roundRobin } from "../../../plugins/routers/round-robin.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import type { Candidate } from "../../../core/contract/routing-policy.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(roundRobin.options, {});

routingPolicyConformance("round-robin", () => roundRobin.policy!(defaults));

function hostOf(candidates: Candidate[]): PolicyHost {
  const policy = roundRobin.policy!(defaults);
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(0) });
}

test("each worker in turn, skipping those that are down", () => {
  const host = hostOf(clusterOf(4));
  const route = (id: number): number => host.route(requestOf(id, { blocks: [], isl: 1 }), 0);
  expect([1, 2, 3].map(route)).toEqual([0, 1, 2]);
  host.setAlive(3, false, 0);
  expect([4, 5].map(route)).toEqual([0, 1]);
  host.setAlive(3, true, 0);
  expect([6, 7, 8].map(route)).toEqual([2, 3, 0]);
});

test("prefill and decode workers have separate turns", () => {
  const host = hostOf([...clusterOf(2, "prefill"), ...clusterOf(2, "decode", 2)]);
  const picks = [1, 2, 3].flatMap((id) =>
    (["prefill", "decode"] as const).map((stage) =>
      host.route(requestOf(id, { blocks: [], isl: 1, stage }), 0),
    ),
  );
  expect(picks).toEqual([0, 2, 1, 3, 0, 2]);
});
