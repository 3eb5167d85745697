/**
 * The load process: makes one cell's requests with the workload, sends them, and writes records and
 * progress, one JSON object a line. A record is written the moment its request ends, so that whatever
 * dies later loses none.
 */
import { setPriority } from "node:os";
import { epochMs, monotonicOriginMs } from "../system/clock.ts";
import { parseTarget } from "../wire/http/client.ts";
import { wireHeaders } from "../wire/http/wire-headers.ts";
import type { Workload } from "../contract/workload.ts";
import { requestBody, type RequestBody } from "../prompt/body.ts";
import { openTokenizer, promptTokenizer } from "../prompt/open-tokenizer.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import { fillTokens } from "../prompt/tokens.ts";
import { given } from "../base/given.ts";
import { deriveSeed, randomStream } from "../base/random.ts";
import { recordLine, type RequestRecord } from "../contract/record.ts";
import type { PriorityDialect, RequestSpec } from "../contract/request.ts";
import type { LoadMessage, LoadProgress, LoadTask } from "../process/messages.ts";
import { Answers } from "./answers.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import { Generator } from "./generator.ts";
import { rehearse } from "./rehearsal.ts";
import { settle } from "./settle.ts";
import type { Settled } from "../contract/result.ts";
import { LoadHealth, type ProcessUsage } from "./load-health.ts";

export interface LoadDeps {
  readonly workload: Workload;
  /** Gets one or more whole lines, with their line ends. */
  emit(line: string): void;
  readonly signal: AbortSignal;
}

const TICK_MS = 250;
/** Nice value of the generator, half way to the top. */
export const LOAD_PRIORITY = -10;

/** Runs the cell's load; resolves when every request that was sent has its record. */
export async function runLoad(task: LoadTask, deps: LoadDeps): Promise<void> {
  const { cell } = task;
  const { emit, signal } = deps;
  const rows = await readRows(cell, deps.workload, signal);
  const requests = drawRequests(cell, deps.workload, rows);
  using health = new LoadHealth(PROCESS_USAGE);
  const progress: Tally = { done: 0, failed: 0, outputTokens: 0, ttftSumNs: 0, ttftCount: 0 };
  goFirst();
  const answers = await answersOf(task, deps.workload);
  const tokenizer = await promptTokenizer(task.tokenizer, task.wire.form, task.bareText);
  const build = bodyBuilder(task, tokenizer, answers);
  await rehearse(build);
  let running: Generator | undefined;
  const parts = {
    cell: cell.id,
    load: cell.load,
    targets: task.targets.map(parseTarget),
    client: { connection: task.wire.connection },
    requests,
    headers: headerMaker(task),
    workerNames: task.workerNames ?? {},
    targetWorkers: task.targetWorkers ?? [],
    onRecords: (records: readonly RequestRecord[]) => {
      for (const record of records) {
        tally(progress, record);
        health.ended(record);
      }
      emit(records.map(recordLine).join(""));
    },
    onStart: () => health.start(),
    onStop: () => health.stop(),
    signal,
  };
  const begin = (generator: Generator): void => {
    running = generator;
    const startNs = generator.originNs;
    const epochMs = monotonicOriginMs() + startNs / 1e6;
    write(emit, { type: "started", epochMs, monotonicNs: startNs });
  };
  const tick = (): void => {
    if (running) write(emit, { type: "tick", ...progressOf(running, progress) });
  };
  const ticks = setInterval(tick, TICK_MS);
  let settled: Settled | undefined;
  try {
    if (task.settling === undefined) {
      const random = randomStream(cell.seed, "arrivals");
      const onAnswer = answers && answers.keep.bind(answers);
      const generator = new Generator({ ...parts, random, build, ...given({ onAnswer }) });
      begin(generator);
      await generator.run();
    } else {
      const { seed } = task.settling;
      const buildBatch = (batch: number) =>
        bodyBuilder({ ...task, tokenSeed: deriveSeed(seed, batch) }, tokenizer, undefined);
      settled = await settle({ ...parts, buildBatch, onBatch: begin });
    }
  } finally {
    clearInterval(ticks);
  }
  tick();
  const sockets = running ?? { connections: 0, retries: 0 };
  write(emit, { type: "done", health: health.health(sockets), ...given({ settled }) });
}

/**
 * Where the system allows it (root, or CAP_SYS_NICE), the generator goes before what it measures: on
 * a machine with few cores its lateness would else be that of its own servers.
 */
function goFirst(): void {
  try {
    setPriority(LOAD_PRIORITY);
  } catch {
    // Not allowed: its lateness is measured, and the verdict reports it when it matters.
  }
}

function write(emit: LoadDeps["emit"], message: LoadMessage): void {
  emit(`${JSON.stringify(message)}\n`);
}

