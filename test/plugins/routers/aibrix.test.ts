import { expect, test } from "bun:test";
import { v } from "dynbench";
import { aibrix } from "../../../plugins/routers/aibrix.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("aibrix", () => aibrix.policy!(v.parse(aibrix.options, {})));

function hostOf(
  options: v.InferInput<typeof aibrix.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = aibrix.policy!(v.parse(aibrix.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

/** Routes `count` prompts of their own to a worker. */
function load(host: PolicyHost, worker: number, count: number): void {
  const others = new Set(
    host.view.candidates.map(({ index }) => index).filter((i) => i !== worker),
  );
  for (let i = 0; i < count; i += 1) {
    const id = 1000 * (worker + 1) + i;
    host.route(requestOf(id, { blocks: [id] }), 0, others);
  }
}

test("matches decide until the loads differ by more than the limit", () => {
  const host = hostOf({ imbalanceAbs: 2, deviations: 100 });
  const picks = [1, 2, 3, 4, 5].map((id) =>
    host.route(requestOf(id, { blocks: blocksFrom(0, 10) }), id),
  );
  const [first] = picks as [number];
  // 3 against 0 is more than 2: the other. 3 against 1 is not, and both match: the fewest requests.
  expect(picks).toEqual([first, first, first, 1 - first, 1 - first]);
});

test("a match on a worker above mean and deviations does not count", () => {
  // Loads of 2, 0, 0: mean 2/3, σ = √(24/18) = 1.155.
  for (const [deviations, follows] of [
    [1.1, false],
    [1.2, true],
  ] as const) {
    const host = hostOf({ deviations }, clusterOf(3));
    load(host, 0, 2);
    const picked = host.route(requestOf(1, { blocks: [1000, 7] }), 0);
    expect(picked === 0).toBe(follows);
  }
});

test("under imbalance the best match among the least loaded counts", () => {
  const host = hostOf({ imbalanceAbs: 1 }, clusterOf(3));
  load(host, 0, 3);
  load(host, 1, 1);
  load(host, 2, 1);
  // Worker 2 holds a block of the prompt, worker 0 two.
  expect(host.route(requestOf(1, { blocks: [3000, 5] }), 0)).toBe(2);
});

test("matches of the same whole percent are equal, and the fewest requests decide", () => {
  for (const [blocksOn0, picked] of [
    [509, 1], // 50.9 % and 50 %
    [510, 0], // 51 % and 50 %
  ] as const) {
    const host = hostOf();
    host.route(requestOf(1, { blocks: blocksFrom(0, blocksOn0) }), 0, new Set([1]));
    host.route(requestOf(2, { blocks: blocksFrom(0, 500) }), 0, new Set([0]));
    host.route(requestOf(3, { blocks: [9999] }), 0, new Set([1]));
    expect(host.route(requestOf(4, { blocks: blocksFrom(0, 1000) }), 0)).toBe(picked);
  }
});

test("equal matches on equal loads are drawn", () => {
  const host = hostOf({}, clusterOf(3));
  for (const w of [0, 1, 2]) {
    const others = new Set([0, 1, 2].filter((i) => i !== w));
    host.route(requestOf(w, { blocks: [1] }), 0, others);
    host.ended(w, 0);
  }
  const counts = [0, 0, 0];
  for (let id = 10; id < 310; id += 1) {
    counts[host.route(requestOf(id, { blocks: [1] }), 0)]! += 1;
    host.ended(id, 0);
  }
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(30); // 3.7 deviations
});
