/** Each check with a cell that has one fault, at the limit and just beyond it. */
import { describe, expect, test } from "bun:test";
import type { LoadShape } from "../../../../core/contract/plan.ts";
import type { RouterCost } from "../../../../core/contract/result.ts";
import { summarizeCell, type CellInput } from "../../../../core/metrics/summary/summary.ts";
import { judgeRun } from "../../../../core/metrics/verdict/trust.ts";
import type { RequestError, RequestRecord } from "../../../../core/contract/record.ts";
import { exampleCell, exampleInput, MS, steadyRecords, wholeWorkers } from "../example-cells.ts";

const N = 200;
const steady = steadyRecords(N);
const verdictOf = (records: readonly RequestRecord[], details: Partial<CellInput> = {}) =>
  summarizeCell(exampleInput(records, details)).summary.verdict;
/** `id severity` of each finding. */
const findings = (records: readonly RequestRecord[], details: Partial<CellInput> = {}) =>
  verdictOf(records, details).reasons.map(({ id, severity }) => `${id} ${severity}`);
const changed = (count: number, change: (record: RequestRecord) => Partial<RequestRecord>) =>
  steady.map((record, i) => (i < count ? { ...record, ...change(record) } : record));
const openLoop = (details: Partial<LoadShape> = {}) =>
  exampleCell({ load: { arrival: "poisson", rateRps: 100, warmup: 0, timeoutS: 60, ...details } });
const costUs = (us: number, eventsApplied = 10): RouterCost => ({
  hashUs: { p50: us, p99: us },
  lookupUs: { p50: 0, p99: 0 },
  scoreUs: { p50: 0, p99: 0 },
  decisions: N,
  eventsApplied,
});

test("a cell with nothing wrong is trusted, without reasons", () => {
  expect(verdictOf(steady)).toEqual({ state: "trusted", reasons: [] });
});

describe("requests", () => {
  const failed = (record: RequestRecord): Partial<RequestRecord> => {
    return { state: "failed", error: { kind: "status", message: `busy ${record.isl}` } };
  };

  test("that fail are a note up to 1 %, and then make the cell untrusted", () => {
    expect(findings(changed(2, failed))).toEqual(["errors note"]);
    expect(findings(changed(3, failed))).toEqual(["errors untrusted"]);
    expect(verdictOf(changed(3, failed)).reasons[0]!.message).toBe(
      "3 of 200 requests failed, most with: busy 100",
    );
  });

  test("that fail suggest a lower load only where they look like overload", () => {
    const hintOf = (kind: RequestError["kind"], status?: number) =>
      verdictOf(
        changed(3, () => ({
          state: "failed",
          error: { kind, message: "no" },
          ...(status === undefined ? {} : { status }),
        })),
      ).reasons[0]!.hint;
    const read = "Read the errors of the cell and the engine's and router's logs";
    const less = `${read}; a lower load may be enough`;
    expect([hintOf("status", 503), hintOf("status", 429)]).toEqual([less, less]);
    expect([hintOf("timeout"), hintOf("connect")]).toEqual([less, less]);
    expect([hintOf("status", 500), hintOf("error-frame", 200)]).toEqual([read, read]);
    expect(hintOf("disconnected", 200)).toBe(read);
  });

  test("that all fail make the cell failed", () => {
    expect(verdictOf(changed(N, failed)).state).toBe("failed");
  });

  test("with fewer tokens than requested are a note up to 1 %", () => {
    const short = () => ({ oslRequested: 11 });
    expect(findings(changed(1, short))).toEqual(["short-output note"]);
    expect(findings(changed(3, short))).toEqual(["short-output untrusted"]);
  });

  test("whose answers arrive all at once are untrusted above a tenth of them", () => {
    const burst = (record: RequestRecord) => ({ lastTokenNs: record.firstTokenNs! + 9 * 0.1 * MS });
    expect(findings(changed(20, burst))).toEqual([]);
    expect(findings(changed(21, burst))).toEqual(["burst-answers untrusted"]);
    // The same pace at speed 10 is 1 ms a token of the modelled hardware.
    expect(findings(changed(N, burst), { timeScale: 10 })).toEqual([]);
    expect(findings(changed(N, burst), { clock: "virtual" })).toEqual([]);
    // Too short to have a pace.
    const brief = (record: RequestRecord) => ({ ...burst(record), osl: 8, oslRequested: 8 });
    expect(findings(changed(N, brief))).toEqual([]);
  });

  test("whose prompts the server counts differently: a note up to 1 % of tokens", () => {
    expect(findings(changed(N, () => ({ promptTokens: 101 })))).toEqual(["prompt-tokens-off note"]);
    expect(findings(changed(N, () => ({ promptTokens: 102 })))).toEqual([
      "prompt-tokens-off untrusted",
    ]);
  });

  test("whose cached tokens are not reported are a note", () => {
    const silent = ({ cachedTokens: _, ...record }: RequestRecord): RequestRecord => record;
    expect(findings(steady.map(silent))).toEqual(["cached-tokens-unknown note"]);
    const half = verdictOf(steady.map((record, i) => (i % 2 === 0 ? silent(record) : record)));
    expect(half.reasons[0]!.message).toContain("100 of 200 answers did not report");
    expect(half.reasons[0]!.hint).toStartWith("Let the server report them");
  });

  test("whose cached tokens are lost between prefill and decode are not blamed on a flag", () => {
    const workers = [
      { id: "prefill-0", role: "prefill" },
      { id: "decode-0", role: "decode" },
    ] as const;
    const silent = steady.map(({ cachedTokens: _, ...record }) => record);
    const { reasons } = verdictOf(silent, { workers });
    const { hint } = reasons.find(({ id }) => id === "cached-tokens-unknown")!;
    expect(hint).toStartWith("Leave hit shares aside");
  });

  test("whose chunks carry several tokens are a note", () => {
    expect(findings(changed(N, () => ({ osl: 11, oslRequested: 11 })))).toEqual([
      "tokens-per-chunk note",
    ]);
  });

  test("too few for p99 are a note below 100", () => {
    expect(findings(steadyRecords(100))).toEqual([]);
    expect(findings(steadyRecords(99))).toEqual(["few-requests note"]);
  });
});

