import { expect, test } from "bun:test";
import { v } from "dynbench";
import { sticky } from "../../../plugins/routers/sticky.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("sticky", () => sticky.policy!(v.parse(sticky.options, {})));

function hostOf(
  options: v.InferInput<typeof sticky.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = sticky.policy!(v.parse(sticky.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

const keyed = (id: number, key: string) => ({ ...requestOf(id, { blocks: [id] }), key });

test("a session stays where its first request went, a new one goes to the fewest requests", () => {
  const host = hostOf({}, clusterOf(3));
  const a = host.route(keyed(1, "a"), 0);
  for (let id = 2; id < 8; id += 1) expect(host.route(keyed(id, "a"), id)).toBe(a);
  const b = host.route(keyed(10, "b"), 10);
  const c = host.route(keyed(11, "c"), 11);
  expect(new Set([a, b, c]).size).toBe(3);
  expect(host.route(keyed(12, "b"), 12)).toBe(b);
  // Without a key: 7 in flight on a's, 2 on b's, 1 on c's.
  expect(host.route(requestOf(13, { blocks: [] }), 13)).toBe(c);
});

test("a session is forgotten after its idle time, which each request renews", () => {
  const host = hostOf({ idleS: 10 });
  const a = host.route(keyed(1, "a"), 0);
  expect(host.route(keyed(2, "a"), 10e9)).toBe(a);
  expect(host.route(keyed(3, "a"), 20e9)).toBe(a);
  // Three in flight on its worker, none on the other.
  expect(host.route(keyed(4, "a"), 30.1e9)).toBe(1 - a);
});

test("a session moves when its worker dies, and stays there", () => {
  const host = hostOf();
  const a = host.route(keyed(1, "a"), 0);
  host.setAlive(a, false, 1);
  expect(host.route(keyed(2, "a"), 2)).toBe(1 - a);
  host.setAlive(a, true, 3);
  expect(host.route(keyed(3, "a"), 4)).toBe(1 - a);
});

test("prefill and decode workers are pinned apart", () => {
  const host = hostOf({}, [...clusterOf(2, "prefill"), ...clusterOf(2, "decode", 2)]);
  const pick = (id: number, stage: "prefill" | "decode"): number =>
    host.route({ ...keyed(id, "a"), stage }, id);
  const [prefill, decode] = [pick(1, "prefill"), pick(1, "decode")];
  for (let id = 2; id < 6; id += 1) {
    expect([pick(id, "prefill"), pick(id, "decode")]).toEqual([prefill, decode]);
  }
});

test("a reset forgets where sessions were", () => {
  const host = hostOf();
  const a = host.route(keyed(1, "a"), 0);
  host.reset();
  host.route(requestOf(2, { blocks: [] }), 1, new Set([1 - a])); // one in flight where it was
  expect(host.route(keyed(3, "a"), 2)).toBe(1 - a);
});
