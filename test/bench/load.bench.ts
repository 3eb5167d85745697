/**
 * The load generator against the null server, each in its own process: what it adds to the figures it
 * reports, what it costs, and whether its own faults show. Stamps of both are put on one clock by
 * their processes' origins.
 */
import { runLoad, type LoadMessage, type LoadTask } from "../../core/load/load-child.ts";
import {
  startNullServer,
  type NullServerOptions,
  type NullStats,
  type NullTruth,
} from "../../core/load/null-server.ts";
import type { ClientHealth } from "../../core/metrics/result.ts";
import type { LoadShape } from "../../core/plan/plan.ts";
import type { Workload } from "../../core/plugin.ts";
import type { RequestRecord } from "../../core/record.ts";
import type { Row } from "./row.ts";

export const name = "load";

export async function run(): Promise<Row[]> {
  return [
    ...(await poissonInFlight()),
    ...(await waveOfStreams()),
    ...(await thousandStreams()),
    ...(await stall()),
    ...(await poissonGaps()),
    ...(await waiting()),
    ...(await longPrompts()),
  ];
}

/** Starts spread as in the figures of the peers: in a wave the server's own burst is measured. */
async function poissonInFlight(): Promise<Row[]> {
  const { events, firstLagMs, health, lagMs, ttftErrorMs } = await measure({
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "poisson", rateRps: 45, requests: 360 },
    osl: 100,
  });
  const errors = ttftErrorMs();
  const what = "reported TTFT − truth, Poisson 45/s, ~100 in flight";
  return [
    {
      what: "first event: our stamp − server's write, ~100 streams, p50",
      value: quantile(firstLagMs(), 0.5),
      unit: "ms",
      must: 0.2,
      note: "Poisson 45/s, ttft 200, itl 20",
    },
    { what: "all events: stamp lag p99, ~100 streams", value: quantile(lagMs(), 0.99), unit: "ms" },
    { what: `${what}, p50`, value: quantile(errors, 0.5), unit: "ms", must: 0.5 },
    { what: `${what}, p99`, value: quantile(errors, 0.99), unit: "ms" },
    {
      what: "lateness p50, Poisson 45/s",
      value: health.latenessMs.p50,
      unit: "ms",
      must: 0.4,
    },
    { what: "CPU per 1,000 events, ~100 streams", ...cpu(health, events), must: 0.05 },
  ];
}

async function waveOfStreams(): Promise<Row[]> {
  const { firstLagMs, lagMs, ttftErrorMs } = await measure({
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "closed", concurrency: 100, requests: 300 },
    osl: 100,
  });
  return [
    {
      what: "closed loop of 100, all in step: first event lag p50",
      value: quantile(firstLagMs(), 0.5),
      unit: "ms",
    },
    {
      what: "closed loop of 100, all in step: stamp lag p99",
      value: quantile(lagMs(), 0.99),
      unit: "ms",
      note: "aiperf 61",
    },
    {
      what: "closed loop of 100, all in step: reported TTFT − truth, p50",
      value: quantile(ttftErrorMs(), 0.5),
      unit: "ms",
      note: "aiperf 8.4",
    },
  ];
}

async function thousandStreams(): Promise<Row[]> {
  // A stream lasts 2.18 s, so 459 a second are 1,000 at once.
  const { events, health, lagMs } = await measure({
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "poisson", rateRps: 459, requests: 2000 },
    osl: 100,
  });
  return [
    {
      what: "all events: stamp lag p99, 1,000 streams × 20 ms",
      value: quantile(lagMs(), 0.99),
      unit: "ms",
      must: 5,
      note: "aiperf 727 at 500 streams",
    },
    { what: "all events: stamp lag p50, 1,000 streams", value: quantile(lagMs(), 0.5), unit: "ms" },
    { what: "CPU per 1,000 events, 1,000 streams", ...cpu(health, events), must: 0.03 },
    {
      what: "memory of the load child, 1,000 streams",
      value: health.maxRssMb!,
      unit: "MB",
      must: 200,
    },
  ];
}

