/**
 * The life of a request from its arrival at a router to the end of its answer: one state machine for
 * the gateway and for the simulator. It decides what happens next: which stage a request is in, whether
 * it may be tried on another worker, when the KV that a prefill worker keeps is no longer needed, and
 * with what error a request ends. Events are the methods of `RequestLife`, effects are the methods of
 * `LifeCommands`. The gateway turns effects into sockets, the simulator into events on its heap.
 *
 * A request on workers that do all of it has one stage, "aggregated". On split workers it has two:
 * "prefill", then "decode". A decode worker is picked when the prompt is computed, as Dynamo does it
 * (1.6, `prefill_router/mod.rs`) where decode workers read the KV from prefill workers.
 */
import { messageOf } from "../base/errors.ts";
import type { WorkerRole } from "../contract/request.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";
import { NoWorkerFault } from "./routing-fault.ts";
import { atStage } from "./stage.ts";

/** A stage goes to at most this many workers: a second failure is more than one worker's bad luck. */
const MAX_TRIES = 2;

/** Not at any worker. */
export const NOWHERE = -1;

/** An error that the router itself answers with. `type` is stable, for programs. */
export interface RouterError {
  readonly status: number;
  readonly type:
    "invalid_request_error" | "no_worker_available" | "policy_fault" | "upstream_error";
  readonly message: string;
}

/**
 * What a life asks of its host, at once and in this order. A host may report the outcome of `route` and
 * of `send` before they return or later.
 */
export interface LifeCommands<Request> {
  /** Ask the policy about `life.stageRequest`, without `life.tried`. Outcome: `routed`, `held` or `unroutable`. */
  route(request: Request): void;
  /** Send the present stage to the candidate. `wasHeld`: the policy had kept it back. */
  send(request: Request, candidate: number, wasHeld: boolean): void;
  /** The worker was lost before it answered, and the request goes to another one. For counters. */
  retried(request: Request): void;
  /** Report the first token and the end of the prefill stage to the policy host. */
  prefillEnded(request: Request): void;
  /** Report the answer's first token to the policy host. */
  firstToken(request: Request): void;
  /** Nobody will read the KV that `life.prefillWorker` keeps: have it released. */
  releaseKv(request: Request): void;
  /** The policy failed. For counters and the log. */
  policyFailed(error: unknown): void;
  /** Answer the client with an error. It has received nothing yet. */
  answerError(request: Request, error: RouterError): void;
  /** End the answer, which the client has in part. */
  breakOff(request: Request, message: string): void;
  /** Stop the worker's work on the request, where it has any. */
  cancel(request: Request): void;
  /** Last of all, and once: report the end to the policy host, and forget the request. */
  ended(request: Request): void;
}

/** Fields are for hosts to read; only events change them. Events after the end have no effect. */
export class RequestLife<Request extends RouteRequest> {
  readonly request: Request;
  /** The request in its present stage: what the policy is asked about. */
  stageRequest: RouteRequest;
  /** Candidate that the present stage was sent to last; `NOWHERE` before. */
  worker = NOWHERE;
  /** Candidate that computed the prompt, while the request is in its decode stage; else `NOWHERE`. */
  prefillWorker = NOWHERE;
  /** Candidates of the present stage that were lost. Replaced and never changed: hosts keep it. */
  tried: ReadonlySet<number> | undefined;
  /** The policy has not decided yet. */
  isHeld = false;
  /** The first token came, or an answer without one: a worker's error. */
  hasToken = false;
  isOver = false;
  /** The client has a part of an answer: no second try from here on. */
  #isAnswered = false;
  #triedInOtherStage: ReadonlySet<number> | undefined;
  readonly #commands: LifeCommands<Request>;

  /** `isSplit`: it goes to a prefill worker and then to a decode worker. */
  constructor(
    request: Request,
    { isSplit, commands }: { isSplit: boolean; commands: LifeCommands<Request> },
  ) {
    this.request = request;
    this.#commands = commands;
    this.stageRequest = isSplit ? atStage(request, "prefill") : request;
  }

