/**
 * One trial of the load generator, or of the raw client, against the null server, in processes of
 * their own as in a run, with timestamps on one clock.
 *
 * Run as a program, this file is one of those processes.
 */
import { arrivals } from "../../core/workload/arrivals.ts";
import { runLoad } from "../../core/load/load-child.ts";
import type { LoadMessage, LoadTask } from "../../core/process/messages.ts";
import { type NullServerOptions } from "../../core/load/null-server/null-events.ts";
import {
  startNullServer,
  type NullStats,
  type NullTruth,
} from "../../core/load/null-server/null-server.ts";
import type { ClientHealth } from "../../core/contract/result.ts";
import type { LoadShape } from "../../core/contract/plan.ts";
import type { Workload } from "../../core/contract/workload.ts";
import { randomStream } from "../../core/base/random.ts";
import type { RequestRecord } from "../../core/contract/record.ts";
import type { RequestSpec } from "../../core/contract/request.ts";
import { inRealTime } from "./real-time.ts";
import { runRawClient, type RawResult, type RawTask } from "./raw-client.ts";

export interface Trial {
  server: Partial<NullServerOptions>;
  load: Partial<LoadShape>;
  osl: number;
  isl?: number;
  /** Stops the load process for one second, this long after its start. */
  stallAfterMs?: number;
}

/** Results of a trial, from either client. */
export interface Lags {
  /** Per event: the client's timestamp minus the time just before the server's write. */
  lagMs: number[];
  cpuSeconds: number;
}

export interface Measured extends Lags {
  records: RequestRecord[];
  truths: NullTruth[];
  load: LoadShape;
  health: ClientHealth;
  /** From the load process's launch to its first request at the server. */
  firstSendS: number;
  firstLagMs: number[];
  /** Reported TTFT minus the server's. */
  ttftErrorMs: number[];
}

/** Drives the trial with the load child's own code. */
export async function measure(trial: Trial): Promise<Measured> {
  await using server = await startServer(trial.server);
  const startedMs = performance.timeOrigin + performance.now();
  const child = startProcess("load", { ...trial, url: server.url });
  const stalled = stallOf(child.pid, trial.stallAfterMs);
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  await stalled;
  const parsed = lines.map((line) => JSON.parse(line) as RequestRecord | LoadMessage);
  const records = parsed.filter((line): line is RequestRecord => "cell" in line);
  const messages = parsed.filter((line): line is LoadMessage => "type" in line);
  const started = messages.find((message) => message.type === "started")!;
  const { health } = messages.find((message) => message.type === "done")!;
  const failed = records.filter(({ state }) => state !== "ok");
  if (failed.length > 0) throw new Error(`${failed.length} failed: ${JSON.stringify(failed[0])}`);
  const stats = await server.stats();
  const byId = new Map(stats.requests.map((truth) => [truth.id, truth]));
  const truthOf = ({ index }: RequestRecord): NullTruth => byId.get(`bench/${index}`)!;
  // Server stamps on the records' clock.
  const shiftNs = (stats.originEpochMs - started.epochMs) * 1e6;
  const firstReadNs = Math.min(...stats.requests.map(({ bodyReadNs }) => bodyReadNs));
  const stamps = records.map(stampsNs);
  return {
    records,
    truths: stats.requests,
    load: shapeOf(trial),
    health,
    cpuSeconds: health.cpuSeconds!,
    firstSendS: (stats.originEpochMs + firstReadNs / 1e6 - startedMs) / 1000,
    lagMs: records.flatMap((record, i) => lagsMs(stamps[i]!, truthOf(record), shiftNs)),
    firstLagMs: records.map((record, i) => lagsMs(stamps[i]!, truthOf(record), shiftNs)[0]!),
    ttftErrorMs: records.map((record) => {
      const { bodyReadNs, writesNs } = truthOf(record);
      const truthNs = writesNs[0]! - bodyReadNs;
      return (record.firstTokenNs! - record.intendedNs - truthNs) / 1e6;
    }),
  };
}

/** Drives the same requests at the same times with the raw client. */
export async function measureRaw(trial: Trial): Promise<Lags> {
  await using server = await startServer(trial.server);
  const load = shapeOf(trial);
  const due = arrivals(load, randomStream(SEED, "arrivals").split("measured"));
  const task: RawTask = {
    port: Number(new URL(server.url).port),
    osl: trial.osl,
    dueNs: Array.from({ length: load.requests! }, () => due({} as RequestSpec)),
  };
  const child = startProcess("raw", task);
  const result = JSON.parse(await new Response(child.stdout).text()) as RawResult;
  const stats = await server.stats();
  const byId = new Map(stats.requests.map((truth) => [truth.id, truth]));
  const shiftNs = (stats.originEpochMs - result.originEpochMs) * 1e6;
  return {
    cpuSeconds: result.cpuSeconds,
    lagMs: result.stampsNs.flatMap((stamps, i) => lagsMs(stamps, byId.get(`bench/${i}`)!, shiftNs)),
  };
}

const SEED = 1;

function shapeOf({ load }: Trial): LoadShape {
  return { warmup: 0, timeoutS: 60, ...load } as LoadShape;
}

function stampsNs({ firstTokenNs, gapsNs }: RequestRecord): number[] {
  let atNs = firstTokenNs!;
  return [atNs, ...gapsNs!.map((gap) => (atNs += gap))];
}

function lagsMs(stamps: readonly number[], { writesNs }: NullTruth, shiftNs: number): number[] {
  return stamps.map((stamp, i) => (stamp - writesNs[i]! - shiftNs) / 1e6);
}

type Role = "server" | "load" | "raw";

function startProcess(role: Role, task: unknown) {
  const command = [process.execPath, import.meta.path, role, JSON.stringify(task)];
  return Bun.spawn(inRealTime(command), { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
}

async function startServer(options: Partial<NullServerOptions>) {
  const child = startProcess("server", options);
  const { value } = await child.stdout.getReader().read();
  const url = Buffer.from(value!).toString().trim();
  return {
    url,
    stats: async () => (await (await fetch(`${url}/null/stats`)).json()) as NullStats,
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

/** The load process: the real child's work, with a workload of equal requests. */
async function runLoadProcess(trial: Trial & { url: string }): Promise<void> {
  const { osl, isl = 100, url } = trial;
  const workload = {
    *requests(_: unknown, { count }: { count: number }) {
      for (let index = 0; index < count; index += 1) {
        yield { index, prompt: [{ content: index, tokens: isl }], isl, osl };
      }
    },
  } as unknown as Workload;
  const use = { kind: "workload", name: "bench", source: "bundled", options: {} } as const;
  const load = shapeOf(trial);
  const task: LoadTask = {
    cell: { id: "bench", arm: 0, parameters: {}, repeat: 0, seed: SEED, workload: use, load },
    wire: { form: "ids", connection: "keep-alive", headers: {}, body: {} },
    targets: [url],
    model: "null",
  };
  const emit = (line: string): void => void process.stdout.write(line);
  await runLoad(task, { workload, emit, signal: new AbortController().signal });
}

if (import.meta.main) {
  const [role, text] = process.argv.slice(2) as [Role, string];
  const task = JSON.parse(text);
  if (role === "server") console.log(startNullServer(task).url);
  else if (role === "load") await runLoadProcess(task);
  else console.log(JSON.stringify(await runRawClient(task)));
}
