/**
 * A request before it is sent: yielded by a workload; read by load, gateway, models and simulator. It
 * holds no text and no token ids. A prompt is a list of segments, so that a simulator never builds
 * text, and a live run builds text that shares exactly the same prefixes.
 */

/**
 * `tokens` tokens of content `content`, from the content's start.
 *
 * Two prompts share their leading tokens exactly as far as their leading segments name the same
 * contents with the same lengths. Contents are numbers from 0; a content that is cut short shares
 * its first tokens with the uncut one. Negative contents are reserved for preflight.
 */
export interface ContentSegment {
  readonly content: number;
  readonly tokens: number;
}

/** The `tokens` output tokens of an earlier request, by its index. */
export interface AnswerSegment {
  readonly answerOf: number;
  readonly tokens: number;
}

export type Segment = ContentSegment | AnswerSegment;

export interface RequestSpec {
  /** Position in the workload, from 0. */
  readonly index: number;
  readonly prompt: readonly Segment[];
  /** Prompt tokens: the sum of the segments. */
  readonly isl: number;
  /** Output tokens requested; sent with `ignore_eos`, so that the engine produces exactly this many. */
  readonly osl: number;
  /** When it is due, in nanoseconds after the start of the load; set by traces only. */
  readonly atNs?: number;
  /** Name of the conversation that the request belongs to. */
  readonly session?: string;
  /** On the first request of a session: how many requests the session has in all, if known. */
  readonly sessionRequests?: number;
  /** A later prompt contains the answer: the load keeps the received tokens until then. */
  readonly keepAnswer?: boolean;
  /** Prefix group: sent in a header to a router that routes by header. */
  readonly group?: number;
  /** Class of requests, or tenant, that it belongs to; results are reported by tier. */
  readonly tier?: string;
  /** Higher is served earlier, by a router or an engine that supports priorities. */
  readonly priority?: number;
  /** Due `thinkMs` milliseconds after the end of that earlier request (its `index`), not before. */
  readonly after?: { readonly request: number; readonly thinkMs: number };
}

/** How a priority is sent: in vLLM's field, or in Dynamo's hint (`load/load-child.ts`). */
export type PriorityDialect = "vllm" | "dynamo";

/** How a prompt is sent: as token ids or as text on /v1/completions, or as a chat message on /v1/chat/completions. */
export type WireForm = "ids" | "text" | "chat";

/** What a worker computes: everything, prefill only, or decode only. */
export type WorkerRole = "aggregated" | "prefill" | "decode";

/** How workers are reached: as OpenAI servers over HTTP, or through Dynamo's runtime. */
export type Plane = "http" | "dynamo";

/** One serving process with an endpoint. */
export interface Worker {
  /** Short and stable within a run: `worker-0`. Answers, records and reports use this name. */
  readonly id: string;
  /** Empty on plane "dynamo", where a worker can be reached only through a router. */
  readonly url: string;
  readonly role: WorkerRole;
  /** Its id in Dynamo's discovery, a u64 in decimal, by which answers of that plane name it. */
  readonly instance?: string;
  /** Tokens per KV block. */
  readonly blockSize: number;
  /** KV capacity in blocks, if the engine reports it. */
  readonly kvBlocks?: number;
  /** Context limit in tokens, if the engine reports it. */
  readonly maxModelLen?: number;
  /** Where it publishes KV events, if it publishes any. */
  readonly kvEvents?: KvEventSource;
  readonly metricsUrl?: string;
}

/** Tokens per block if no engine reports them: the default of Dynamo and of its router benchmarking guide. */
export const USUAL_BLOCK_SIZE = 64;

/** ZMQ endpoints under vLLM's names: a PUB socket with a topic, and a ROUTER socket that replays missed events. */
export interface KvEventSource {
  readonly endpoint: string;
  readonly replayEndpoint?: string;
  readonly topic: string;
}
