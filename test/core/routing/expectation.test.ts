import { expect, test } from "bun:test";
import { expectationOf } from "../../../core/routing/expectation.ts";
import { randomStream } from "../../../core/base/random.ts";
import type { RoutingView } from "../../../core/contract/routing-policy.ts";

/** Four workers with 3, 9, 5 and 0 blocks of 16 tokens; the second cannot be picked. */
const view: RoutingView = {
  nowNs: 0,
  blockSize: 16,
  candidates: [],
  eligible: [0, 2, 3],
  requests: new Int32Array(4),
  prefillTokens: new Float64Array(4),
  overlapBlocks: Int32Array.of(3, 9, 5, 0),
  activeBlocks: new Int32Array(4),
  addedBlocks: new Int32Array(4),
  scores: new Float64Array(4),
  random: randomStream(0, "test"),
};

test("is the overlap of the chosen worker, and the largest of the eligible ones", () => {
  expect(expectationOf(view, { isl: 1000 }, 0)).toEqual({ tokens: 48, bestTokens: 80 });
  expect(expectationOf(view, { isl: 1000 }, 3)).toEqual({ tokens: 0, bestTokens: 80 });
});

test("leaves the prompt's last token to be computed", () => {
  // 80 tokens are five whole blocks, of which the last is computed again.
  expect(expectationOf(view, { isl: 80 }, 2)).toEqual({ tokens: 64, bestTokens: 64 });
  expect(expectationOf(view, { isl: 81 }, 2)).toEqual({ tokens: 80, bestTokens: 80 });
  expect(expectationOf(view, { isl: 0 }, 2)).toEqual({ tokens: 0, bestTokens: 0 });
});
