/**
 * A request before it is sent: what a workload yields and what load, gateway, models and simulator
 * agree on. No text and no token ids here: a prompt is a list of segments, so that a simulator
 * never builds text and a live run builds it with exactly the same sharing.
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
  /** Output tokens asked for; sent with `ignore_eos`, so that the engine must make exactly these. */
  readonly osl: number;
  /** Due this long after the start of the load; only traces know it. */
  readonly atNs?: number;
  /** Conversation the request belongs to. */
  readonly session?: string;
  /** Of the request that opens a session: how many requests it has in all, where that is known. */
  readonly sessionRequests?: number;
  /** A later prompt holds the answer: the load keeps what came until it is used. */
  readonly keepAnswer?: boolean;
  /** Prefix group: what a client would put into a header for a router that routes by header. */
  readonly group?: number;
  /** Class of requests or tenant that it belongs to, for results by tier. */
  readonly tier?: string;
  /** Higher is served earlier, where router or engine know priorities. */
  readonly priority?: number;
  /** Not before `thinkMs` after the end of that earlier request. */
  readonly after?: { readonly request: number; readonly thinkMs: number };
}

/** How a priority travels: as vLLM's field, or as Dynamo's hint (`load/load-child.ts`). */
export type PriorityDialect = "vllm" | "dynamo";

/** How a prompt travels: token ids on /v1/completions, text there, or a chat message. */
export type WireForm = "ids" | "text" | "chat";

/** What a worker does: everything, only prefill, or only decode. */
export type WorkerRole = "aggregated" | "prefill" | "decode";

export type Plane = "http" | "dynamo";

/** One serving process with an endpoint. */
export interface Worker {
  /** Short and stable within a run: `worker-0`. It is what answers, records and reports name. */
  readonly id: string;
  /** Empty on plane "dynamo", where a worker is reached through a router alone. */
  readonly url: string;
  readonly role: WorkerRole;
  /** Its id with Dynamo's discovery, a u64 in decimal: what answers there name it by. */
  readonly instance?: string;
  /** Tokens per KV block. */
  readonly blockSize: number;
  /** KV capacity in blocks, where the engine tells. */
  readonly kvBlocks?: number;
  /** Context limit in tokens, where the engine tells. */
  readonly maxModelLen?: number;
  /** Where it publishes KV events, if it does. */
  readonly kvEvents?: KvEventSource;
  readonly metricsUrl?: string;
}

/** Tokens per block assumed where nobody tells: the default of the guide's engines and of Dynamo. */
export const USUAL_BLOCK_SIZE = 64;

/** ZMQ endpoints as vLLM names them: PUB with a topic, and a ROUTER that replays. */
export interface KvEventSource {
  readonly endpoint: string;
  readonly replayEndpoint?: string;
  readonly topic: string;
}