describe("the set-up", () => {
  const oneWorker = changed(N, () => ({ worker: "worker-0" }));

  test("with an idle worker is untrusted where the router spreads, else a note", () => {
    expect(findings(oneWorker)).toEqual(["idle-worker untrusted"]);
    const traits = { spreads: false, kvEvents: false };
    expect(findings(oneWorker, { evidence: { traits } })).toEqual(["idle-worker note"]);
    const many = Array.from({ length: N + 1 }, (_, i) => `worker-${i}`);
    expect(findings(oneWorker, { workers: wholeWorkers(...many) })).toEqual(["idle-worker note"]);
  });

  test("with split workers is untrusted when answers name only one kind", () => {
    const workers = [
      { id: "prefill-0", role: "prefill" },
      { id: "decode-0", role: "decode" },
    ] as const;
    const both = changed(N, () => ({ worker: "decode-0", prefillWorker: "prefill-0" }));
    expect(findings(both, { workers })).toEqual([]);
    const skipped = changed(N, () => ({ worker: "decode-0" }));
    expect(findings(skipped, { workers })).toContain("role-unseen untrusted");
  });

  test("whose answers name no worker is a note, not an idle worker", () => {
    const nameless = steady.map(({ worker: _, ...record }): RequestRecord => record);
    expect(findings(nameless)).toEqual(["workers-unknown note"]);
  });

  test("of a router that needs KV events and receives none is untrusted", () => {
    expect(findings(steady, { routerCost: costUs(1) })).toEqual([]);
    expect(findings(steady, { routerCost: costUs(1, 0) })).toEqual(["no-kv-events untrusted"]);
    const evidence = { traits: { spreads: true, kvEvents: false } };
    expect(findings(steady, { routerCost: costUs(1, 0), evidence })).toEqual([]);
  });

  test("with more tokens cached than these requests can leave is untrusted", () => {
    expect(findings(steady, { idealShare: 0.39 })).toEqual([]); // cached is 0.4
    expect(findings(steady, { idealShare: 0.37 })).toEqual(["warm-cache untrusted"]);
  });

  test("of a stopped cell is untrusted, of a broken one failed", () => {
    expect(findings(steady, { state: "aborted" })).toEqual(["aborted untrusted"]);
    const error = { kind: "aborted", message: "the load was stopped" } as const;
    const stopped = changed(2, () => ({ state: "aborted", error }));
    const { reasons } = verdictOf(stopped, { state: "aborted" });
    expect(reasons.map(({ message }) => message)).toEqual([
      "Stopped early, after 198 completed requests, 2 in flight were aborted",
    ]);
    expect(verdictOf(steady, { state: "failed" }).state).toBe("failed");
  });

  test("of a cell stopped before anything was completed is not failed", () => {
    const none = changed(N, () => ({ state: "aborted" }));
    expect(verdictOf(none, { state: "aborted" }).state).toBe("untrusted");
    expect(verdictOf(none, { state: "completed" }).state).toBe("failed");
  });

  test("includes findings of the run itself, severe ones first", () => {
    const died = { id: "worker-died", severity: "untrusted", message: "m", hint: "h" } as const;
    const odd = { id: "odd", severity: "note", message: "m", hint: "h" } as const;
    const evidence = { traits: { spreads: true, kvEvents: false }, findings: [odd, died] };
    expect(verdictOf(steady, { evidence })).toEqual({ state: "untrusted", reasons: [died, odd] });
  });
});

