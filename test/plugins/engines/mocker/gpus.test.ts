/** The GPU presets against the published tables they were fitted from. */
import { describe, expect, test } from "bun:test";
import { kvBlocksOf, TIMING_PRESETS } from "../../../../plugins/engines/mocker/gpus.ts";
import type { StepTiming } from "../../../../plugins/engines/mocker/timing.ts";

const CHUNK = 8_192;
const limits = { kvBlocks: 7_123, blockSize: 64 };

/** Prefill of 14,000 tokens of which `share` is cached, whole blocks of 64, in chunks of 8,192; ms. */
function prefillMs(timing: StepTiming, share: number): number {
  let past = Math.floor((14_000 * share) / 64) * 64;
  let ns = 0;
  while (past < 14_000) {
    const tokens = Math.min(CHUNK, 14_000 - past);
    ns += timing.mixedStepNs({
      prefills: 1,
      prefillTokens: tokens,
      pastTokens: past,
      pairs: (tokens * (2 * past + tokens + 1)) / 2,
      decoders: 0,
      contextTokens: 0,
    });
    past += tokens;
  }
  return ns / 1e6;
}

function decodeMs(timing: StepTiming, batch: number): number {
  const out = { firstNs: 0, growthNs: 0, growth2Ns: 0, steps: 0 };
  timing.decodeSteps(batch, batch * 14_100, out);
  return out.firstNs / 1e6;
}

const tables = [
  ["l40s", [1402, 1309, 1087, 823, 522, 193], [25.5, 34.3, 46.0, 69.5]],
  ["a100", [1107, 1024, 834, 622, 389, 141], [12.9, 16.4, 21.2, 30.7]],
  ["h100", [381, 354, 292, 219, 138, 51], [7.1, 9.0, 11.5, 16.6]],
  ["h200", [376, 349, 287, 216, 136, 50], [5.6, 6.9, 8.7, 12.4]],
  ["b200", [188, 174, 143, 106, 67, 25], [3.9, 4.7, 5.7, 7.8]],
] as const;

describe.each(tables)("%s", (name, prefill, decode) => {
  const timing = TIMING_PRESETS[name].timing(limits);

  test("prefill of 14,000 tokens at cached shares 0 .1 .3 .5 .7 .9, to 1 %", () => {
    [0, 0.1, 0.3, 0.5, 0.7, 0.9].forEach((share, i) => {
      expect(Math.abs(prefillMs(timing, share) / prefill[i]! - 1)).toBeLessThan(0.01);
    });
  });

  test("decode step at 14.1k context, batch 1 4 8 16, to the printed digit", () => {
    [1, 4, 8, 16].forEach((batch, i) => {
      expect(Math.abs(decodeMs(timing, batch) - decode[i]!)).toBeLessThanOrEqual(0.0501);
    });
  });

  test("a step of decoders takes the same time as a span and as a mixed step without prompts", () => {
    const out = { firstNs: 0, growthNs: 0, growth2Ns: 0, steps: 0 };
    timing.decodeSteps(5, 1_000, out);
    const sums = { prefills: 0, prefillTokens: 0, pastTokens: 0, pairs: 0 };
    const mixed = timing.mixedStepNs({ ...sums, decoders: 5, contextTokens: 1_000 });
    expect(out.firstNs).toBeCloseTo(mixed, 3);
    const later = timing.mixedStepNs({ ...sums, decoders: 5, contextTokens: 1_000 + 7 * 5 });
    expect(out.firstNs + 7 * out.growthNs).toBeCloseTo(later, 3);
  });
});

test("KV capacities in blocks of 64, and whole blocks at other sizes", () => {
  const blocks = Object.values(TIMING_PRESETS).map((preset) => kvBlocksOf(preset, 64));
  expect(blocks).toEqual([3_089, 7_123, 7_123, 13_034, 17_218, 16_384]);
  expect(kvBlocksOf(TIMING_PRESETS.l40s, 16)).toBe(12_356);
  expect(kvBlocksOf(TIMING_PRESETS.l40s, 1_000)).toBe(197);
});

test("capacities follow 0.9 · memory − weights − 1.5 GB, 8,388,608 bytes a block", () => {
  const memory = { l40s: 46_068 * 2 ** 20, h100: 80 * 2 ** 30, h200: 141e9, b200: 180e9 };
  for (const [name, bytes] of Object.entries(memory)) {
    const derived = Math.floor((0.9 * bytes - 16.06e9 - 1.5e9) / 8_388_608);
    const preset = TIMING_PRESETS[name as keyof typeof memory];
    expect(Math.abs(derived - kvBlocksOf(preset, 64))).toBeLessThanOrEqual(1);
  }
});

test("a fixed request cost of 12 ms on GPUs, none with Dynamo's timing, and either can be set", () => {
  expect(TIMING_PRESETS.l40s.timing(limits).requestCostMs).toBe(12);
  expect(TIMING_PRESETS.dynamo.timing(limits).requestCostMs).toBe(0);
  expect(TIMING_PRESETS.l40s.timing(limits, { requestCostMs: 5 }).requestCostMs).toBe(5);
  expect(TIMING_PRESETS.dynamo.timing(limits, { requestCostMs: 5 }).requestCostMs).toBe(5);
});
