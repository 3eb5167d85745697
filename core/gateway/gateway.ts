/**
 * The gateway: an HTTP server that hosts one routing policy in front of the engine's workers.
 *
 * `dispatcher.ts` carries the requests, `core/routing/request-life.ts` decides what happens to them,
 * `core/routing/host.ts` asks the policy, `event-feed.ts` keeps the index. Requests go around hono;
 * everything else is `control-app.ts`.
 */
import { given } from "../base/given.ts";
import type { Hono } from "hono";
import { monotonicNs } from "../system/clock.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { BlockTable } from "../routing/kv/block-table.ts";
import type { BlockSink } from "../routing/kv/event-tracker.ts";
import type { Logger } from "../contract/processes.ts";
import { randomStream } from "../base/random.ts";
import type { Worker } from "../contract/request.ts";
import { HostJournal } from "../routing/host-journal.ts";
import { PolicyHost } from "../routing/host.ts";
import { isSplit } from "../routing/stage.ts";
import type { Candidate, RoutingPolicy } from "../contract/routing-policy.ts";
import type { GatewayTask } from "../process/messages.ts";
import type { PromptField } from "./body-scan.ts";
import { controlApp } from "./control-app.ts";
import { DecisionLog } from "./decision-log.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EventFeed } from "./event-feed.ts";
import { GatewayCounts } from "./gateway-counts.ts";
import { gaugesOf, stateOf, type GatewayParts } from "./gateway-state.ts";
import {
  startHttpServer,
  type Answer,
  type HttpServer,
  type ParsedRequest,
} from "./http-server.ts";
import { answerError } from "./openai-error.ts";
import { nameOf, refusalOfControl, refusalOfPrompt, type Refusal } from "./reach.ts";
import { PromptReader, warmUpReading } from "./prompt-reader.ts";
import { TokenisePool } from "./tokenise-pool.ts";
import { WorkerLink } from "./worker-link.ts";

/** Paths of requests for the workers, with the field that has the prompt; every other path is for us. */
const PROMPT_FIELDS: ReadonlyMap<string, PromptField> = new Map([
  ["/v1/completions", "prompt"],
  ["/v1/chat/completions", "messages"],
]);

/** How often requests that the policy holds are looked at when nothing else happens. */
const HELD_CHECK_MS = 1000;
/** A reset waits this long for the last requests to end, because a client sees an end before we do. */
const RESET_GRACE_MS = 200;
const RESET_POLL_MS = 5;

