import { expect, test } from "bun:test";
import { v } from "dynbench";
import { leastLoaded } from "../../../plugins/routers/least-loaded.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(leastLoaded.options, {});

routingPolicyConformance("least-loaded", () => leastLoaded.policy!(defaults));

test("the worker with the fewest requests in flight is picked, equal ones equally often", () => {
  const policy = leastLoaded.policy!(defaults);
  const random = randomStream(5);
  const host = new PolicyHost({ policy, candidates: clusterOf(3), blockSize: BLOCK_SIZE, random });
  const first = new Array<number>(3).fill(0);
  for (let round = 0; round < 300; round += 1) {
    const picks = [0, 1, 2].map((id) => host.route(requestOf(id, { blocks: blocksFrom(0, 1) }), 0));
    expect(picks.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    first[picks[0]!]! += 1;
    for (const id of [0, 1, 2]) host.ended(id, 0);
  }
  for (const count of first) expect(Math.abs(count - 100)).toBeLessThan(30); // 3.7 deviations
});
