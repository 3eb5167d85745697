/**
 * Brings the workload's requests into the queue a bounded way ahead of their sending, and builds
 * their bodies there, one at a time between other events, so that a send seldom waits for a body.
 */
import type { RequestBody } from "../prompt/body.ts";
import type { RequestSpec } from "../contract/request.ts";
import {
  AHEAD_BYTES,
  AHEAD_PARKED,
  AHEAD_REQUESTS,
  type QueuedRequest,
  type RequestQueue,
} from "../workload/request-queue.ts";

export interface FeedOptions {
  /** The workload's requests; one iterator serves all phases of a cell. */
  source: Iterator<RequestSpec> | AsyncIterator<RequestSpec>;
  queue: RequestQueue;
  /** Requests of this phase; infinite: as many as there are. */
  count: number;
  /** Due time of the workload's next request. */
  dueNs(spec: RequestSpec): number;
  build(spec: RequestSpec): RequestBody;
  /** Nanoseconds until the next send: building waits while one is near. */
  untilNextNs(): number;
  /** New requests are in the queue, or the source has ended. */
  onMore(): void;
  onError(error: unknown): void;
}

/** A body takes about 0.3 ms, so none is begun this close to a send. */
const KEEP_CLEAR_NS = 500_000;

export class RequestFeed {
  readonly #options: FeedOptions;
  readonly #toBuild: QueuedRequest[] = [];
  #toBuildAt = 0;
  #builtBytes = 0;
  #pulled = 0;
  #isExhausted = false;
  #isPulling = false;
  #isWorking = false;
  #isStopped = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#isExhausted = options.count <= 0;
  }

  /** True when the source has no more requests for this phase. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  get pulled(): number {
    return this.#pulled;
  }

  /** Fills the look-ahead before the phase starts, when nothing is in flight that would suffer. */
  async prime(): Promise<void> {
    for (;;) {
      if (this.#isStopped) return;
      if (this.#wantsMore()) await this.#pull();
      else if (!this.#buildOne()) return;
    }
  }

  /** Goes on pulling and building in the background, as far as the bounds allow. */
  work(): void {
    if (this.#isWorking || this.#isStopped) return;
    if (!this.#wantsMore() && !this.#wantsBody()) return;
    this.#isWorking = true;
    const isNear = this.#options.untilNextNs() < KEEP_CLEAR_NS;
    if (isNear) setTimeout(this.#step, 1);
    else setImmediate(this.#step);
  }

  /** The body of a request that is sent now: built ahead, or built here and so paid as lateness. */
  bodyOf(request: QueuedRequest): RequestBody {
    if (request.body === undefined) return this.#options.build(request.spec);
    this.#builtBytes -= request.body.body.length;
    const { body } = request;
    delete request.body;
    return body;
  }

  /** Requests that waited for another one are scheduled now. */
  released(requests: readonly QueuedRequest[]): void {
    this.#toBuild.push(...requests);
  }

  stop(): void {
    this.#isStopped = true;
  }

  readonly #step = (): void => {
    this.#isWorking = false;
    if (this.#isStopped) return;
    try {
      if (this.#wantsMore()) void this.#pull().catch(this.#options.onError);
      else this.#buildOne();
    } catch (error) {
      this.#options.onError(error);
      return;
    }
    this.work();
  };

  #wantsMore(): boolean {
    const { queue } = this.#options;
    return (
      !this.#isExhausted &&
      !this.#isPulling &&
      queue.scheduled < AHEAD_REQUESTS &&
      queue.held < AHEAD_PARKED
    );
  }

  #wantsBody(): boolean {
    return this.#toBuildAt < this.#toBuild.length && this.#builtBytes < AHEAD_BYTES;
  }

  async #pull(): Promise<void> {
    const step = this.#options.source.next();
    if (step instanceof Promise) {
      this.#isPulling = true;
      try {
        this.#add(await step);
      } finally {
        this.#isPulling = false;
      }
      this.work();
    } else this.#add(step);
  }

  #add(step: IteratorResult<RequestSpec>): void {
    if (this.#isStopped) return;
    if (step.done === true) this.#isExhausted = true;
    else {
      const { value: spec } = step;
      const request = this.#options.queue.add(spec, this.#options.dueNs(spec));
      if (!request.isParked) this.#toBuild.push(request);
      this.#pulled += 1;
      this.#isExhausted = this.#pulled >= this.#options.count;
    }
    this.#options.onMore();
  }

  #buildOne(): boolean {
    while (this.#wantsBody()) {
      const request = this.#toBuild[this.#toBuildAt++]!;
      if (this.#toBuildAt >= AHEAD_REQUESTS) {
        this.#toBuild.splice(0, this.#toBuildAt);
        this.#toBuildAt = 0;
      }
      if (request.isTaken) continue;
      request.body = this.#options.build(request.spec);
      this.#builtBytes += request.body.body.length;
      return true;
    }
    return false;
  }
}
