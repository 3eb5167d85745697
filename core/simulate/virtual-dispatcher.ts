/**
 * The simulator's side of the life of a request (`routing/request-life.ts`), as `gateway/dispatcher.ts`
 * is the live one: asks the routers, submits to the workers, and reports what they do as events of the
 * life. It has no sockets: what takes time is an event on the heap.
 */
import { messageOf } from "../base/errors.ts";
import type { RequestError } from "../contract/record.ts";
import { HOLD } from "../contract/routing-policy.ts";
import type { LifeCommands } from "../routing/request-life.ts";
import { isSplit } from "../routing/stage.ts";
import { Cluster, type ClusterEvents } from "./cluster.ts";
import type { EventHeap } from "./event-heap.ts";
import * as event from "./event-kinds.ts";
import { faultsOf, type Fault } from "./faults.ts";
import { HeldWatch } from "./held-watch.ts";
import { LoadSignals } from "./load-signals.ts";
import { Replicas } from "./replicas.ts";
import type { SimRequest } from "./sim-request.ts";
import type { SimCounts, SimOutput, SimTask } from "./sim-task.ts";

export interface VirtualDispatcherOptions extends Pick<ClusterEvents, "decoded" | "late"> {
  readonly task: SimTask;
  readonly output: SimOutput;
  /** Its time is the simulation's. */
  readonly heap: EventHeap;
  readonly counts: SimCounts;
  /** The whole answer has left the worker, and takes no time to the client. */
  finished(request: SimRequest): void;
}

export class VirtualDispatcher {
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly #options: VirtualDispatcherOptions;
  readonly #heap: EventHeap;
  readonly #counts: SimCounts;
  /** Those whose clients wait for an answer, in the order of sending. */
  readonly #requests = new Map<number, SimRequest>();
  readonly #faults: readonly Fault[];
  readonly #routingNs: number;
  readonly #signals: LoadSignals;
  readonly #held: HeldWatch;
  #isStopped = false;
  /** For the lives of its requests. */
  readonly life: { readonly isSplit: boolean; readonly commands: LifeCommands<SimRequest> };