async function stall(): Promise<Row[]> {
  const { health, records } = await measure({
    server: { ttftMs: 5, itlMs: 1 },
    load: { arrival: "constant", rateRps: 100, requests: 300 },
    osl: 2,
    stallAfterMs: 1000,
  });
  const ttftMs = records.map(({ firstTokenNs, intendedNs }) => (firstTokenNs! - intendedNs) / 1e6);
  return [
    {
      what: "a 1 s stall of the generator: highest lateness",
      value: health.latenessMs.max,
      unit: "ms",
      note: "should be about 1000",
    },
    {
      what: "a 1 s stall of the generator: highest TTFT",
      value: Math.max(...ttftMs),
      unit: "ms",
      note: "should be about 1000; aiperf reported 106",
    },
  ];
}

async function poissonGaps(): Promise<Row[]> {
  const { truths, records, health } = await measure({
    server: { ttftMs: 10, itlMs: 1 },
    load: { arrival: "poisson", rateRps: 200, requests: 2000 },
    osl: 2,
  });
  const planned = variation(records.map(({ intendedNs }) => intendedNs));
  return [
    {
      what: "Poisson 200/s: variation of gaps at the server",
      value: variation(truths.map(({ bodyReadNs }) => bodyReadNs)),
      unit: "std/mean",
      note: `1.0 ± .05; the timetable's own is ${planned.toFixed(3)}; aiperf 1.18`,
    },
    { what: "Poisson 200/s: lateness p50", value: health.latenessMs.p50, unit: "ms", must: 0.4 },
    { what: "Poisson 200/s: lateness p99", value: health.latenessMs.p99, unit: "ms" },
  ];
}

async function waiting(): Promise<Row[]> {
  const { health } = await measure({
    server: { ttftMs: 3000, itlMs: 1 },
    load: { arrival: "closed", concurrency: 1, requests: 1 },
    osl: 2,
  });
  const value = health.cpuSeconds! / 3;
  const what = "part of a core burnt while waiting for one answer";
  return [{ what, value, unit: "cores", must: 0.05, note: "start-up included; aiperf 1.0" }];
}

async function longPrompts(): Promise<Row[]> {
  const { firstSendS, health } = await measure({
    server: { ttftMs: 50, itlMs: 5 },
    load: { arrival: "closed", concurrency: 20, requests: 200 },
    osl: 20,
    isl: 14_000,
  });
  return [
    {
      what: "child's launch to first request, 200 prompts of 14,000 tokens",
      value: firstSendS,
      unit: "s",
      must: 2,
      note: "aiperf 11.3",
    },
    { what: "lateness p50, prompts of 14,000 tokens", value: health.latenessMs.p50, unit: "ms" },
  ];
}

interface Trial {
  server: Partial<NullServerOptions>;
  load: Partial<LoadShape>;
  osl: number;
  isl?: number;
  /** Stops the load process for one second, this long after its start. */
  stallAfterMs?: number;
}

interface Measured {
  records: RequestRecord[];
  truths: NullTruth[];
  health: ClientHealth;
  events: number;
  firstSendS: number;
  firstLagMs(): number[];
  lagMs(): number[];
  ttftErrorMs(): number[];
}

