import { expect, test } from "bun:test";
import { v } from "dynbench";
import { kvApprox } from "../../../plugins/routers/kv-approx.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(kvApprox.options, {});

routingPolicyConformance("kv-approx", () => kvApprox.policy!(defaults));

test("follows its own predictions until they expire", () => {
  const policy = kvApprox.policy!(v.parse(kvApprox.options, { ttlS: 2 }));
  const host = new PolicyHost({
    policy,
    candidates: clusterOf(4),
    blockSize: BLOCK_SIZE,
    random: randomStream(1),
  });
  const prompt = { blocks: blocksFrom(0, 16), isl: 1024 };
  const first = host.route(requestOf(1, prompt), 0);
  host.ended(1, 1e9);
  expect(host.route(requestOf(2, prompt), 1.9e9)).toBe(first);
  expect(host.view.scores[first]).toBe(16); // 0 to prefill, 16 to hold
  host.ended(2, 2e9);
  host.route(requestOf(3, prompt), 3.9e9); // 2 s after the second, which had renewed it
  expect([...host.view.scores]).toEqual([32, 32, 32, 32]);
});

test("needs no events", () => {
  expect(kvApprox.traits(defaults)).toMatchObject({ affinity: true, kvEvents: false });
});

test("a decode pick predicts nothing: no prefill there can be reused", () => {
  const policy = kvApprox.policy!(defaults);
  const candidates = [...clusterOf(1, "prefill"), ...clusterOf(1, "decode", 1)];
  const host = new PolicyHost({
    policy,
    candidates,
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
  });
  for (const id of [1, 2]) {
    host.route(requestOf(id, { blocks: blocksFrom(0, 4), stage: "prefill" }), id);
    host.route(requestOf(id, { blocks: blocksFrom(0, 4), stage: "decode" }), id);
  }
  expect([...host.view.overlapBlocks]).toEqual([4, 0]);
});