export async function startGateway(
  task: GatewayTask,
  { policy, log }: { policy: RoutingPolicy; log: Logger },
): Promise<AsyncDisposable & { readonly ready: { readonly port: number } }> {
  await using stack = new AsyncDisposableStack();
  const blockSize = checkedBlockSize(task.workers);
  const decisions = await openLog(task.decisionsPath, log);
  if (decisions !== undefined) stack.use(decisions);
  const events = await openLog(task.eventsPath, log);
  if (events !== undefined) stack.use(events);
  const { replica } = task;
  const journal = new HostJournal((event) => events?.add({ replica, ...event }));

  const table = new BlockTable();
  const counts = new GatewayCounts();
  const host = new PolicyHost({
    policy,
    ...given({ policyName: task.policyName }),
    candidates: candidatesOf(task.workers),
    blockSize,
    random: randomStream(task.seed, "gateway", task.replica),
    onRelease: ({ id }, candidate) => dispatcher.released(id, candidate),
    onFault: ({ id }, error) => dispatcher.refused(id, error),
    probeNs: monotonicNs,
    ...(events === undefined ? {} : { journal }),
  });
  const links = task.workers.map((worker, i) =>
    stack.use(new WorkerLink(worker, { onAlive: (alive) => aliveChanged(i, alive) })),
  );
  const feeds = host.needsEvents ? startFeeds(task.workers, { host, table, log, stack }) : [];
  const pool = stack.use(new TokenisePool(task.tokenizer));
  const hasModel = task.tokenizer !== undefined;
  if (hasModel && host.needsBlocks && task.expectsText === true) await pool.start();
  const reading = { blockSize, needsBlocks: host.needsBlocks, pool, hasModel };
  warmUpReading(reading);
  const reader = new PromptReader({ ...reading, table });
  const dispatcher = new Dispatcher({
    host,
    links,
    reader,
    counts,
    decisions,
    log,
    isSplit: isSplit(task.workers),
  });
  const aliveChanged = (candidate: number, alive: boolean): void => {
    dispatcher.setAlive(candidate, alive);
    if (!alive) return;
    log.info(`Requests to ${task.workers[candidate]!.id} again: it answers`);
    feeds[candidate]?.rebuild();
  };
  stack.defer(() => dispatcher.close());
  const heldCheck = setInterval(() => host.checkHeld(monotonicNs()), HELD_CHECK_MS);
  stack.defer(() => clearInterval(heldCheck));

  const parts: GatewayParts = {
    task,
    host,
    links,
    feeds,
    counts,
    decisions,
    events,
    table,
    dispatcher,
  };
  const server = stack.use(serve(parts));
  const owned = stack.move();
  return { ready: { port: server.port }, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function checkedBlockSize(workers: readonly Worker[]): number {
  const refuse = (state: string): never => {
    throw new DynbenchError("plan", `Cannot route to these workers: ${state}`);
  };
  const first = workers[0] ?? refuse("there are none");
  const other = workers.find(({ blockSize }) => blockSize !== first.blockSize);
  if (other !== undefined) {
    const sizes = `${first.id} has blocks of ${first.blockSize} tokens, ${other.id} of ${other.blockSize}`;
    refuse(sizes);
  }
  if (isSplit(workers)) {
    for (const role of ["prefill", "decode"] as const) {
      if (!workers.some((worker) => worker.role === role)) refuse(`there is no ${role} worker`);
    }
    const whole = workers.find(({ role }) => role === "aggregated");
    if (whole !== undefined) refuse(`${whole.id} does both prefill and decode, others do one`);
  }
  return first.blockSize;
}

function candidatesOf(workers: readonly Worker[]): Candidate[] {
  return workers.map(({ id, role, kvBlocks }, index) => ({
    index,
    workerId: id,
    rank: 0,
    role,
    ...given({ kvBlocks }),
  }));
}

async function openLog(path: string | undefined, log: Logger): Promise<DecisionLog | undefined> {
  if (path === undefined) return undefined;
  try {
    return await DecisionLog.open(path, log);
  } catch (cause) {
    throw new DynbenchError("start", `Cannot write decisions: ${messageOf(cause)}`, { cause });
  }
}

/** One feed a worker; empty slots for workers that publish nothing. */
function startFeeds(
  workers: readonly Worker[],
  given: { host: PolicyHost; table: BlockTable; log: Logger; stack: AsyncDisposableStack },
): (EventFeed | undefined)[] {
  const { host, table, log, stack } = given;
  return workers.map((worker, i) => {
    const source = worker.kvEvents;
    if (source === undefined) {
      log.warn(`${worker.id} publishes no KV events: the policy will believe its cache empty`);
      return undefined;
    }
    const sink: BlockSink = {
      stored: (blocks) => host.stored(i, blocks, monotonicNs()),
      removed: (blocks) => host.removed(i, blocks, monotonicNs()),
      cleared: () => host.cleared(i, monotonicNs()),
    };
    return stack.use(new EventFeed({ worker, source, table, sink, log }));
  });
}

function serve(parts: GatewayParts): HttpServer {
  const { task, links, dispatcher } = parts;
  const boundTo = nameOf(task.host);
  const app = controlApp({
    model: task.model,
    alive: () => ({ alive: links.filter(({ alive }) => alive).length, all: links.length }),
    state: () => stateOf(parts),
    gauges: () => gaugesOf(parts),
    reset: (cell) => reset(parts, cell),
    refusal: (headers, changes) =>
      refusalOfControl(headers, {
        boundTo,
        ...(changes ? { token: task.token } : {}),
      }),
  });
  try {
    return startHttpServer({
      hostname: task.host,
      port: task.port,
      onRequest: (request, answer) => {
        const path = request.target.split("?", 1)[0]!;
        const field = request.method === "POST" ? PROMPT_FIELDS.get(path) : undefined;
        if (field === undefined) return void answerWith(app, request, answer);
        const refusal = refusalOfPrompt(request.headers, boundTo);
        if (refusal === undefined) dispatcher.handle(request, answer, field);
        else refuse(answer, refusal);
      },
      onMalformed: (status, message, answer) =>
        answerError(answer, status, { type: "invalid_request_error", message }),
    });
  } catch (cause) {
    throw new DynbenchError(
      "start",
      `Cannot listen on ${task.host}:${task.port}: ${messageOf(cause)}`,
      { hint: "Take another port, or 0 for any free one", cause },
    );
  }
}

function refuse(answer: Answer, { status, message }: Refusal): void {
  answerError(answer, status, { type: "invalid_request_error", message });
}

/** Lets hono answer; its answers are short and whole. */
async function answerWith(app: Hono, request: ParsedRequest, answer: Answer): Promise<void> {
  const { method, target, headers, body } = request;
  try {
    const url = new URL(target, "http://gateway");
    const init = { method, headers, ...(body.length === 0 ? {} : { body: body.slice() }) };
    const response = await app.fetch(new Request(url.href, init));
    const bytes = new Uint8Array(await response.arrayBuffer());
    answer.head(response.status, response.headers, bytes.length);
    if (method !== "HEAD") answer.data(bytes);
    answer.end();
  } catch (error) {
    answerError(answer, 400, { type: "invalid_request_error", message: messageOf(error) });
  }
}

/** Index, accounts and counters start empty; false when requests are still in flight. */
async function reset(parts: GatewayParts, cell: string | undefined): Promise<boolean> {
  const { dispatcher, feeds, table, host, links, counts, decisions, events } = parts;
  for (let waitedMs = 0; dispatcher.inFlight > 0; waitedMs += RESET_POLL_MS) {
    if (waitedMs >= RESET_GRACE_MS) return false;
    await Bun.sleep(RESET_POLL_MS);
  }
  for (const feed of feeds) feed?.forget();
  table.clear();
  host.reset(cell);
  for (const link of links) link.requests = 0;
  counts.reset();
  dispatcher.cell = cell;
  await Promise.all([decisions?.flush(), events?.flush()]);
  return true;
}
