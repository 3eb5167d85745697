/**
 * Prefill and decode on different workers, on the virtual clock: a timeline computed from the parts,
 * and what happens when a worker dies in each stage.
 */
import { describe, expect, test } from "bun:test";
import type { RequestSpec } from "dynbench";
import type { RequestRecord } from "dynbench/report";
import { v } from "dynbench";
import { mocker } from "../../plugins/engines/mocker/mocker.ts";
import { resolveMocker } from "../../plugins/engines/mocker/mocker-options.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";

const oneAndOne = { prefillWorkers: 1, decodeWorkers: 1, blockSize: 64, timing: "l40s" };
const closed = { arrival: "closed", concurrency: 1 } as const;

function spec(index: number, tokens: number, osl: number, content = index): RequestSpec {
  return { index, prompt: [{ content, tokens }], isl: tokens, osl };
}

/** Durations of single steps by the model with these options. */
function timesOf(options: Record<string, unknown>) {
  const { timing, transfer } = resolveMocker(v.parse(mocker.options, options));
  const none = { prefills: 0, prefillTokens: 0, pastTokens: 0, pairs: 0, contextTokens: 0 };
  const decode = { firstNs: 0, growthNs: 0, growth2Ns: 0, steps: 0 };
  return {
    costNs: timing.requestCostMs * 1e6,
    prefillNs: (tokens: number, past = 0): number =>
      timing.mixedStepNs({
        ...none,
        prefills: 1,
        prefillTokens: tokens,
        pastTokens: past,
        pairs: (tokens * (2 * past + tokens + 1)) / 2,
        decoders: 0,
      }),
    decodeNs: (context: number): number => {
      timing.decodeSteps(1, context, decode);
      return decode.firstNs;
    },
    transferNs: (blocks: number): number => transfer.latencyNs + blocks * transfer.perBlockNs,
  };
}

function ttftNs(record: RequestRecord): number {
  return record.firstTokenNs! - record.intendedNs;
}

describe("one request after the other", () => {
  const options = { ...oneAndOne, kvTransferGbPerS: 10, kvTransferLatencyMs: 2 };
  const times = timesOf(options);

  test("the first token comes after prefill, transfer and one decode step", async () => {
    const requests = [spec(0, 1_000, 3)];
    const { records } = await simulate({ requests, mocker: options, policy: "kv", load: closed });
    expect(records[0]).toMatchObject({
      state: "ok",
      worker: "decode-0",
      prefillWorker: "prefill-0",
      osl: 3,
      cachedTokens: 0,
    });
    // 16 blocks of 64 · 131,072 bytes at 10 GB/s, after 2 ms: 15.4 ms.
    expect(times.transferNs(16)).toBeCloseTo(2e6 + (16 * 64 * 131_072) / 10, 6);
    const { costNs, prefillNs, transferNs, decodeNs } = times;
    const wantedNs = 2 * costNs + prefillNs(1_000) + transferNs(16) + decodeNs(1_000);
    expect(Math.abs(ttftNs(records[0]!) - wantedNs)).toBeLessThan(4); // one rounding each
  });

  test("blocks that a worker has of the prompt are not computed or sent again", async () => {
    const requests = [spec(0, 1_000, 3, 7), spec(1, 1_000, 3, 7)];
    const { records } = await simulate({ requests, mocker: options, policy: "kv", load: closed });
    // 15 whole blocks are found by both; the last 40 tokens are computed, and their block sent.
    const { costNs, prefillNs, transferNs, decodeNs } = times;
    expect(records[1]!.cachedTokens).toBe(960);
    const wantedNs = 2 * costNs + prefillNs(40, 960) + transferNs(1) + decodeNs(1_000);
    expect(Math.abs(ttftNs(records[1]!) - wantedNs)).toBeLessThan(4);
  });
});

describe("a worker dies", () => {
  const options = { ...oneAndOne, prefillWorkers: 2, decodeWorkers: 2 };
  const { costNs, prefillNs } = timesOf(options);
  const prefillS = (costNs + prefillNs(8_000)) / 1e9;
  const run = (downs: { worker: number; fromS: number }[], policy: SimulateOptions["policy"]) =>
    simulate({
      requests: [spec(0, 8_000, 50)],
      mocker: options,
      policy,
      load: closed,
      settings: { downs },
    });

  test("in the middle of a prefill: another one computes the prompt", async () => {
    const downs = [{ worker: 0, fromS: prefillS / 2 }];
    const { records, simulation } = await run(downs, "round-robin");
    expect(records[0]).toMatchObject({ state: "ok", prefillWorker: "prefill-1", osl: 50 });
    expect(simulation.counts).toMatchObject({ retries: 1, decisions: 3 });
  });

  test("before the first token of a decode: prefilled again, from the cache, and decoded elsewhere", async () => {
    const { records, simulation } = await simulate({
      requests: [spec(0, 8_000, 50)],
      mocker: { ...options, prefillWorkers: 1 },
      policy: "round-robin",
      load: closed,
      settings: { downs: [{ worker: 1, fromS: prefillS + 1e-3 }] },
    });
    // 8,000 tokens are 125 blocks, and the last token is always computed: 124 are found.
    expect(records[0]).toMatchObject({ state: "ok", worker: "decode-1", cachedTokens: 124 * 64 });
    expect(simulation.counts).toMatchObject({ retries: 1, decisions: 4 });
  });

  test("the same with each worker in turn", async () => {
    const downs = [{ worker: 2, fromS: prefillS + 1e-3 }];
    const { records, simulation } = await run(downs, "round-robin");
    expect(records[0]).toMatchObject({
      state: "ok",
      worker: "decode-1",
      prefillWorker: "prefill-1",
    });
    expect(simulation.counts).toMatchObject({ retries: 1, decisions: 4 });
  });

  test("after the first token: the answer breaks off", async () => {
    const downs = [{ worker: 2, fromS: 2 * prefillS }];
    const { records } = await run(downs, "round-robin");
    expect(records[0]).toMatchObject({ state: "failed", worker: "decode-0" });
    expect(records[0]!.error!.message).toBe("The answer broke off: decode-0: the worker died");
  });

  test("and no other can decode: the request fails, and nothing is kept", async () => {
    const downs = [2, 3].map((worker) => ({ worker, fromS: prefillS / 2 }));
    const { records, simulation } = await run(downs, "round-robin");
    expect(records[0]).toMatchObject({ state: "failed", status: 503 });
    expect(simulation.cluster.model(0)!.counts.activeBlocks).toBe(0);
  });
});
