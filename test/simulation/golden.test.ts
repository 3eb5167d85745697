/**
 * The same seed gives the same bytes of `records.jsonl`, on every machine and in every release until
 * somebody means to change what is simulated. A digest that differs on another platform is a fault of
 * ours; one that differs after a change of a model, a policy or a draw is renewed with it.
 */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { recordLine } from "../../core/record.ts";
import { randomCluster, randomSplitCluster } from "./random-cluster.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";
import { sweepRequests } from "./sweep-requests.ts";

async function digestOf(options: SimulateOptions): Promise<string> {
  const { records } = await simulate(options);
  return createHash("sha256").update(records.map(recordLine).join("")).digest("hex").slice(0, 16);
}

const load = { arrival: "closed", concurrency: 20 } as const;

test.each([
  ["l40s", "kv", "52967bade7467298"],
  ["h100", "kv-approx", "07da8217bdb09e25"],
  ["dynamo", "round-robin", "58543eeb87888030"],
  ["b200", "prefix-hash", "b6e81459b6a75d84"],
])("%s behind %s", async (timing, policy, digest) => {
  const requests = sweepRequests(0.5, 0);
  expect(await digestOf({ requests, mocker: { timing }, policy, load })).toBe(digest);
});

test.each([
  [3, "6776638711447a15"],
  [8, "87d2366e891451bb"],
  [21, "75ea3e275c048ba7"],
])("random cluster %d, with its delays, deaths and conversations", async (seed, digest) => {
  expect(await digestOf(randomCluster(seed))).toBe(digest);
});

test.each([
  [3, "1210320a71e40a5f"],
  [8, "4bc6ab5e82530568"],
  [21, "57a3c762274f9ca8"],
])("the same with prefill and decode on different workers", async (seed, digest) => {
  expect(await digestOf(randomSplitCluster(seed))).toBe(digest);
});