describe("the client", () => {
  const late = (ms: number) => (record: RequestRecord) => ({
    sentNs: record.intendedNs + ms * MS,
  });

  test("late at p99 by more than 5 ms or 5 % of p99 TTFT is untrusted", () => {
    // 3 of 200 late: p99 is their value, the mean 0.09 ms at most. TTFT is 100 ms, 5 % of it 5 ms.
    expect(findings(changed(3, late(5)))).toEqual([]);
    expect(findings(changed(3, late(5.1)))).toEqual(["client-late untrusted"]);
    const slow = changed(3, (record) => ({
      ...late(9)(record),
      firstTokenNs: record.firstTokenNs! + 100 * MS,
    }));
    expect(findings(slow)).toEqual([]); // 5 % of 200 ms
  });

  test("late on average by more than 1 ms or 5 % of mean TTFT is untrusted", () => {
    expect(findings(changed(N, late(5)))).toEqual([]);
    const fast = (ms: number) =>
      changed(N, (record) => ({ ...late(ms)(record), firstTokenNs: record.intendedNs + 10 * MS }));
    expect(findings(fast(1))).not.toContain("client-late untrusted");
    expect(findings(fast(1.1))).toContain("client-late untrusted");
  });

  test("that stalled once is untrusted, however few requests were late", () => {
    expect(findings(changed(1, late(250)))).toEqual([]);
    expect(findings(changed(1, late(251)))).toEqual(["client-stalled untrusted"]);
    const health = { loopLagMs: { p99: 1, max: 1000 } };
    expect(findings(steady, { health })).toEqual(["client-stalled untrusted"]);
  });

  test("with a lagging event loop is untrusted", () => {
    const lagging = (mean: number, p99: number): string[] =>
      findings(steady, { health: { loopLagMs: { mean, p99, max: 20 } } });
    // 5 % of a TTFT of 100 ms, at p99 and on average.
    expect(lagging(5, 5)).toEqual([]);
    expect(lagging(0.1, 5.1)).toEqual(["loop-lag untrusted"]);
    expect(lagging(5.1, 5)).toEqual(["loop-lag untrusted"]);
  });

  test("on full cores is untrusted", () => {
    expect(findings(steady, { health: { busyShare: 0.9 } })).toEqual([]);
    expect(findings(steady, { health: { busyShare: 0.91 } })).toEqual(["cpu-full untrusted"]);
    // The compiler's and collector's threads are no part of what a single thread can do.
    expect(findings(steady, { health: { busyShare: 0.5, cpuSeconds: 99 } })).toEqual([]);
    const evidence = { traits: { spreads: true, kvEvents: false }, machineCpuShare: 0.96 };
    expect(findings(steady, { evidence })).toEqual(["cpu-full untrusted"]);
  });

  test("beside other programs is untrusted where they leave little of the machine idle", () => {
    const beside = (otherCores: number, machineCpuShare: number): string[] =>
      findings(steady, {
        evidence: { traits: { spreads: true, kvEvents: false }, otherCores, machineCpuShare },
      });
    expect(beside(0.9, 0.8)).toEqual(["other-load untrusted"]);
    expect(beside(0.9, 0.6)).toEqual([]);
    expect(beside(0.2, 0.9)).toEqual([]);
  });

  test("whose own time weighs on a sped-up engine is a note above 2 %, untrusted above 10 %", () => {
    expect(findings(steady, { routerCost: costUs(2000), timeScale: 10 })).toEqual([]);
    expect(findings(steady, { routerCost: costUs(2100), timeScale: 10 })).toEqual([
      "time-scale note",
    ]);
    expect(findings(steady, { routerCost: costUs(10_100), timeScale: 10 })).toEqual([
      "time-scale untrusted",
    ]);
    expect(findings(steady, { routerCost: costUs(10_100), timeScale: 1 })).toEqual([]);
    // Text that is tokenised counts like the rest of a decision.
    const tokeniseUs = { p50: 2100, p99: 2100 };
    expect(findings(steady, { routerCost: { ...costUs(1), tokeniseUs }, timeScale: 10 })).toEqual([
      "time-scale note",
    ]);
  });

  test("is not judged on the virtual clock", () => {
    expect(findings(changed(N, late(300)), { clock: "virtual", timeScale: 1 })).toEqual([]);
  });
});

