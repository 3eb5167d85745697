import { expect, test } from "bun:test";
import { v } from "dynbench";
import { conductor } from "../../../plugins/routers/conductor.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

routingPolicyConformance("conductor", () => conductor.policy!(v.parse(conductor.options, {})));

function hostOf(
  options: v.InferInput<typeof conductor.options> = {},
  candidates = clusterOf(2),
): PolicyHost {
  const policy = conductor.policy!(v.parse(conductor.options, options));
  return new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random: randomStream(3) });
}

const scores = (host: PolicyHost): number[] => [...host.view.scores];

test("the prefill that waits and the prefill of the prompt decide", () => {
  const host = hostOf({ attentionTokens: 1024 });
  host.stored(0, blocksFrom(0, 8), 0);
  const prompt = { blocks: blocksFrom(0, 16) }; // 1024 tokens, 512 of them cached on 0
  // 512 + (1024² − 512²)/1024 = 1280, and 1024 + 1024²/1024 = 2048.
  expect(host.route(requestOf(1, prompt), 0)).toBe(0);
  expect(scores(host)).toEqual([1280, 2048]);
  expect(host.route(requestOf(2, prompt), 1)).toBe(1);
  expect(scores(host)).toEqual([1280 + 1280, 2048]);
  // 640 + 640²/1024 = 1040.
  const fresh = { blocks: blocksFrom(100, 10) };
  expect(host.route(requestOf(3, fresh), 2)).toBe(0);
  expect(scores(host)).toEqual([1280 + 1040, 2048 + 1040]);
  // A first token ends the waiting, and so does an end without one; either counts once.
  host.firstToken(1, 3);
  expect(host.route(requestOf(4, fresh), 4)).toBe(0);
  expect(scores(host)).toEqual([1040 + 1040, 2048 + 1040]);
  host.ended(1, 5);
  host.ended(3, 5);
  host.route(requestOf(5, fresh), 6);
  expect(scores(host)).toEqual([1040 + 1040, 2048 + 1040]);
});

test("a prompt that is cached whole has its last token to compute", () => {
  const host = hostOf({ attentionTokens: 1 });
  host.stored(0, blocksFrom(0, 1), 0);
  host.route(requestOf(1, { blocks: [0] }), 0);
  // 1 + 64² − 63² = 128, and 64 + 64² = 4160.
  expect(scores(host)).toEqual([128, 4160]);
});

test("the default is the paper's: b · d / a of LLaMA3-70B", () => {
  expect(v.parse(conductor.options, {}).attentionTokens).toBe((22 * 8192) / 4);
});

test("a decode worker is picked by its requests, and nothing waits there", () => {
  const host = hostOf({}, clusterOf(2, "decode"));
  const decode = { blocks: blocksFrom(0, 10), stage: "decode" as const };
  host.route(requestOf(1, decode), 0, new Set([0]));
  expect(host.route(requestOf(2, decode), 0)).toBe(0);
});