async function measure(trial: Trial): Promise<Measured> {
  await using server = await startServerProcess(trial.server);
  const startedMs = performance.timeOrigin + performance.now();
  const child = Bun.spawn(
    [process.execPath, import.meta.path, "load", JSON.stringify({ ...trial, url: server.url })],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const stalled = stallOf(child.pid, trial.stallAfterMs);
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  await stalled;
  const parsed = lines.map((line) => JSON.parse(line) as RequestRecord | LoadMessage);
  const records = parsed.filter((line): line is RequestRecord => "cell" in line);
  const messages = parsed.filter((line): line is LoadMessage => "type" in line);
  const started = messages.find((message) => message.type === "started")!;
  const done = messages.find((message) => message.type === "done")!;
  const stats = (await (await fetch(`${server.url}/null/stats`)).json()) as NullStats;
  // Server stamps on the records' clock.
  const shiftNs = (stats.originEpochMs - started.epochMs) * 1e6;
  const failed = records.filter(({ state }) => state !== "ok");
  if (failed.length > 0) throw new Error(`${failed.length} failed: ${JSON.stringify(failed[0])}`);
  const byId = new Map(stats.requests.map((truth) => [truth.id, truth]));
  const pairs = records.map((record) => ({ record, truth: byId.get(`bench/${record.index}`)! }));
  const firstReadMs =
    stats.originEpochMs + Math.min(...stats.requests.map(({ bodyReadNs }) => bodyReadNs)) / 1e6;
  return {
    records,
    truths: stats.requests,
    health: done.health,
    events: records.reduce((sum, { gapsNs }) => sum + 1 + gapsNs!.length, 0),
    firstSendS: (firstReadMs - startedMs) / 1000,
    firstLagMs: () =>
      pairs.map(({ record, truth }) => (record.firstTokenNs! - truth.writesNs[0]! - shiftNs) / 1e6),
    lagMs: () =>
      pairs.flatMap(({ record, truth }) => {
        let atNs = record.firstTokenNs!;
        const stamps = [atNs, ...record.gapsNs!.map((gap) => (atNs += gap))];
        return stamps.map((stamp, i) => (stamp - truth.writesNs[i]! - shiftNs) / 1e6);
      }),
    ttftErrorMs: () =>
      pairs.map(({ record, truth }) => {
        const truthNs = truth.writesNs[0]! - truth.bodyReadNs;
        return (record.firstTokenNs! - record.intendedNs - truthNs) / 1e6;
      }),
  };
}

async function startServerProcess(options: Partial<NullServerOptions>) {
  const child = Bun.spawn([process.execPath, import.meta.path, "server", JSON.stringify(options)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    url: Buffer.from(value!).toString().trim(),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}

async function stallOf(pid: number, afterMs: number | undefined): Promise<void> {
  if (afterMs === undefined) return;
  await Bun.sleep(afterMs);
  process.kill(pid, "SIGSTOP");
  await Bun.sleep(1000);
  process.kill(pid, "SIGCONT");
}

function cpu({ cpuSeconds }: ClientHealth, events: number): Pick<Row, "value" | "unit"> {
  return { value: (cpuSeconds! / events) * 1000, unit: "CPU-s" };
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(part * values.length) - 1]!;
}

/** Standard deviation of the gaps over their mean; 1 for a Poisson process. */
function variation(timesNs: readonly number[]): number {
  const sorted = timesNs.toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((ns, i) => ns - sorted[i]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  return Math.sqrt(variance) / mean;
}

/** The load process: the real child's work, with a workload of equal requests. */
async function runLoadProcess({
  load,
  osl,
  isl = 100,
  url,
}: Trial & { url: string }): Promise<void> {
  const workload = {
    *requests(_: unknown, { count }: { count: number }) {
      for (let index = 0; index < count; index += 1) {
        yield { index, prompt: [{ content: index, tokens: isl }], isl, osl };
      }
    },
  } as unknown as Workload;
  const use = { kind: "workload", name: "bench", source: "bundled", options: {} } as const;
  const shape = { warmup: 0, timeoutS: 60, ...load } as LoadShape;
  const task: LoadTask = {
    cell: { id: "bench", arm: 0, parameters: {}, repeat: 0, seed: 1, workload: use, load: shape },
    wire: { form: "ids", connection: "keep-alive", headers: {}, body: {} },
    targets: [url],
    model: "null",
  };
  const emit = (line: string): void => void process.stdout.write(line);
  await runLoad(task, { workload, emit, signal: new AbortController().signal });
}

if (import.meta.main) {
  const [role, text = "{}"] = process.argv.slice(2);
  if (role === "server") console.log(startNullServer(JSON.parse(text)).url);
  else if (role === "load") await runLoadProcess(JSON.parse(text));
  else console.table(await run());
}