  constructor(options: VirtualDispatcherOptions) {
    const { task, output, heap, counts } = options;
    const { engine, settings } = task;
    this.#options = options;
    this.#heap = heap;
    this.#counts = counts;
    this.#routingNs = Math.round(settings.routingMs * 1e6);
    this.life = { isSplit: isSplit(engine.workers), commands: this.#commands() };
    this.replicas = new Replicas(task, output, {
      onRelease: ({ id }, candidate) => this.#released(this.#requests.get(id)!, candidate),
      onFault: ({ id }, error) => this.#requests.get(id)!.life.unroutable(error),
      hookFailed: (error) => this.#policyFailed(error),
      onLate: () => this.#held.expect(),
    });
    this.cluster = new Cluster(engine, this.#clusterEvents());
    const parts = { cluster: this.cluster, replicas: this.replicas, heap, settings };
    this.#signals = new LoadSignals(parts);
    this.#held = new HeldWatch(parts);
    this.#faults = faultsOf(settings.downs, engine.workers.length);
    for (const [i, { atNs }] of this.#faults.entries()) heap.push(atNs, event.FAULT, i);
  }

  /** Requests whose clients wait for an answer. */
  get inFlight(): SimRequest[] {
    return [...this.#requests.values()];
  }

  /** Undefined once its client has its answer, or has left. */
  request(id: number): SimRequest | undefined {
    return this.#requests.get(id);
  }

  /** The client sends the request. */
  sent(request: SimRequest): void {
    this.#requests.set(request.id, request);
    if (request.networkNs === 0) request.life.arrived();
    else this.#heap.push(this.#heap.timeNs + request.networkNs, event.ROUTE, request.id);
  }

  /** The client has its answer, or leaves: it waits no more. */
  left(request: SimRequest): void {
    this.#requests.delete(request.id);
  }

  /** The client left without a whole answer. */
  aborted(request: SimRequest): void {
    const { life, error } = request;
    // Where the whole answer was on the wire its end is reported twice, now and when it left the worker,
    // and routers ask once more for what they hold. A gateway reports it once.
    if (life.isOver && error === undefined) this.#reportEnd(request);
    life.aborted();
  }

  /** From here on ends are not reported to routers, so that they send nothing that they hold. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Handles an event of routers or workers. */
  handle(kind: number, subject: number): void {
    const { timeNs } = this.#heap;
    if (event.isStep(kind)) return this.cluster.advance(subject, timeNs);
    if (kind === event.FAULT) return this.#fault(this.#faults[subject]!);
    if (kind === event.RELEASE) return this.cluster.release(subject, timeNs);
    if (kind === event.LOOK_AT_HELD) return this.#held.look(timeNs);
    if (this.#signals.deliver(kind, subject, timeNs)) return;
    const request = this.#requests.get(subject);
    if (request === undefined) return;
    if (kind === event.DISPATCH) this.#submit(request);
    else if (request.life.stage === "decode") this.#route(request);
    else request.life.arrived();
  }

  #commands(): LifeCommands<SimRequest> {
    return {
      // A decode stage begins within a step of the prefill worker, so it is routed by an event of its own.
      route: (request) => {
        if (request.life.stage !== "decode") this.#route(request);
        else this.#heap.push(this.#heap.timeNs, event.ROUTE, request.id);
      },
      send: (request, candidate, wasHeld) => this.#send(request, candidate, wasHeld),
      retried: (request) => {
        this.#counts.retries += 1;
        request.cachedTokens = undefined;
      },
      prefillEnded: ({ id }) => this.#signals.prefilled(id, this.#heap.timeNs),
      firstToken: ({ id }) => this.#signals.firstToken(id, this.#heap.timeNs),
      releaseKv: ({ id, error }) => {
        // An error can arise within a step of a worker, which may be the prefill worker.
        if (error === undefined) this.cluster.release(id, this.#heap.timeNs);
        else this.#heap.push(this.#heap.timeNs, event.RELEASE, id);
      },
      policyFailed: (error) => this.#policyFailed(error),
      answerError: (request, { status, message }) =>
        this.#fail(request, { kind: "status", message }, { status, byRouter: true }),
      breakOff: (request, message) =>
        this.#fail(
          request,
          { kind: "error-frame", message },
          { status: undefined, byRouter: true },
        ),
      cancel: (request) => {
        if (!request.isSubmitted) return;
        request.isSubmitted = false;
        this.cluster.abort(request.life.worker, request.id, this.#heap.timeNs);
      },
      ended: (request) => {
        // A gateway reports every end, and its host ignores those of unknown requests. Here the hosts
        // never booked what they could not route, and forgot what was at a worker when it died.
        if (request.error?.byRouter !== true) this.#reportEnd(request);
      },
    };
  }

  #clusterEvents(): ClusterEvents {
    const { decoded, late } = this.#options;
    const heap = this.#heap;
    return {
      wake: (worker, atNs) => heap.push(atNs, event.stepKind(atNs, heap.timeNs), worker),
      prefilled: (request) => {
        request.isSubmitted = false;
        request.life.prefilled();
      },
      received: ({ id }) => heap.push(heap.timeNs, event.RELEASE, id),
      firstToken: (request, atNs) => {
        request.firstTokenNs = atNs + request.networkNs;
        request.life.firstToken();
      },
      finished: (request, atNs) => {
        request.isSubmitted = false;
        request.life.finished();
        if (request.networkNs === 0) this.#options.finished(request);
        else heap.push(atNs + request.networkNs, event.END, request.id);
      },
      decoded,
      late,
      caches: this.replicas,
    };
  }

  #route(request: SimRequest): void {
    const { life } = request;
    const { timeNs } = this.#heap;
    if (this.replicas.needsEvents) this.cluster.settleCaches(timeNs);
    this.replicas.deliver(timeNs);
    let candidate: number;
    try {
      candidate = this.replicas.route(request, timeNs);
    } catch (error) {
      return life.unroutable(error);
    }
    if (candidate !== HOLD) return life.routed(candidate);
    life.held();
    this.#counts.held += 1;
    this.#held.start();
  }

  #released(request: SimRequest, candidate: number): void {
    request.life.routed(candidate);
    this.replicas.copyPick(request, candidate, this.#heap.timeNs);
  }

  /** A release is part of another effect, so what was held leaves by an event of its own. */
  #send(request: SimRequest, candidate: number, wasHeld: boolean): void {
    this.#counts.decisions += 1;
    this.replicas.decided(request, candidate);
    if (this.#routingNs === 0 && !wasHeld) this.#submit(request);
    else this.#heap.push(this.#heap.timeNs + this.#routingNs, event.DISPATCH, request.id);
  }

  #submit(request: SimRequest): void {
    const { life } = request;
    if (this.cluster.model(life.worker) === undefined) return this.#lost(request);
    const refusal = this.cluster.submit(life.worker, request, this.#heap.timeNs);
    request.isSubmitted = refusal === undefined;
    if (refusal === undefined) return;
    this.#fail(request, { kind: "status", message: refusal }, { status: 400, byRouter: false });
    life.refused();
    life.finished();
  }

  #fault({ worker, alive }: Fault): void {
    const { timeNs } = this.#heap;
    if (alive) this.cluster.revive(worker);
    else this.cluster.kill(worker, timeNs);
    this.replicas.setAlive(worker, alive, timeNs);
    if (alive) return;
    for (const request of this.inFlight) {
      if (request.life.worker !== worker || !request.isSubmitted) continue;
      request.isSubmitted = false;
      this.#lost(request);
    }
  }

  #lost({ life }: SimRequest): void {
    life.lost(`${this.cluster.ids[life.worker]!}: the worker died`);
  }

  /** An error is the request's answer, and is on its way to the client. */
  #fail(
    request: SimRequest,
    error: RequestError,
    from: { readonly status: number | undefined; readonly byRouter: boolean },
  ): void {
    this.cluster.stopCounting(request);
    request.isSubmitted = false;
    request.error = { error, ...from };
    this.#heap.push(this.#heap.timeNs + request.networkNs, event.END, request.id);
  }

  #reportEnd(request: SimRequest): void {
    if (!this.#isStopped) this.#signals.ended(request, this.#heap.timeNs);
  }

  #policyFailed(error: unknown): void {
    this.#counts.policyFaults += 1;
    this.#counts.firstPolicyFault ??= messageOf(error);
  }
}
