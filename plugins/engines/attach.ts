/**
 * Workers that already run: reads from them what a run must know, and changes nothing. Without a worker URL it stands for the engine behind `--router attach`, whose workers
 * are not reached directly.
 */
import { defineEngine, DynbenchError, given, v } from "dynbench";
import {
  cacheConfig,
  chosenTokenizer,
  type ControlRequest,
  fetchControl,
  fetchControlJson,
  kvEventSource,
  servedModels,
  withoutSlash,
  type Worker,
} from "dynbench/engine";
import { optional } from "../shared/model-servers/server-ready.ts";
import { text, whole } from "../shared/option-shapes.ts";

/** More workers than any deployment has behind one gateway. */
const MAX_WORKERS = 4096;

const size = whole(1, 2 ** 31);
const httpUrl = v.pipe(v.string(), v.regex(/^https?:\/\/\S+$/, "expected http://… or https://…"));

const options = v.strictObject({
  workerUrl: v.pipe(
    v.optional(v.pipe(v.array(httpUrl), v.maxLength(MAX_WORKERS)), []),
    v.description("Base URLs of the running workers; none with --router attach"),
    v.metadata({ aliases: ["worker-urls"] }),
  ),
  servedModelName: v.pipe(
    v.optional(v.string()),
    v.description("Model to ask for, where the workers serve several; default: the one they serve"),
  ),
  tokenizer: v.pipe(
    v.optional(text),
    v.description("Folder with the model's tokenizer.json, for prompts as text or chat"),
  ),
  blockSize: v.pipe(
    v.optional(size),
    v.description("Tokens per KV block, where the workers do not report it"),
  ),
  kvBlocks: v.pipe(
    v.optional(size),
    v.description("KV blocks per worker, where the workers do not report them"),
  ),
  allowReset: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      "Empty the workers' prefix caches between cells, also for others who use these workers",
    ),
  ),
});

type Options = v.InferOutput<typeof options>;

export const attach = defineEngine({
  name: "attach",
  summary: "Running workers that are reached by URL and left as they are",
  options,
  planes: ["http"],
  check: ({ workerUrl }, router) =>
    workerUrl.length > 0 || router.defaultEngine === "attach"
      ? []
      : [
          {
            path: "worker-url",
            message: `is required: router "${router.name}" needs workers to route to`,
            hint: "Add --worker-url http://HOST:8000,http://HOST:8001",
          },
        ],
  start: async (chosen, _plane, { signal, requestHeaders: headers = {} }) => {
    const request = { signal, headers };
    const tokenizer = await chosenTokenizer(chosen.tokenizer, undefined);
    const found = await Promise.all(
      chosen.workerUrl.map((url, index) => discoverWorker({ url, index, chosen, request })),
    );
    const workers = found.map(({ worker }) => worker);
    const servedModelName = commonModel(found, chosen);
    return {
      workers,
      servedModelName,
      ...given({ tokenizer }),
      facts: {
        ...(servedModelName === "" ? {} : { servedModelName }),
        workers: found.map(({ worker, version }) => ({ url: worker.url, version })),
      },
      ...(chosen.allowReset && workers.length > 0
        ? { resetCache: () => resetCaches(workers, request) }
        : {}),
      [Symbol.asyncDispose]: async () => {},
    };
  },
});

interface Discovered {
  readonly worker: Worker;
  readonly models: readonly string[];
  readonly version: string | undefined;
}

async function discoverWorker(at: {
  url: string;
  index: number;
  chosen: Options;
  request: ControlRequest;
}): Promise<Discovered> {
  const { index, chosen, request } = at;
  const url = withoutSlash(at.url);
  const models = await servedModels(url, request);
  const [metrics, sources, version] = await Promise.all([
    optional(() => fetchControl(`${url}/metrics`, request)),
    optional(() => fetchControlJson(`${url}/kv_event_sources`, request)),
    optional(() => fetchControlJson(`${url}/version`, request)),
  ]);
  request.signal?.throwIfAborted();
  const cache = cacheConfig(metrics ?? "");
  const blockSize = cache.blockSize ?? chosen.blockSize;
  if (blockSize === undefined) {
    throw new DynbenchError(
      "start",
      `Cannot use worker ${url}: it does not report its block size`,
      {
        hint: "Give it with --block-size",
      },
    );
  }
  const kvBlocks = cache.kvBlocks ?? chosen.kvBlocks;
  const model = models.find(({ id }) => id === chosen.servedModelName) ?? models[0]!;
  const kvEvents = kvEventSource(sources, url);
  return {
    models: models.map(({ id }) => id),
    version: v.is(v.looseObject({ version: v.string() }), version) ? version.version : undefined,
    worker: {
      id: `worker-${index}`,
      url,
      role: "aggregated",
      blockSize,
      ...given({ kvBlocks, maxModelLen: model.maxModelLen, kvEvents }),
      ...(metrics === undefined ? {} : { metricsUrl: `${url}/metrics` }),
    },
  };
}

/** The model that all workers serve: the one that the user named, or the first that they have in common. */
function commonModel(found: readonly Discovered[], chosen: Options): string {
  const first = found[0];
  // With no workers the router knows the model; see `plugins/routers/attach.ts`.
  if (first === undefined) return chosen.servedModelName ?? "";
  const wanted = chosen.servedModelName === undefined ? first.models : [chosen.servedModelName];
  const common = wanted.find((name) => found.every(({ models }) => models.includes(name)));
  if (common !== undefined) return common;
  const served = found.map(({ worker, models }) => `${worker.url} serves ${models.join(", ")}`);
  throw new DynbenchError(
    "start",
    `Cannot use the workers: ${chosen.servedModelName === undefined ? "they have no model in common" : `not all serve "${chosen.servedModelName}"`}`,
    { hint: served.join("; ") },
  );
}

async function resetCaches(workers: readonly Worker[], request: ControlRequest): Promise<void> {
  await Promise.all(
    workers.map(async ({ url }) => {
      const answer = await fetchControl(`${url}/reset_prefix_cache`, {
        ...request,
        method: "POST",
      });
      // vLLM before 0.11 answers 200 with an empty body; later versions report whether they did it.
      if (answer.includes("false")) {
        throw new DynbenchError(
          "start",
          `Cannot reset the cache of ${url}: it answered ${answer}`,
          {
            hint: "Wait until no other client sends it requests",
          },
        );
      }
    }),
  );
}