describe("an open loop", () => {
  test("that could not keep its rate is untrusted", () => {
    // Each send later by a part of its time: 1/1.049 = .953 of the planned rate, 1/1.06 = .943.
    const stretched = (factor: number) =>
      steady.map((record) => ({ ...record, sentNs: record.intendedNs * factor }));
    expect(findings(stretched(1.049), { cell: openLoop() })).not.toContain(
      "rate-not-reached untrusted",
    );
    expect(findings(stretched(1.06), { cell: openLoop() })).toContain("rate-not-reached untrusted");
    expect(findings(stretched(1.06))).not.toContain("rate-not-reached untrusted");
  });
});

describe("a run", () => {
  const cellWith = (id: string, records: readonly RequestRecord[]) => ({
    ...summarizeCell(exampleInput(records)).summary,
    id,
  });
  const good = cellWith("good", steady);
  const one = cellWith(
    "one",
    changed(3, () => ({ oslRequested: 11 })),
  );
  const two = cellWith(
    "two",
    changed(5, () => ({ oslRequested: 11 })),
  );

  test("lists a finding once, with its cells", () => {
    const verdict = judgeRun([good, one, two], { arms: 2, repeats: 3, cellsPlanned: 3 });
    expect(verdict.state).toBe("untrusted");
    expect(verdict.reasons.map(({ id, cells }) => [id, cells])).toEqual([
      ["short-output", ["one", "two"]],
    ]);
    expect(one.verdict.reasons[0]!.cells).toBeUndefined();
  });

  test("names a cell once for a finding that it has twice", () => {
    const [finding] = one.verdict.reasons;
    const twice = { ...one, verdict: { ...one.verdict, reasons: [finding!, finding!] } };
    const { reasons } = judgeRun([twice], { arms: 1, repeats: 1, cellsPlanned: 1 });
    expect(reasons.map(({ cells }) => cells)).toEqual([["one"]]);
  });

  test("of one or two repeats notes that its intervals hold for this run only; three are enough", () => {
    expect(judgeRun([good], { arms: 2, repeats: 2, cellsPlanned: 1 })).toMatchObject({
      state: "trusted",
      reasons: [{ id: "few-repeats", severity: "note" }],
    });
    expect(judgeRun([good], { arms: 2, repeats: 3, cellsPlanned: 1 }).reasons).toEqual([]);
    // A single arm has no comparisons.
    expect(judgeRun([good], { arms: 1, repeats: 1, cellsPlanned: 1 }).reasons).toEqual([]);
  });

  test("with a failed cell has failed", () => {
    const failed = { ...good, verdict: { state: "failed" as const, reasons: [] } };
    expect(judgeRun([good, failed], { arms: 2, repeats: 3, cellsPlanned: 2 }).state).toBe("failed");
  });
});
