/**
 * Proof before the load that an arm is what its label claims. Each fault is one sentence with the next
 * thing to do, and exit code 3: a benchmark of a set-up that does not cache is worse than none.
 *
 * Only what an arm declares is asked of it: round robin may send the second copy elsewhere.
 */
import { wireHeaders } from "../../wire/http/wire-headers.ts";
import { probe, type ProbeResult } from "./probe.ts";
import type { RunningRouter } from "./router-up.ts";
import { DynbenchError } from "../../base/errors.ts";
import { requestBody } from "../../prompt/body.ts";
import { promptTokenizer } from "../../prompt/open-tokenizer.ts";
import { fillTokens } from "../../prompt/tokens.ts";
import type { Wire } from "../../contract/plan.ts";
import type { EngineHandle } from "../../contract/engine.ts";
import type { RouterTraits } from "../../contract/router.ts";
import { USUAL_BLOCK_SIZE, type Worker } from "../../contract/request.ts";

/**
 * Reserved contents of preflight prompts: one for all workers, and one for each start of a router from
 * there down, because a prompt that is cached already makes no KV event.
 */
const WORKER_CONTENT = -1;
const FIRST_ROUTER_CONTENT = -2;
/** Two full blocks can be found again; the last token is always computed. */
const PROBE_BLOCKS = 2;
/** Output tokens of a probe: one for the first token, one to see the stream go on. */
const PROBE_OSL = 2;
/** A cold engine's first answer may take long (vLLM's first request compiles kernels). */
const PROBE_TIMEOUT_MS = 120_000;
/** KV events follow the engine step that stored the blocks within milliseconds. */
const EVENT_LIMIT_MS = 3000;
const EVENT_POLL_MS = 20;
/** A router that watches a discovery sees a worker within a second of its registration. */
const SEEN_LIMIT_MS = 5000;
const SEEN_POLL_MS = 100;
/** A split worker's prompt may be computed while the answer is already under way. */
const CACHED_LIMIT_MS = 2000;
const CACHED_POLL_MS = 100;
/** Without a new event for this long a replay is over: it comes in one piece, 110 ms after it was asked for. */
const QUIET_MS = 160;
/** A router that routes by a header gets that header from the load too. */
const PROBE_KEY = "dynbench-preflight";

export interface PreflightTarget {
  readonly engine: EngineHandle;
  readonly wire: Wire;
  readonly seed: number;
  /** Limit of one request of the load; a probe waits no longer. */
  readonly timeoutS: number;
  readonly signal: AbortSignal;
}

/** Every worker answers a streamed request and finds the same prompt again. Returns notes. */
export async function preflightWorkers(target: PreflightTarget): Promise<string[]> {
  const notes = await Promise.all(
    target.engine.workers
      .filter(({ role, url }) => role !== "decode" && url !== "")
      .map((worker) => workerCaches(worker, target, { url: worker.url })),
  );
  return notes.filter((note) => note !== undefined);
}

/** The worker answers and finds the same prompt again. Returns a note, if there is one. */
async function workerCaches(
  worker: Worker,
  target: PreflightTarget,
  way: Way,
): Promise<string | undefined> {
  let first = await probeWorker(worker, target, way);
  // A router may be up before it has seen the last worker.
  for (
    let waitedMs = 0;
    first.status === 503 && waitedMs < SEEN_LIMIT_MS;
    waitedMs += SEEN_POLL_MS
  ) {
    await Bun.sleep(SEEN_POLL_MS);
    first = await probeWorker(worker, target, way);
  }
  must(first, `worker "${worker.id}" does not answer`, way.url);
  const second = await probedAgain(worker, target, way);
  must(second, `worker "${worker.id}" does not answer a second time`, way.url);
  const served = worker.role === "prefill" ? second.prefillWorker : second.worker;
  if (way.headers !== undefined && served !== worker.instance) {
    throw new DynbenchError(
      "start",
      `Preflight: a request pinned to worker "${worker.id}" was served by ${served ?? "an unnamed one"}`,
      { hint: "Requests cannot be pinned with this router: --preflight off measures it unproved" },
    );
  }
  if (second.cachedTokens === undefined) {
    return `Worker "${worker.id}" does not report how many prompt tokens it found in its cache`;
  }
  if (second.cachedTokens >= worker.blockSize) return undefined;
  throw new DynbenchError(
    "start",
    `Preflight: worker "${worker.id}" computed a prompt again that it had just computed: ` +
      `${second.cachedTokens} of ${second.promptTokens} tokens came from its cache`,
    { hint: "Switch prefix caching on in the engine, and check its block size" },
  );
}

/** Where prefill and decode are split, it asks until the prompt is found or its time is over. */
async function probedAgain(
  worker: Worker,
  target: PreflightTarget,
  way: Way,
): ReturnType<typeof probeWorker> {
  let result = await probeWorker(worker, target, way);
  const limitMs = worker.role === "aggregated" ? 0 : CACHED_LIMIT_MS;
  for (let waitedMs = 0; waitedMs < limitMs && result.cachedTokens === 0;) {
    await Bun.sleep(CACHED_POLL_MS);
    waitedMs += CACHED_POLL_MS;
    result = await probeWorker(worker, target, way);
  }
  return result;
}

