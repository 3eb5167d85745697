/**
 * The contract of a routing policy: a pure state machine that picks a worker.
 *
 * A policy does no I/O and reads no clock. Its host (`core/routing/host.ts`) maintains the prefix
 * index and the load of each worker, and delivers events: of HTTP requests in the gateway, of the event
 * heap in the simulator. So the same policy is benchmarked live and simulated.
 */
import type { RandomStream } from "../base/random.ts";
import type { WorkerRole } from "./request.ts";

/** A worker that a request can be sent to. Data-parallel ranks inside a worker are not distinguished yet. */
export interface Candidate {
  /** Index into the columns of the view; fixed for the life of the host. */
  readonly index: number;
  readonly workerId: string;
  readonly rank: number;
  readonly role: WorkerRole;
  /** KV capacity in blocks, if known. */
  readonly kvBlocks?: number;
}

/** A request as a policy sees it. */
export interface RouteRequest {
  /** The host's number for it, unique within a host. */
  readonly id: number;
  /** Ids of the full prompt blocks, in order; equal ids mean equal content and equal history. */
  readonly blocks: Int32Array;
  /** Prompt tokens. */
  readonly isl: number;
  /** Expected output tokens (the request's `max_tokens`). */
  readonly osl: number;
  /** Role of the worker to pick: `aggregated`, or first `prefill` and then `decode` where they are split. */
  readonly stage: WorkerRole;
  readonly session?: string;
  /** Value of the routing header, if the client sent one. */
  readonly key?: string;
  readonly priority: number;
  /** 32-bit hash of the first `tokens` tokens (rounded down to whole blocks; all if fewer). */
  prefixHash(tokens: number): number;
}

/**
 * What the host knows at the moment of the pick. Columns are indexed by `Candidate.index`. They are
 * reused between picks, so do not keep them; only those that the policy's `reads` names are filled.
 */
export interface RoutingView {
  readonly nowNs: number;
  /** Tokens per block. */
  readonly blockSize: number;
  readonly candidates: readonly Candidate[];
  /** Indices of the candidates that may be picked: alive, of the right role, not tried before for this request. */
  readonly eligible: readonly number[];
  /** Requests in flight on each candidate. */
  readonly requests: Int32Array;
  /** Prompt tokens of dispatched requests without a first token yet, minus expected cache hits. */
  readonly prefillTokens: Float64Array;
  /** Leading blocks of this request that are cached there according to the index. Needs `overlap`. */
  readonly overlapBlocks: Int32Array;
  /**
   * Distinct prompt blocks of the requests in flight there. On a decode worker each request has its own
   * copy of every block, so a block counts once for each request. Needs `activeBlocks`.
   */
  readonly activeBlocks: Int32Array;
  /** Blocks that this request would add to `activeBlocks`. Needs `activeBlocks`. */
  readonly addedBlocks: Int32Array;
  /** The policy may store each candidate's score here (any unit); `decisions.jsonl` records it. */
  readonly scores: Float64Array;
  readonly random: RandomStream;
}

/** Returned by `pick` to hold the request: the host calls `pick` again at the next event. */
export const HOLD = -1;

export interface RoutingPolicy {
  /** What `pick` reads besides requests and prefill tokens; the rest is not computed. */
  readonly reads: readonly ("blocks" | "overlap" | "activeBlocks")[];
  /**
   * Source of `overlapBlocks`. `events`: the workers' KV events. `predicted`: the index assumes that
   * each routed prompt is cached on its worker for `ttlMs` after its last use, and keeps at most
   * `maxBlocksPerWorker` blocks for each worker (the least recently used are dropped).
   */
  readonly index?:
    | { readonly source: "events" }
    | {
        readonly source: "predicted";
        readonly ttlMs?: number;
        readonly maxBlocksPerWorker?: number;
      };
  /** Index of the chosen candidate, one of `view.eligible`, or `HOLD`. Must not keep `view`. */
  pick(request: RouteRequest, view: RoutingView): number;
  /**
   * Order of held requests, called once when a request is held or would wait behind held ones: `pick` is
   * called first for the highest; equal ones go in the order of arrival. Without it all are equal.
   */
  urgency?(request: RouteRequest, view: RoutingView): number;
  /** The request was sent to the candidate. */
  dispatched?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** Its first output token arrived. */
  firstToken?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** It ended there: finished, failed, was aborted, or is about to be sent to another worker. */
  ended?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** A new cell starts: clear all state. */
  reset?(): void;
}
