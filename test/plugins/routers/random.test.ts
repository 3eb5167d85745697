import { expect, test } from "bun:test";
import { v } from "dynbench";
import { random } from "../../../plugins/routers/random.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(random.options, {});

routingPolicyConformance("random", () => random.policy!(defaults));

test("every worker is equally likely, loaded or not", () => {
  const policy = random.policy!(defaults);
  const candidates = clusterOf(4);
  const host = new PolicyHost({
    policy,
    candidates,
    blockSize: BLOCK_SIZE,
    random: randomStream(5),
  });
  const counts = new Array<number>(4).fill(0);
  for (let id = 0; id < 4000; id += 1) {
    counts[host.route(requestOf(id, { blocks: blocksFrom(0, 1) }), 0)]! += 1;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(110); // 4 deviations
});