/** The router answers; the same prompt finds its worker again, and KV events flow, where the arm declares it. `start` numbers the starts of routers on this engine. */
export async function preflightRouter(
  router: RunningRouter,
  traits: RouterTraits,
  place: PreflightTarget & { start: number; label: string },
): Promise<string[]> {
  const { label } = place;
  const model = router.servedModelName ?? place.engine.servedModelName;
  const headers = traits.keyHeader === undefined ? {} : { [traits.keyHeader]: PROBE_KEY };
  const details = { ...place, model, fields: traits.requestFields, headers };
  const { engine } = place;
  // First, because their events must not be taken for those of the arm's own probe.
  const notes = await pinnedWorkers(router, traits, place);
  const before = traits.kvEvents ? await settledEvents(router, engine) : undefined;
  for (const url of router.urls) {
    must(await probeRouter(url, details), `arm "${label}" does not answer`, url);
    if (before) await eventsArrive(router, { before, label, engine });
    if (before) await eventsAreOfUse(router, label);
    if (before) await prefixIsFound(router, label, () => probeRouter(url, details));
    if (!traits.affinity) continue;
    const second = await probeRouter(url, details);
    must(second, `arm "${label}" does not answer a second time`, url);
    if (second.cachedTokens === undefined)
      notes.push(`Arm "${label}" does not pass on cached token counts`);
    else if (second.cachedTokens === 0) {
      throw new DynbenchError(
        "start",
        `Preflight: arm "${label}" sent the same prompt twice and found nothing cached the second time` +
          (second.worker ? ` (worker "${second.worker}")` : ""),
        {
          hint: "Check that router and engine agree on the block size, and that KV events reach the router",
        },
      );
    }
  }
  return notes;
}

/** Workers that are reached through the router alone, each by its instance id. */
async function pinnedWorkers(
  router: RunningRouter,
  traits: RouterTraits,
  target: PreflightTarget,
): Promise<string[]> {
  const notes = await Promise.all(
    target.engine.workers.flatMap((worker) => {
      const way = pinnedWay(worker, router, traits);
      return way === undefined ? [] : [workerCaches(worker, target, way)];
    }),
  );
  return notes.filter((note) => note !== undefined);
}

/**
 * After a reset: the worker's probe prompt, which it had cached, must be unknown again. Workers without
 * a URL are asked through the router, where it lets requests be pinned.
 */
export async function proveReset(
  target: PreflightTarget,
  router: Pick<RunningRouter, "urls">,
  traits: Pick<RouterTraits, "pinHeaders" | "requestFields">,
): Promise<string | undefined> {
  const results = await Promise.all(
    target.engine.workers
      .filter((worker) => worker.role !== "decode")
      .flatMap((worker) => {
        const way = worker.url === "" ? pinnedWay(worker, router, traits) : { url: worker.url };
        return way === undefined ? [] : [{ worker, way }];
      })
      .map(async ({ worker, way }) => ({
        ...{ worker, way },
        result: await probeWorker(worker, target, way),
      })),
  );
  for (const { worker, way, result } of results) {
    must(result, `worker "${worker.id}" does not answer after its reset`, way.url);
    if (result.cachedTokens !== undefined && result.cachedTokens > 0) {
      return `Worker "${worker.id}" still had ${result.cachedTokens} prompt tokens cached after its reset`;
    }
  }
  return undefined;
}

/** URL and headers that reach a worker by its id; undefined where the router cannot pin. */
function pinnedWay(
  { role, instance }: Worker,
  { urls }: Pick<RunningRouter, "urls">,
  { pinHeaders = {}, requestFields: fields }: Pick<RouterTraits, "pinHeaders" | "requestFields">,
): Way | undefined {
  const name = pinHeaders[role];
  if (name === undefined || instance === undefined) return undefined;
  return { url: urls[0]!, headers: { [name]: instance }, fields };
}

