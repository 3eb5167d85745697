/** Requests that policies hold, with delayed events of workers and caches. */
import { describe, expect, test } from "bun:test";
import { HOLD, type RequestSpec, type RoutingPolicy } from "dynbench";
import { simulate } from "./simulate.ts";

const SHARED_TOKENS = 640;

/** Prompts with a common prefix. */
function alike(atMs: readonly (number | undefined)[], osl: number): RequestSpec[] {
  return atMs.map((at, index) => ({
    index,
    prompt: [
      { content: 1, tokens: SHARED_TOKENS },
      { content: 10 + index, tokens: 64 },
    ],
    isl: SHARED_TOKENS + 64,
    osl,
    ...(at === undefined ? {} : { atNs: at * 1e6 }),
  }));
}

/** Sends the first anywhere, and each other one to where its prompt is cached: until then it waits. */
const waitsForTheCache = (): RoutingPolicy => ({
  reads: ["overlap"],
  index: { source: "events" },
  pick: ({ id }, { eligible, overlapBlocks }) =>
    id === 0 ? eligible[0]! : (eligible.find((worker) => overlapBlocks[worker]! > 0) ?? HOLD),
});

describe("a held request", () => {
  test.each([0, 10, 1000, 6000])(
    "is released when cache events arrive %d ms late",
    async (late) => {
      const { records, simulation } = await simulate({
        requests: alike([undefined, undefined], 200),
        mocker: { workers: 2 },
        policy: waitsForTheCache,
        load: { concurrency: 2, requests: 2 },
        settings: { eventDelayMs: late },
      });
      expect(simulation.counts).toMatchObject({ held: 1, policyFaults: 0 });
      const second = records.find(({ index }) => index === 1)!;
      const waitedMs = second.firstTokenNs! / 1e6;
      // The first prompt's prefill, the delay, and the second's own 64 tokens.
      expect(waitedMs).toBeGreaterThan(late);
      expect(waitedMs).toBeLessThan(late + 250);
    },
  );

  test("that timed out is dropped at once, however late workers report ends", async () => {
    const { records, simulation } = await simulate({
      requests: alike([0, 1, 40], 2),
      mocker: { workers: 2 },
      policy: waitsForTheCache,
      load: { arrival: "trace", requests: 3, timeoutS: 0.05 },
      settings: { loadDelayMs: 1000 },
    });
    expect(simulation.counts).toMatchObject({ inFlight: 0, policyFaults: 0 });
    expect(records.map(({ error }) => error?.kind)).toContain("timeout");
    expect(simulation.replicas.heldRequests).toBe(0);
  });
});

test("a workload that fails while drawing fails the run, whichever part requested it", async () => {
  async function* broken(): AsyncGenerator<RequestSpec> {
    for (const spec of alike(Array(1500).fill(undefined), 2)) yield spec;
    throw new Error("the trace is broken at row 1500");
  }
  const run = simulate({
    requests: broken(),
    policy: "round-robin",
    load: { concurrency: 4, requests: 3000 },
  });
  await expect(run).rejects.toThrow("the trace is broken at row 1500");
});
