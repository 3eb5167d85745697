import { expect, test } from "bun:test";
import { v } from "dynbench";
import { productionStack } from "../../../plugins/routers/production-stack.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("production-stack", () =>
  productionStack.policy!(v.parse(productionStack.options, {})),
);

function hostOf(
  options: v.InferInput<typeof productionStack.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = productionStack.policy!(v.parse(productionStack.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

test("a match decides where it leaves at most the threshold", () => {
  const host = hostOf({ thresholdTokens: 100 });
  host.stored(1, blocksFrom(0, 10), 0); // 640 tokens
  expect(host.route(requestOf(1, { blocks: blocksFrom(0, 10), isl: 740 }), 0)).toBe(1);
  expect(host.route(requestOf(2, { blocks: blocksFrom(0, 10), isl: 740 }), 0)).toBe(1);
  // One token more, and the rate decides: none was sent to the first worker.
  expect(host.route(requestOf(3, { blocks: blocksFrom(0, 10), isl: 741 }), 0)).toBe(0);
  // A prompt within the threshold needs a match too: both have had fewer than worker 1.
  expect(host.route(requestOf(4, { blocks: [50], isl: 64 }), 0)).toBe(0);
});

test("else the worker that was sent the fewest in the window is picked, the first of equals", () => {
  const host = hostOf({ windowS: 60 });
  const send = (id: number, atS: number, others?: ReadonlySet<number>): number => {
    const picked = host.route(requestOf(id, { blocks: [100 + id] }), atS * 1e9, others);
    host.ended(id, atS * 1e9); // what has ended was sent all the same
    return picked;
  };
  expect([1, 2, 3].map((id) => send(id, 0))).toEqual([0, 1, 0]);
  for (const id of [4, 5, 6]) send(id, 0, new Set([0]));
  expect(send(7, 50)).toBe(0); // 2 against 4
  expect(send(8, 60)).toBe(0); // 3 against 4
  expect(send(9, 61)).toBe(1); // 2 of later against none
});

test("affinity is claimed where a block's rest is within the threshold", () => {
  const traits = (options: object) =>
    productionStack.traits(v.parse(productionStack.options, options));
  expect(traits({})).toMatchObject({ affinity: true, kvEvents: true });
  expect(traits({ thresholdTokens: 64 })).toMatchObject({ affinity: false });
});
