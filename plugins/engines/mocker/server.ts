/**
 * One mocker worker: an OpenAI server in front of a worker loop, and a publisher of KV events. What a
 * client can see (paths, shapes, error messages) is that of vLLM 0.32; names that start with `dynbench`
 * are our own.
 */
import { Hono, type Context } from "hono";
import { deriveSeed, v } from "dynbench";
import { epochMs, openTokenizer, urlHost, type ChildContext } from "dynbench/engine";
import { VLLM_VERSION } from "./answer-format.ts";
import { generate, type ServedWorker } from "./generate.ts";
import { ApiFault } from "./api-fault.ts";
import { KvBatches } from "./kv-batches.ts";
import { KEPT_MS, KeptRequests, RELEASE_PATH } from "./kv-transfer.ts";
import { startKvPublisher, type KvPublisher } from "./kv-publisher.ts";
import type { ResolvedMocker } from "./mocker-options.ts";
import {
  chatTokens,
  checkModel,
  fieldsOf,
  hasText,
  promptTokens,
  type Endpoint,
} from "./openai.ts";
import { createWorkerModel } from "./scheduler.ts";
import { TokenSequences } from "./token-sequences.ts";
import { metricsText } from "./vllm-metrics.ts";
import { wallAlarm } from "./wall-alarm.ts";
import { WorkerLoop } from "./worker-loop.ts";
import type { WorkerReady, WorkerTask } from "./worker-task.ts";

export interface WorkerParts {
  readonly resolved: ResolvedMocker;
  readonly modelPath: string;
  readonly kvEventsForm: "map" | "array";
  readonly task: WorkerTask;
  readonly context: ChildContext;
}

/** As much as the gateway passes on, so that what is too long is refused by its tokens, with a reason. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** Seconds without a byte: for clients that do not send what they have begun, and kept connections. */
const IDLE_S = 120;

/** What a route has of its request's connection. */
interface Bindings {
  /** The request is whole: its answer may wait in the queue for as long as it takes. */
  waits(): void;
}

type App = Hono<{ Bindings: Bindings }>;