interface Tally {
  done: number;
  failed: number;
  outputTokens: number;
  ttftSumNs: number;
  ttftCount: number;
}

function tally(sums: Tally, record: RequestRecord): void {
  if (record.state === "ok") sums.done += 1;
  else if (record.state === "failed") sums.failed += 1;
  sums.outputTokens += record.osl;
  if (record.phase !== "measured" || record.state !== "ok") return;
  if (record.firstTokenNs === undefined) return;
  sums.ttftSumNs += record.firstTokenNs - record.intendedNs;
  sums.ttftCount += 1;
}

function progressOf(generator: Generator, sums: Tally): LoadProgress {
  return {
    sent: generator.sent,
    inFlight: generator.inFlight,
    done: sums.done,
    failed: sums.failed,
    ...(sums.ttftCount === 0 ? {} : { ttftMsMean: sums.ttftSumNs / sums.ttftCount / 1e6 }),
    outputTokens: sums.outputTokens,
    elapsedS: generator.elapsedS,
  };
}

function bodyBuilder(
  { cell, wire, model, tokenSeed = cell.seed, requestFields, priorityDialect = "vllm" }: LoadTask,
  tokenizer: Tokenizer,
  answers: Answers | undefined,
): (spec: RequestSpec) => RequestBody {
  const fields = { ...requestFields, ...wire.body };
  let tokens = new Uint32Array(16_384);
  return (spec) => {
    if (spec.isl > tokens.length) tokens = new Uint32Array(spec.isl * 2);
    const count = fillTokens(tokenSeed, spec.prompt, tokens, answers);
    const extra = withPriority(fields, spec.priority, priorityDialect);
    const { form } = wire;
    const prompt = { tokens: tokens.subarray(0, count), tokenizer };
    return requestBody({ form, model, ...prompt, osl: spec.osl, extra });
  };
}

/**
 * `fields` of a request body with the priority in them; a value of the user for the same field stays.
 *
 * Ours is higher for earlier. vLLM's `priority` is lower for earlier (`vllm/v1/core/sched/request_queue.py`,
 * 0.31: "requests with a smaller value of `priority` are processed first"), so it gets the negative.
 * Dynamo 1.6 reads `nvext.agent_hints.priority`, higher for earlier, and answers 400 to any top-level
 * `priority`, 0 too ("Unsupported parameter(s)", 1.6.1).
 */
export function withPriority(
  fields: Readonly<Record<string, unknown>>,
  priority: number | undefined,
  dialect: PriorityDialect,
): Readonly<Record<string, unknown>> {
  if (priority === undefined) return fields;
  if (dialect === "vllm") return { priority: 0 - priority, ...fields };
  const { nvext, ...rest } = fields;
  const own = nvext as { agent_hints?: object } | undefined;
  return { ...rest, nvext: { ...own, agent_hints: { priority, ...own?.agent_hints } } };
}

/**
 * Where answers are kept for later prompts; undefined where none is asked for, and where a prompt is
 * text for a model's own tokenizer, whose words cannot hold any text.
 */
async function answersOf(task: LoadTask, workload: Workload): Promise<Answers | undefined> {
  if (workload.usesAnswers !== true) return undefined;
  if (task.wire.form !== "ids" && task.tokenizer !== undefined) return undefined;
  const tokenizer = await openTokenizer(task.tokenizer);
  return new Answers((text) => tokenizer.encodePart(text));
}

function headerMaker({ cell, wire, keyHeader }: LoadTask): GeneratorHeaders {
  const common: Record<string, string> = {
    "content-type": "application/json",
    accept: "text/event-stream",
    ...wireHeaders(wire, process.env),
  };
  // A cell's id may hold anything that a user typed; a header takes visible ASCII.
  const prefix = cell.id.replace(/[^\x21-\x7e]/g, "_");
  return (spec) => {
    const key = spec.session ?? spec.group;
    return {
      ...common,
      "x-request-id": `${prefix}/${spec.index}`,
      ...(keyHeader === undefined || key === undefined ? {} : { [keyHeader]: String(key) }),
    };
  };
}

type GeneratorHeaders = (spec: RequestSpec) => Record<string, string>;

const PROCESS_USAGE: ProcessUsage = {
  cpuSeconds: () => secondsOf(process.cpuUsage()),
  threadCpuSeconds: () => secondsOf(process.threadCpuUsage()),
  epochMs,
  // getrusage counts kilobytes on Linux, which Bun passes on.
  maxRssMb: () => process.resourceUsage().maxRSS / 1024,
};

/** Bun, like Node, counts microseconds. */
function secondsOf({ user, system }: { user: number; system: number }): number {
  return (user + system) / 1e6;
}