  get stage(): WorkerRole {
    return this.stageRequest.stage;
  }

  /** How many workers of the present stage were lost. */
  get retries(): number {
    return this.tried?.size ?? 0;
  }

  /** It is at its router. */
  arrived(): void {
    this.#commands.route(this.request);
  }

  /** The policy picked the candidate, at once or after it held the request. */
  routed(candidate: number): void {
    if (this.isOver) return;
    const { isHeld } = this;
    this.isHeld = false;
    this.worker = candidate;
    this.#commands.send(this.request, candidate, isHeld);
  }

  /** The policy keeps the request back. */
  held(): void {
    this.isHeld = true;
  }

  /** Nobody can take the request, or the policy failed: `error` is what the policy host threw or reported. */
  unroutable(error: unknown): void {
    if (this.isOver) return;
    this.isHeld = false;
    const message = messageOf(error);
    if (error instanceof NoWorkerFault) {
      this.#fail({ status: 503, type: "no_worker_available", message });
    } else {
      this.#commands.policyFailed(error);
      this.#fail({ status: 500, type: "policy_fault", message });
    }
  }

  /** The request is one that no worker can be sent. */
  unsendable(message: string): void {
    if (this.isOver) return;
    this.#fail({ status: 400, type: "invalid_request_error", message });
  }

  /** The prefill worker has computed the prompt and keeps its KV; `fault`: it did not name the place. */
  prefilled(fault?: string): void {
    if (this.isOver) return;
    this.#commands.prefillEnded(this.request);
    if (fault !== undefined) {
      this.#fail({ status: 502, type: "upstream_error", message: fault });
      return;
    }
    const { worker } = this;
    this.#enter("decode");
    this.prefillWorker = worker;
    this.#commands.route(this.request);
  }

  /** The worker's answer began. A decode worker has read the prompt's KV by then and released it. */
  answered(): void {
    this.#isAnswered = true;
  }

  /** The worker answers with an error, which is passed on. Its end is `finished` too. */
  refused(): void {
    if (this.isOver) return;
    this.#releaseKv();
    this.#isAnswered = true;
    this.hasToken = true;
  }

  /** May be called without `answered` where the first token is the beginning of the answer. */
  firstToken(): void {
    if (this.isOver) return;
    this.#isAnswered = true;
    this.hasToken = true;
    this.#commands.firstToken(this.request);
  }

  /** The worker's answer is complete. */
  finished(): void {
    this.#end();
  }

  /** The worker died, refused the connection or broke it. `mayRetry`: another one may do better. */
  lost(why: string, mayRetry = true): void {
    if (this.isOver) return;
    if (this.#isAnswered) {
      this.#commands.breakOff(this.request, `The answer broke off: ${why}`);
      this.#end();
      return;
    }
    this.tried = new Set(this.tried).add(this.worker);
    if (!mayRetry || this.tried.size >= MAX_TRIES) {
      this.#fail({ status: 502, type: "upstream_error", message: `No worker answered: ${why}` });
      return;
    }
    this.#commands.retried(this.request);
    this.#releaseKv();
    // The KV that a decode worker had read is lost with it, and the prefill worker may have released
    // its own: the prompt is computed again, from what the prefill worker's cache has of it.
    if (this.stage === "decode") this.#enter("prefill");
    this.#commands.route(this.request);
  }

  /** The client left, or waited as long as it would. */
  aborted(): void {
    if (this.isOver) return;
    this.#commands.cancel(this.request);
    this.#end();
  }

  #enter(stage: WorkerRole): void {
    this.stageRequest = atStage(this.request, stage);
    this.worker = NOWHERE;
    this.prefillWorker = NOWHERE;
    const { tried } = this;
    this.tried = this.#triedInOtherStage;
    this.#triedInOtherStage = tried;
  }

  #fail(error: RouterError): void {
    this.#commands.answerError(this.request, error);
    this.#end();
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#releaseKv();
    this.#commands.ended(this.request);
  }

  #releaseKv(): void {
    if (this.prefillWorker !== NOWHERE && !this.#isAnswered) this.#commands.releaseKv(this.request);
  }
}
