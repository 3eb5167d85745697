import { expect, test } from "bun:test";
import { v } from "dynbench";
import { powerOfTwo } from "../../../plugins/routers/power-of-two.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(powerOfTwo.options, {});

routingPolicyConformance("power-of-two", () => powerOfTwo.policy!(defaults));

test("of two different workers the less loaded is picked, so the most loaded never is", () => {
  const policy = powerOfTwo.policy!(defaults);
  const random = randomStream(5);
  const host = new PolicyHost({ policy, candidates: clusterOf(3), blockSize: BLOCK_SIZE, random });
  const others = new Set([0, 2]);
  for (let id = 0; id < 5; id += 1) host.route(requestOf(id, { blocks: [], isl: 1 }), 0, others);
  const picks = new Set<number>();
  for (let id = 10; id < 60; id += 1) {
    picks.add(host.route(requestOf(id, { blocks: blocksFrom(0, 1) }), 0));
    host.ended(id, 0);
  }
  expect(picks).toEqual(new Set([0, 2]));
});
