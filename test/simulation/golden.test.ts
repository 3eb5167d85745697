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
])("%s behind %s", async (timing, policy, digest) => {
  const requests = sweepRequests(0.5, 0);
  expect(await digestOf({ requests, mocker: { timing }, policy, load })).toBe(digest);
});

test.each([
  [3, "6776638711447a15"],
  [8, "d78529e6102e85dd"],
  [21, "75ea3e275c048ba7"],
])("random cluster %d, with its delays, deaths and conversations", async (seed, digest) => {
  expect(await digestOf(randomCluster(seed))).toBe(digest);
});

test.each([
  [3, "1210320a71e40a5f"],
  [8, "c1c54c50257c2ca5"],
  [21, "57a3c762274f9ca8"],
])("the same with prefill and decode on different workers", async (seed, digest) => {
  expect(await digestOf(randomSplitCluster(seed))).toBe(digest);
});