/** How a probe reaches a worker, or the router. */
interface Way {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Extra top-level fields of the body. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

function probeWorker(worker: Worker, target: PreflightTarget, way: Way): Promise<ProbeResult> {
  return send(way, target, {
    content: WORKER_CONTENT,
    blockSize: worker.blockSize,
    model: target.engine.servedModelName,
  });
}

function probeRouter(
  url: string,
  details: PreflightTarget & {
    start: number;
    model: string;
    headers: Readonly<Record<string, string>>;
  } & Pick<Way, "fields">,
): Promise<ProbeResult> {
  const blockSize = Math.max(
    USUAL_BLOCK_SIZE,
    ...details.engine.workers.map((worker) => worker.blockSize),
  );
  return send({ url, fields: details.fields, headers: details.headers }, details, {
    content: FIRST_ROUTER_CONTENT - details.start,
    blockSize,
    model: details.model,
  });
}

async function send(
  { url, headers, fields }: Way,
  { engine, wire, seed, timeoutS, signal }: PreflightTarget,
  prompt: { content: number; blockSize: number; model: string },
): Promise<ProbeResult> {
  const { model } = prompt;
  const isl = PROBE_BLOCKS * prompt.blockSize + 1;
  const tokens = new Uint32Array(isl);
  fillTokens(seed, [{ content: prompt.content, tokens: isl }], tokens);
  const { path, body } = requestBody({
    form: wire.form,
    model,
    tokens,
    tokenizer: await promptTokenizer(engine.tokenizer, wire.form, engine.bareText),
    osl: PROBE_OSL,
    extra: { ...fields, ...wire.body },
  });
  return probe(url, {
    path,
    body,
    headers: { ...wireHeaders(wire, process.env), ...headers },
    timeoutMs: Math.min(PROBE_TIMEOUT_MS, timeoutS * 1000),
    signal,
  });
}

/** KV events so far; undefined where neither router nor workers count them. */
interface EventCounts {
  /** By the router. */
  readonly applied: number | undefined;
  /** By the workers, received beside the router. */
  readonly published: number | undefined;
}

async function eventCounts(router: RunningRouter, engine: EngineHandle): Promise<EventCounts> {
  return { applied: await router.eventsApplied?.(), published: engine.eventsPublished?.() };
}

/** The counts once the replay of what workers published before has ended. */
async function settledEvents(router: RunningRouter, engine: EngineHandle): Promise<EventCounts> {
  let counts = await eventCounts(router, engine);
  if (counts.applied === undefined) return counts;
  for (let quietMs = 0, waitedMs = 0; quietMs < QUIET_MS && waitedMs < EVENT_LIMIT_MS;) {
    await Bun.sleep(EVENT_POLL_MS);
    waitedMs += EVENT_POLL_MS;
    const now = await eventCounts(router, engine);
    quietMs = now.applied === counts.applied ? quietMs + EVENT_POLL_MS : 0;
    counts = now;
  }
  return counts;
}

async function eventsArrive(
  router: RunningRouter,
  { before, label, engine }: { before: EventCounts; label: string; engine: EngineHandle },
): Promise<void> {
  let missing = "";
  for (let waitedMs = 0; waitedMs < EVENT_LIMIT_MS; waitedMs += EVENT_POLL_MS) {
    const now = await eventCounts(router, engine);
    if (isStill(before.published, now.published)) missing = "the workers published none";
    else if (isStill(before.applied, now.applied)) missing = "none arrived";
    else return;
    await Bun.sleep(EVENT_POLL_MS);
  }
  throw new DynbenchError(
    "start",
    `Preflight: arm "${label}" needs KV events, and ${missing} within ${EVENT_LIMIT_MS / 1000} s of a prompt`,
    {
      hint: "Switch KV events on in the engine, or measure the arm without them: --router kv-approx",
    },
  );
}

/**
 * The blocks of our own gateway's index, once a prompt's events have arrived: applied and of no use
 * is worse than none, because the arm would look as if it routed by them.
 */
async function eventsAreOfUse(router: RunningRouter, label: string): Promise<void> {
  if (!router.state) return;
  let index = (await router.state()).index;
  for (let waitedMs = 0; index.cachedBlocks === 0 && waitedMs < EVENT_LIMIT_MS;) {
    await Bun.sleep(EVENT_POLL_MS);
    waitedMs += EVENT_POLL_MS;
    index = (await router.state()).index;
  }
  if (index.cachedBlocks > 0) return;
  const why =
    index.otherBlockSize > 0
      ? "their blocks are of another size than the engine declares"
      : index.ignored > 0
        ? "they are of layers that keep only part of the context (sliding windows, state spaces)"
        : "none of them stored a block";
  throw new DynbenchError(
    "start",
    `Preflight: arm "${label}" needs KV events, and those that came are of no use: ${why}`,
    { hint: "Measure the arm without them: --router kv-approx" },
  );
}

/**
 * A router that counts no events shows by what it finds that they arrive: where it finds nothing all
 * workers look the same to it, and the copy comes to its worker by the way in which it breaks ties.
 */
async function prefixIsFound(
  router: RunningRouter,
  label: string,
  askAgain: () => Promise<ProbeResult>,
): Promise<void> {
  if (!router.prefixesFound) return;
  const before = await router.prefixesFound();
  for (let waitedMs = 0; waitedMs < EVENT_LIMIT_MS; waitedMs += EVENT_POLL_MS) {
    await askAgain();
    if ((await router.prefixesFound()) > before) return;
    await Bun.sleep(EVENT_POLL_MS);
  }
  throw new DynbenchError(
    "start",
    `Preflight: arm "${label}" routes by KV events, and its index knew nothing of a prompt that a worker had just cached`,
    {
      hint: "Check its log for KV events that it refuses, and that its block size is the engine's",
    },
  );
}

/** Whether a count has not grown; a count that is not kept is taken to have grown. */
function isStill(before: number | undefined, now: number | undefined): boolean {
  return now !== undefined && now <= (before ?? 0);
}

function must(result: ProbeResult, what: string, url: string): void {
  if (result.fault === undefined) return;
  throw new DynbenchError("start", `Preflight: ${what}: ${result.fault}`, {
    hint: `Try it alone: dynbench ping ${url}`,
  });
}
