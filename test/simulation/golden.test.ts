/**
 * The same seed gives the same bytes of `records.jsonl`, on every machine and in every release, unless
 * a change of the simulation is intended. A digest that differs on another platform is a bug; one that
 * differs after an intended change of a model, a policy or a draw is renewed with that change.
 */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { recordLine } from "../../core/contract/record.ts";
import { randomCluster, randomSplitCluster } from "./random-cluster.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";
import { sweepRequests } from "./sweep-requests.ts";

async function digestOf(options: SimulateOptions): Promise<string> {
  const { records } = await simulate(options);
  return createHash("sha256").update(records.map(recordLine).join("")).digest("hex").slice(0, 16);
}

const load = { arrival: "closed", concurrency: 20 } as const;

test.each([
  ["l40s", "kv", "3d2969bd05221a4e"],
  ["h100", "kv-approx", "132105c86bb152cd"],
  ["dynamo", "round-robin", "58543eeb87888030"],
  ["b200", "prefix-hash", "b6e81459b6a75d84"],
  ["l40s", "lmetric", "0acd9ca9435a0947"],
  ["l40s", "conductor", "f5c7ddadc6f4d78e"],
  ["l40s", "llm-d", "4268d5d81e68a0f1"],
  ["l40s", "aibrix", "cbaa9f57b030bed7"],
  ["l40s", "preble", "1616a2b19f785304"],
  ["l40s", "production-stack", "26cb0ac172c360a8"],
  ["l40s", "sticky", "13890fcbcf41a14c"],
])("%s behind %s", async (timing, policy, digest) => {
  const requests = sweepRequests(0.5, 0);
  expect(await digestOf({ requests, mocker: { timing }, policy, load })).toBe(digest);
});

test.each([
  [3, "d0d3ce333698daa9"],
  [8, "a2c05d478d1c25c2"],
  [21, "75ea3e275c048ba7"],
])("random cluster %d, with its delays, deaths and conversations", async (seed, digest) => {
  expect(await digestOf(randomCluster(seed))).toBe(digest);
});

test.each([
  [3, "49365caefb4cfe93"],
  [8, "ed14aac6f48b46e8"],
  [21, "57a3c762274f9ca8"],
])("the same with prefill and decode on different workers", async (seed, digest) => {
  expect(await digestOf(randomSplitCluster(seed))).toBe(digest);
});
