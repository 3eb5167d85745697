/** Small cells for the tests of metrics: records with round times, and the rest of a cell's input. */
import type { Plan, PlannedArm, PlannedCell, PluginUse } from "../../../core/contract/plan.ts";
import type { RequestRecord } from "../../../core/contract/record.ts";
import type { CellInput } from "../../../core/metrics/summary/summary.ts";

export const MS = 1e6;

const use = (kind: PluginUse["kind"], name: string): PluginUse => ({
  kind,
  name,
  source: "bundled",
  options: {},
});

export function exampleArm(label: string, details: Partial<PlannedArm> = {}): PlannedArm {
  return {
    label,
    engine: use("engine", "mocker"),
    router: use("router", label),
    plane: "http",
    engineKey: "mocker",
    ...details,
  };
}

export function exampleCell(details: Partial<PlannedCell> = {}): PlannedCell {
  return {
    id: "r0-kv",
    arm: 0,
    parameters: { prefixRatio: 0.5 },
    repeat: 0,
    seed: 7,
    workload: use("workload", "prefix"),
    load: { arrival: "closed", concurrency: 2, warmup: 1, timeoutS: 60 },
    ...details,
  };
}

/** Two arms, one cell of each. */
export function examplePlan(details: Partial<Plan> = {}): Plan {
  return {
    schemaVersion: 1,
    tool: { name: "dynbench", version: "0.1.0" },
    seed: 0,
    clock: "wall",
    repeats: 1,
    primary: "ttftMs.mean",
    preflight: true,
    settle: true,
    pooledBounds: true,
    wire: { form: "ids", connection: "keep-alive", headers: {}, body: {} },
    arms: [exampleArm("kv"), exampleArm("round-robin")],
    cells: [exampleCell(), exampleCell({ id: "r0-rr", arm: 1 })],
    reporters: [],
    engineArgs: [],
    host: "127.0.0.1",
    replicas: 1,
    ...details,
  };
}

/** A completed request; all times in milliseconds, each gap one token. */
export function okRecord(
  index: number,
  times: { intended: number; sent?: number; first: number; gaps: number[]; end?: number },
  details: Partial<RequestRecord> = {},
): RequestRecord {
  const last = times.first + times.gaps.reduce((sum, gap) => sum + gap, 0);
  const osl = times.gaps.length + 1;
  return {
    cell: "r0-kv",
    index,
    phase: "measured",
    state: "ok",
    intendedNs: times.intended * MS,
    sentNs: (times.sent ?? times.intended) * MS,
    firstTokenNs: times.first * MS,
    lastTokenNs: last * MS,
    endNs: (times.end ?? last) * MS,
    isl: 100,
    promptTokens: 100,
    oslRequested: osl,
    osl,
    cachedTokens: 0,
    worker: "worker-0",
    status: 200,
    gapsNs: times.gaps.map((gap) => gap * MS),
    ...details,
  };
}

/** `count` requests, one every 10 ms in turn on two workers: TTFT 100 ms, 9 gaps of 20 ms. */
export function steadyRecords(
  count: number,
  each: (i: number) => Partial<RequestRecord> = () => ({}),
) {
  return Array.from({ length: count }, (_, i) =>
    okRecord(
      i,
      { intended: 10 * i, first: 10 * i + 100, gaps: new Array<number>(9).fill(20) },
      { worker: `worker-${i % 2}`, cachedTokens: 40, ...each(i) },
    ),
  );
}

export function exampleInput(
  records: readonly RequestRecord[],
  details: Partial<CellInput> = {},
): CellInput {
  return {
    cell: exampleCell(),
    arm: exampleArm("kv"),
    clock: "wall",
    state: "completed",
    records,
    health: { loopLagMs: { p99: 0.5, max: 2 }, cpuSeconds: 0.1 },
    workers: wholeWorkers("worker-0", "worker-1"),
    idealShare: 0.5,
    timeScale: 1,
    evidence: { traits: { spreads: true, kvEvents: true } },
    ...details,
  };
}

/** Workers that do both prefill and decode. */
export function wholeWorkers(...ids: string[]): CellInput["workers"] {
  return ids.map((id) => ({ id, role: "aggregated" }));
}
