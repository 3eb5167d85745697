/**
 * When a vLLM server is ready, and what it then says of itself. `/health` alone proves nothing: an
 * engine whose first request kills it is healthy until then. So each server answers one request.
 */
import {
  cacheConfig,
  DynbenchError,
  fetchControl,
  fetchControlJson,
  kvEventSource,
  messageOf,
  servedModels,
  startFault,
  untilReady,
  v,
  type ForeignProcess,
  type KvEventSource,
  type Logger,
  type Worker,
} from "dynbench";
import { KV_EVENTS_TOPIC } from "./command.ts";
import { explainVllm } from "./log-reasons.ts";
import type { Ports } from "./placement.ts";

/** Token ids that every vocabulary has; enough of them to fill no block. */
const WARM_UP_PROMPT = [5, 6, 7, 8, 9, 10, 11, 12];
const WARM_UP_TOKENS = 2;

export interface ServerPlace {
  readonly id: string;
  readonly host: string;
  readonly ports: Ports;
  readonly publishesEvents: boolean;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export interface ReadyServer {
  readonly worker: Worker;
  readonly servedModelName: string;
  readonly version: string | undefined;
  /** It has `/reset_prefix_cache`. */
  readonly canReset: boolean;
}

/** Waits for the server, warms it up and asks what it is. */
export async function serverReady(
  program: ForeignProcess,
  place: ServerPlace,
): Promise<ReadyServer> {
  const { signal, limitMs } = place;
  const url = `http://${place.host}:${place.ports.http}`;
  const request = { signal };
  await untilReady(program, {
    ...place,
    explain: explainVllm,
    isUp: () => fetchControl(`${url}/health`, request),
  });
  const model = (await servedModels(url, request))[0]!;
  try {
    await fetchControl(`${url}/v1/completions`, {
      ...request,
      method: "POST",
      limitMs,
      body: {
        model: model.id,
        prompt: WARM_UP_PROMPT,
        max_tokens: WARM_UP_TOKENS,
        ignore_eos: true,
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    const state = `it is healthy and does not answer: ${messageOf(error)}`;
    throw startFault(program, { explain: explainVllm }, state);
  }
  program.guard();
  const [metrics, sources, version, reset] = await Promise.all([
    optional(() => fetchControl(`${url}/metrics`, request)),
    optional(() => fetchControlJson(`${url}/kv_event_sources`, request)),
    optional(() => fetchControlJson(`${url}/version`, request)),
    optional(() => resetCache(url, signal)),
  ]);
  signal.throwIfAborted();
  const { blockSize, kvBlocks } = cacheConfig(metrics ?? "");
  if (blockSize === undefined) {
    throw new DynbenchError("start", `${place.id} does not tell its block size in ${url}/metrics`, {
      hint: "Leave out -- --disable-log-stats, which switches the metrics off",
    });
  }
  const events = place.publishesEvents ? eventsOf(place, kvEventSource(sources, url)) : undefined;
  return {
    servedModelName: model.id,
    version: v.is(v.looseObject({ version: v.string() }), version) ? version.version : undefined,
    canReset: reset === true,
    worker: {
      id: place.id,
      url,
      role: "aggregated",
      blockSize,
      ...(kvBlocks === undefined ? {} : { kvBlocks }),
      ...(model.maxModelLen === undefined ? {} : { maxModelLen: model.maxModelLen }),
      ...(events === undefined ? {} : { kvEvents: events }),
      metricsUrl: `${url}/metrics`,
    },
  };
}

/** How often and how long a reset is tried again: blocks of requests that were just ended are still held. */
const RESET_ATTEMPTS = 40;
const RESET_PAUSE_MS = 250;

/** Empties the prefix cache; false where the server has no such path. Throws when it will not. */
export async function resetCache(url: string, signal?: AbortSignal): Promise<boolean> {
  const request = { method: "POST", ...(signal === undefined ? {} : { signal }) } as const;
  for (let attempt = 0; attempt < RESET_ATTEMPTS; attempt += 1) {
    let answer: string;
    try {
      answer = await fetchControl(`${url}/reset_prefix_cache`, request);
    } catch (error) {
      if (/status 40[45]/.test(messageOf(error))) return false;
      throw error;
    }
    // vLLM before 0.11 answers with an empty body; later ones say whether it happened.
    if (!answer.includes("false")) return true;
    await Bun.sleep(RESET_PAUSE_MS);
  }
  throw new DynbenchError("start", `Cannot reset the cache of ${url}: requests are still running`, {
    hint: "Does anybody else send it requests?",
  });
}

/** What the server says, or what it was told where it does not say. */
function eventsOf(place: ServerPlace, told: KvEventSource | undefined): KvEventSource {
  const at = (port: number): string => `tcp://${place.host}:${port}`;
  return (
    told ?? {
      endpoint: at(place.ports.kvEvents),
      replayEndpoint: at(place.ports.replay),
      topic: KV_EVENTS_TOPIC,
    }
  );
}

/** What a server may lack without being unusable. */
async function optional<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