/** Listens on free ports of `context.host` until disposed. */
export async function startWorker(
  parts: WorkerParts,
): Promise<AsyncDisposable & { readonly ready: WorkerReady }> {
  const { resolved, task, context } = parts;
  const { limits, timing, timeScale, transfer, policy } = resolved;
  await using started = new AsyncDisposableStack();
  const sequences = new TokenSequences({
    blockSize: limits.blockSize,
    seed: deriveSeed(context.seed, "worker", task.index),
  });
  let publisher: KvPublisher | undefined;
  const batches = new KvBatches({
    blockSize: limits.blockSize,
    form: parts.kvEventsForm,
    hashOf: (block) => sequences.hashOf(block),
    send: (batch) => publisher?.send(batch),
  });
  publisher = started.use(
    await startKvPublisher({
      host: context.host,
      form: parts.kvEventsForm,
      since: (sequence) => batches.since(sequence),
    }),
  );
  const loop = started.adopt(
    new WorkerLoop({
      createModel: (sink) =>
        createWorkerModel(
          { limits, timing, timeScale, transfer, policy, prefixCaching: true },
          sink,
        ),
      alarm: wallAlarm(),
      events: batches,
    }),
    (running) => running.stop(),
  );
  const worker: ServedWorker = {
    id: resolved.workers[task.index]!.id,
    modelPath: parts.modelPath,
    tokenizer: task.tokenizer,
    resolved,
    loop,
    sequences,
    kept: new KeptRequests({
      release: (number) => loop.release(number),
      keptMs: KEPT_MS / timeScale,
    }),
    address: { host: urlHost(context.host), port: 0 },
    aborted: 0,
    requests: 0,
  };
  const app = routes(worker, publisher);
  const server = Bun.serve({
    hostname: context.host,
    port: 0,
    idleTimeout: IDLE_S,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request, own) => app.fetch(request, { waits: () => own.timeout(request, 0) }),
  });
  worker.address.port = server.port!;
  started.defer(() => server.stop(true));
  const stack = started.move();
  const { eventsPort, replayPort } = publisher;
  return {
    ready: { port: server.port!, kvEventsPort: eventsPort, replayPort },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function routes(worker: ServedWorker, publisher: KvPublisher): App {
  const app = new Hono<{ Bindings: Bindings }>();
  app.use(async (c, next) => {
    c.header("x-dynbench-worker", worker.id);
    // Only pages name an origin, and no page is ours: a run's cache is not for others to empty.
    if (c.req.header("origin") !== undefined) {
      throw new ApiFault("Pages may not send requests here", { status: 403 });
    }
    await next();
  });
  app.notFound((c) => c.json({ detail: "Not Found" }, 404));
  app.onError((error, c) => {
    const fault = error instanceof ApiFault ? error : new ApiFault(String(error), { status: 500 });
    return c.json(fault.toBody(), fault.status);
  });
  addGeneration(app, worker);
  addTokenizer(app, worker);
  addState(app, worker, publisher);
  return app;
}

function addGeneration(app: App, worker: ServedWorker): void {
  const answer = (endpoint: Endpoint) => async (c: Context<{ Bindings: Bindings }>) => {
    const body = await jsonBody(c);
    c.env.waits();
    // Read for the first text alone: a large vocabulary takes a second.
    const tokenizer = await openTokenizer(hasText(body) ? worker.tokenizer : undefined);
    return generate({ endpoint, body, tokenizer, signal: c.req.raw.signal, worker });
  };
  app.post("/v1/completions", answer("completions"));
  app.post("/v1/chat/completions", answer("chat"));
  app.get("/v1/models", (c) =>
    c.json({
      object: "list",
      data: [
        {
          id: worker.resolved.servedModelName,
          object: "model",
          created: Math.floor(epochMs() / 1000),
          owned_by: "dynbench",
          root: worker.modelPath,
          parent: null,
          max_model_len: worker.resolved.limits.maxModelLen,
          permission: [],
        },
      ],
    }),
  );
}

const tokenizeBody = v.looseObject({
  model: v.nullish(v.string()),
  prompt: v.optional(v.string()),
  messages: v.optional(v.array(v.looseObject({ role: v.string(), content: v.string() }))),
});
const renderBody = v.looseObject({ model: v.nullish(v.string()), prompt: v.unknown() });
const detokenizeBody = v.looseObject({
  model: v.nullish(v.string()),
  tokens: v.array(v.number()),
});

/** The tokenizer behind vLLM's paths. */
function addTokenizer(app: App, worker: ServedWorker): void {
  const { servedModelName, limits } = worker.resolved;
  app.post("/tokenize", async (c) => {
    const body = fieldsOf(tokenizeBody, await jsonBody(c));
    checkModel(body.model, servedModelName);
    const tokenizer = await openTokenizer(worker.tokenizer);
    const tokens = body.messages
      ? chatTokens(body.messages, tokenizer)
      : promptTokens(body.prompt, tokenizer);
    return c.json({
      count: tokens.length,
      max_model_len: limits.maxModelLen,
      tokens: [...tokens],
      token_strs: null,
    });
  });
  // Routers that follow prompts ask a worker for the token ids of a whole request.
  app.post("/v1/chat/completions/render", async (c) => {
    const body = fieldsOf(tokenizeBody, await jsonBody(c));
    checkModel(body.model, servedModelName);
    const tokens = chatTokens(body.messages ?? [], await openTokenizer(worker.tokenizer));
    return c.json({ request_id: crypto.randomUUID(), token_ids: [...tokens] });
  });
  app.post("/v1/completions/render", async (c) => {
    const body = fieldsOf(renderBody, await jsonBody(c));
    checkModel(body.model, servedModelName);
    const tokens = promptTokens(body.prompt, await openTokenizer(worker.tokenizer));
    return c.json([{ request_id: crypto.randomUUID(), token_ids: [...tokens] }]);
  });
  app.post("/detokenize", async (c) => {
    const body = fieldsOf(detokenizeBody, await jsonBody(c));
    checkModel(body.model, servedModelName);
    const tokenizer = await openTokenizer(worker.tokenizer);
    return c.json({ prompt: tokenizer.decode(promptTokens(body.tokens, tokenizer)) });
  });
}

function addState(app: App, worker: ServedWorker, publisher: KvPublisher): void {
  const { resolved, loop, sequences } = worker;
  const empty = (c: Context): Response => c.body(null, 200);
  app.get("/health", empty);
  app.get("/ping", empty);
  app.post("/ping", empty);
  app.get("/version", (c) => c.json({ version: `${VLLM_VERSION}+dynbench` }));
  app.get("/load", (c) => {
    const { running, waiting } = loop.counts;
    return c.json({ server_load: running + waiting });
  });
  app.get("/server_info", (c) => c.json(serverInfo(worker)));
  app.get("/model_info", (c) =>
    c.json({ model_path: worker.modelPath, served_model_name: resolved.servedModelName }),
  );
  app.get("/kv_event_sources", (c) => c.json({ "0": publisher.source }));
  app.post("/reset_prefix_cache", (c) => {
    const success = loop.resetCache();
    // Nobody holds a block now: their numbers start anew, so that a long run's table stays small.
    if (success && loop.isIdle) sequences.clear();
    return c.json({ success });
  });
  app.post(RELEASE_PATH, (c) =>
    c.json({ released: worker.kept.letGo(c.req.query("request") ?? "") }),
  );
  app.get("/metrics", (c) => {
    const { ttft, itl, e2e, queued, lateness } = loop;
    const text = metricsText({
      model: resolved.servedModelName,
      limits: resolved.limits,
      counts: loop.counts,
      timeScale: resolved.timeScale,
      aborted: worker.aborted,
      histograms: { ttft, itl, e2e, queued, lateness },
    });
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

/** The parts of vLLM's configuration that others read, under its names. */
function serverInfo({ resolved, modelPath }: ServedWorker): Record<string, unknown> {
  const { limits, servedModelName } = resolved;
  return {
    vllm_config: {
      model_config: {
        model: modelPath,
        served_model_name: servedModelName,
        max_model_len: limits.maxModelLen,
      },
      cache_config: {
        block_size: limits.blockSize,
        num_gpu_blocks: limits.kvBlocks,
        enable_prefix_caching: true,
      },
      scheduler_config: {
        max_num_seqs: limits.maxNumSeqs,
        max_num_batched_tokens: limits.maxNumBatchedTokens,
      },
      parallel_config: { tensor_parallel_size: 1, data_parallel_size: 1 },
    },
  };
}

async function jsonBody(c: Context): Promise<unknown> {
  // vLLM 0.32, `validate_json_request`.
  if (!/^\s*application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
    throw new ApiFault("Unsupported Media Type: Only 'application/json' is allowed", {
      status: 415,
    });
  }
  const text = await c.req.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ApiFault("body: JSON decode error");
  }
}
