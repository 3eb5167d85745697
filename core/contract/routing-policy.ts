/**
 * The contract of a routing policy: a pure state machine that picks a worker.
 *
 * A policy does no I/O and reads no clock. Its host (`core/routing/host.ts`) keeps the prefix index
 * and the load accounts and delivers events: from HTTP in the gateway, from the event heap in the
 * simulator. So the policy that is benchmarked live is the one that is simulated.
 */
import type { RandomStream } from "../base/random.ts";
import type { WorkerRole } from "./request.ts";

/** A place a request can go to: a worker. Data-parallel ranks inside it are not told apart yet. */
export interface Candidate {
  /** Position in the host's columns; stable for the life of the host. */
  readonly index: number;
  readonly workerId: string;
  readonly rank: number;
  readonly role: WorkerRole;
  /** KV capacity in blocks, where known. */
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
  /** Which pick this is: one for an aggregated engine, two (prefill, then decode) otherwise. */
  readonly stage: WorkerRole;
  readonly session?: string;
  /** Value of the routing header, if the client sent one. */
  readonly key?: string;
  readonly priority: number;
  /** 32-bit hash of the first `tokens` tokens (rounded down to whole blocks; all if fewer). */
  prefixHash(tokens: number): number;
}

/**
 * What the host knows at the moment of the pick. Columns are indexed by `Candidate.index`, reused
 * between picks (do not keep them), and filled only as far as the policy's `reads` asks.
 */
export interface RoutingView {
  readonly nowNs: number;
  /** Tokens per block. */
  readonly blockSize: number;
  readonly candidates: readonly Candidate[];
  /** Indices of the candidates that may be picked now: alive, of the right role, not tried before. */
  readonly eligible: readonly number[];
  /** Requests in flight. */
  readonly requests: Int32Array;
  /** Prompt tokens dispatched there, minus expected hits, whose first token has not come yet. */
  readonly prefillTokens: Float64Array;
  /** Leading blocks of this request that the index believes are cached there. Needs `overlap`. */
  readonly overlapBlocks: Int32Array;
  /**
   * Distinct prompt blocks of the requests in flight there. A decode worker is sent its own copy of
   * every block, so there nothing is counted once for two requests. Needs `activeBlocks`.
   */
  readonly activeBlocks: Int32Array;
  /** Blocks of this request not active there yet: what it would add. Needs `activeBlocks`. */
  readonly addedBlocks: Int32Array;
  /** The policy may leave each candidate's score here (any unit); it goes into `decisions.jsonl`. */
  readonly scores: Float64Array;
  readonly random: RandomStream;
}

/** Returned by `pick` when no worker should get the request now: the host asks again at the next event. */
export const HOLD = -1;

export interface RoutingPolicy {
  /** What `pick` looks at beyond requests and prefill tokens; the rest is not computed. */
  readonly reads: readonly ("blocks" | "overlap" | "activeBlocks")[];
  /**
   * Where `overlapBlocks` comes from. `events`: the workers' own KV events. `predicted`: each routed
   * prompt is believed cached where it went, for `ttlMs` after its last use and at most
   * `maxBlocksPerWorker` blocks (least recently used leave).
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
   * Of a request that is held, or would have to wait behind others: higher is asked for first, equal
   * ones in the order of arrival. Asked once a hold; without it all are equal.
   */
  urgency?(request: RouteRequest, view: RoutingView): number;
  /** The request left for the candidate. */
  dispatched?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** Its first output token came. */
  firstToken?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** It ended there: finished, failed, aborted, or is about to be sent elsewhere. */
  ended?(request: RouteRequest, candidate: number, nowNs: number): void;
  /** A new cell starts: forget everything learnt. */
  reset?(): void;
}
