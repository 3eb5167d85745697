/**
 * One cell on the virtual clock: load → policy → workers → records, by events on one heap.
 *
 * Nothing here decides anything that has a live counterpart: policies are asked by the gateway's
 * host, workers are the engine's models, the load is the generator's queue and timetable. Two effects
 * of one moment never run inside one another: a request released from a policy's queue, or sent by a
 * slot just freed, is an event of its own.
 */
import { BlocksAhead } from "./blocks-ahead.ts";
import { EventHeap } from "./event-heap.ts";
import * as event from "./event-kinds.ts";
import { Cluster } from "./cluster.ts";
import { HeldWatch } from "./held-watch.ts";
import { KeptPrompts } from "./kept-prompts.ts";
import { LoadSignals } from "./load-signals.ts";
import { Network } from "./network.ts";
import { Replicas } from "./replicas.ts";
import { SimRequest } from "./sim-request.ts";
import { faultsOf, type Fault } from "./faults.ts";
import { overloaded, stuck } from "./sim-errors.ts";
import { noCounts, type SimCounts, type SimOutput, type SimTask } from "./sim-task.ts";
import { Timeouts } from "./timeouts.ts";
import { VirtualLoad } from "./virtual-load.ts";
import { messageOf } from "../base/errors.ts";
import { WeightedSamples } from "../metrics/statistics/weighted-samples.ts";
import { randomStream } from "../base/random.ts";
import type { RequestError } from "../contract/record.ts";
import { NoWorkerFault } from "../routing/routing-fault.ts";
import { isSplit } from "../routing/stage.ts";
import { HOLD } from "../contract/routing-policy.ts";

/** A request goes to at most this many workers, as in the gateway. */
const MAX_TRIES = 2;
/** More events than this without time moving on are a model that stands still, not a busy moment. */
const MAX_EVENTS_AT_ONCE = 10_000_000;

export class Simulation {
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  /** Gaps between tokens of measured requests, in nanoseconds. Those of answers that broke off later are among them. */
  readonly gaps = new WeightedSamples();
  readonly counts: SimCounts = noCounts();
  nowNs = 0;

  readonly #task: SimTask;
  readonly #output: SimOutput;
  readonly #load: VirtualLoad;
  readonly #heap = new EventHeap();
  readonly #blocks: BlocksAhead;
  readonly #flights = new Map<number, SimRequest>();
  readonly #timeouts: Timeouts;
  readonly #faults: readonly Fault[];
  readonly #network: Network;
  readonly #routingNs: number;
  readonly #signals: LoadSignals;
  readonly #held: HeldWatch;
  readonly #kept = new KeptPrompts();
  readonly #isSplit: boolean;
  /** When the next sending is due, so that it is on the heap once. */
  #sendNs = Infinity;
  #eventsNow = 0;
  #isStopped = false;

  constructor(task: SimTask, output: SimOutput) {
    const { cell, engine, settings } = task;
    this.#task = task;
    this.#output = output;
    this.#network = new Network(settings, cell.seed);
    this.#routingNs = Math.round(settings.routingMs * 1e6);
    this.#isSplit = isSplit(engine.workers);
    this.#blocks = new BlocksAhead(engine.limits.blockSize, task.pooledBlocks);
    this.#timeouts = new Timeouts(Math.round(cell.load.timeoutS * 1e9), (atNs) =>
      this.#heap.push(atNs, event.TIMEOUT, 0),
    );
    this.#load = new VirtualLoad({
      load: cell.load,
      requests: task.requests,
      random: randomStream(cell.seed, "arrivals"),
      targets: task.replicas,
      onPulled: (spec) => this.#blocks.add(spec, this.#load.phase === "measured"),
    });
    this.replicas = new Replicas(task, output, {
      onRelease: (request, candidate) => this.#released(request.id, candidate),
      onFault: (request, error) => this.#unroutable(this.#flights.get(request.id)!, error),
      hookFailed: (error) => this.#policyFault(error),
      onLate: () => this.#held.expect(),
    });
    this.cluster = new Cluster(engine, {
      wake: (worker, atNs) => this.#heap.push(atNs, event.stepKind(atNs, this.nowNs), worker),
      prefilled: (request, atNs) => this.#prefilled(request, atNs),
      received: ({ id }) => this.#heap.push(this.nowNs, event.RELEASE, id),
      firstToken: (request, atNs) => this.#firstToken(request, atNs),
      finished: (request, atNs) => this.#finished(request, atNs),
      decoded: (decoders, run) => {
        if (this.#load.phase === "measured") this.gaps.addDecodeRun(run, decoders);
      },
      late: (gapNs) => {
        if (this.#load.phase === "measured") this.gaps.add(gapNs);
      },
      caches: this.replicas,
    });
    const parts = { cluster: this.cluster, replicas: this.replicas, heap: this.#heap, settings };
    this.#signals = new LoadSignals(parts);
    this.#held = new HeldWatch(parts);
    this.#faults = faultsOf(settings.downs, engine.workers.length);
    for (const [i, { atNs }] of this.#faults.entries()) this.#heap.push(atNs, event.FAULT, i);
    this.#sendAt(0);
  }

  /** What any router could have reached on the requests that came in. */
  get bounds(): BlocksAhead["bounds"] {
    return this.#blocks.bounds;
  }

  /**
   * Handles up to `events` events. `true`: everything has ended. A promise: the workload must be
   * waited for; call again after it.
   */
  run(events: number): boolean | Promise<void> {
    for (let left = events; left > 0; left -= 1) {
      if (this.#isStopped) return true;
      if (this.#load.nextPhase(this.nowNs)) this.#sendAt(this.nowNs);
      const more = this.#load.fill();
      if (more !== undefined) return more;
      if (this.#load.isDone) return this.#close();
      if (!this.#heap.pop()) throw stuck(this.counts.sent);
      this.#turn(this.#heap.timeNs);
      this.#handle(this.#heap.kind, this.#heap.subject);
      this.#output.onEvent?.(this.nowNs);
    }
    return false;
  }

  /** Breaks everything off now; what was in flight is recorded as aborted. */
  stop(message = "the load was stopped"): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const request of [...this.#flights.values()]) {
      this.#break(request, { kind: "aborted", message });
    }
    this.#close();
  }

  #close(): true {
    this.#isStopped = true;
    this.#heap.clear();
    this.#load.close();
    this.counts.eventsApplied = this.replicas.eventsApplied;
    return true;
  }

  #turn(timeNs: number): void {
    if (timeNs < this.nowNs) throw new Error(`Time went back: ${this.nowNs} to ${timeNs}`);
    this.#eventsNow = timeNs === this.nowNs ? this.#eventsNow + 1 : 0;
    if (this.#eventsNow > MAX_EVENTS_AT_ONCE) throw new Error(`Time stands still at ${timeNs} ns`);
    this.nowNs = timeNs;
    this.counts.events += 1;
  }

  #handle(kind: number, subject: number): void {
    if (event.isStep(kind)) return this.cluster.advance(subject, this.nowNs);
    if (kind === event.SEND) return this.#send();
    if (kind === event.FAULT) return this.#fault(subject);
    if (kind === event.RELEASE) return this.#letGo(subject);
    if (this.#signals.deliver(kind, subject, this.nowNs)) return;
    if (kind === event.TIMEOUT) return this.#giveUp();
    if (kind === event.LOOK_AT_HELD) return this.#held.look(this.nowNs);
    const request = this.#flights.get(subject);
    if (request === undefined) return;
    if (kind === event.ROUTE) this.#route(request);
    else if (kind === event.DISPATCH) this.#dispatch(request);
    else if (request.refusal === undefined) this.#complete(request);
    else this.#break(request, request.refusal.error, request.refusal.status);
  }

  #send(): void {
    if (this.#sendNs !== this.nowNs) return; // an earlier one took its place
    this.#sendNs = Infinity;
    for (;;) {
      const sending = this.#load.take(this.nowNs);
      if (sending === undefined) break;
      const { spec, intendedNs, lane, target } = sending;
      const request = new SimRequest(spec, {
        blocks: this.#blocks.take(spec.index),
        blockSize: this.#task.engine.limits.blockSize,
        phase: this.#load.phase,
        intendedNs,
        sentNs: this.nowNs,
        lane,
        replica: target,
        sendsKey: this.#task.sendsKey,
        isSplit: this.#isSplit,
        networkNs: this.#network.next(),
      });
      this.#launch(request);
      if (this.#load.isOverloaded) return this.#overloaded();
      // What the look-ahead does not hold yet may be due as well.
      if (this.#load.fill() !== undefined) return this.#sendAt(this.nowNs);
    }
    this.#sendAt(this.#load.nextNs);
  }

  #launch(request: SimRequest): void {
    this.counts.sent += 1;
    this.counts.inFlight += 1;
    this.#flights.set(request.id, request);
    this.#timeouts.sent(request.id, this.nowNs);
    if (request.networkNs === 0) this.#route(request);
    else this.#heap.push(this.nowNs + request.networkNs, event.ROUTE, request.id);
  }

  #sendAt(atNs: number): void {
    const dueNs = Math.max(atNs, this.nowNs);
    if (dueNs >= this.#sendNs) return;
    this.#sendNs = dueNs;
    this.#heap.push(dueNs, event.SEND, 0);
  }

  #overloaded(): never {
    const error = overloaded(this.counts.inFlight, this.nowNs / 1e9);
    this.stop(error.message);
    throw error;
  }

  #giveUp(): void {
    const message = `no complete answer within ${this.#task.cell.load.timeoutS} s`;
    for (const id of this.#timeouts.takeDue(this.nowNs, (each) => this.#flights.has(each))) {
      this.#break(this.#flights.get(id)!, { kind: "timeout", message });
    }
  }

  #route(request: SimRequest): void {
    if (this.replicas.needsEvents) this.cluster.settleCaches(this.nowNs);
    this.replicas.deliver(this.nowNs);
    let candidate: number;
    try {
      candidate = this.replicas.route(request, this.nowNs);
    } catch (error) {
      return this.#unroutable(request, error);
    }
    if (candidate !== HOLD) return this.#decided(request, candidate);
    request.isHeld = true;
    this.counts.held += 1;
    this.#held.start();
  }

  #decided(request: SimRequest, candidate: number): void {
    this.counts.decisions += 1;
    request.worker = candidate;
    this.replicas.decided(request, candidate);
    const isAtOnce = this.#routingNs === 0 && !request.isHeld;
    request.isHeld = false;
    if (isAtOnce) this.#dispatch(request);
    else this.#heap.push(this.nowNs + this.#routingNs, event.DISPATCH, request.id);
  }

  #dispatch(request: SimRequest): void {
    const { worker } = request;
    if (this.cluster.model(worker) === undefined) return this.#lost(request);
    const refusal = this.cluster.submit(worker, request, this.nowNs);
    request.isSubmitted = refusal === undefined;
    if (refusal === undefined) return;
    this.#refuse(request, { kind: "status", message: refusal }, 400);
    this.#tellEnd(request);
  }

  #released(requestId: number, candidate: number): void {
    const request = this.#flights.get(requestId)!;
    this.#decided(request, candidate);
    this.replicas.tellOthers(request, candidate, this.nowNs);
  }

  #unroutable(request: SimRequest, error: unknown): void {
    const isNobody = error instanceof NoWorkerFault;
    if (!isNobody) this.#policyFault(error);
    this.#refuse(request, { kind: "status", message: messageOf(error) }, isNobody ? 503 : 500);
  }

  #policyFault(error: unknown): void {
    this.counts.policyFaults += 1;
    this.counts.firstPolicyFault ??= messageOf(error);
  }

  /**
   * Its prompt is computed; only now a decode worker is picked, as by Dynamo (1.6,
   * `prefill_router/mod.rs`) where decode workers read from prefill workers.
   */
  #prefilled(request: SimRequest, atNs: number): void {
    request.isSubmitted = false;
    this.#kept.keep(request.id, request.worker);
    this.#signals.prefilled(request.id, atNs);
    request.beginDecode();
    this.#heap.push(atNs, event.ROUTE, request.id);
  }

  #letGo(id: number): void {
    this.#kept.letGo(id, (worker) => this.cluster.release(worker, id, this.nowNs));
  }

  #firstToken(request: SimRequest, atNs: number): void {
    request.firstTokenNs = atNs + request.networkNs;
    this.#signals.firstToken(request.id, atNs);
  }

  #finished(request: SimRequest, atNs: number): void {
    request.isSubmitted = false;
    this.#tellEnd(request);
    if (request.networkNs === 0) this.#complete(request);
    else this.#heap.push(atNs + request.networkNs, event.END, request.id);
  }

  #fault(index: number): void {
    const { worker, alive } = this.#faults[index]!;
    if (alive) {
      this.cluster.revive(worker);
      this.replicas.setAlive(worker, true, this.nowNs);
      return;
    }
    this.cluster.kill(worker, this.nowNs);
    this.replicas.setAlive(worker, false, this.nowNs);
    for (const request of [...this.#flights.values()]) {
      if (request.worker !== worker || !request.isSubmitted) continue;
      request.isSubmitted = false;
      this.#lost(request);
    }
  }

  /** Its worker is gone: another one is tried while nothing of an answer has come. */
  #lost(request: SimRequest): void {
    const name = this.cluster.ids[request.worker]!;
    if (request.firstTokenNs !== undefined) {
      const message = `The answer broke off: ${name}: the worker died`;
      return this.#refuse(request, { kind: "error-frame", message });
    }
    request.tried = new Set(request.tried).add(request.worker);
    if (request.tried.size < MAX_TRIES) {
      this.counts.retries += 1;
      request.cachedTokens = undefined;
      this.#letGo(request.id);
      // Its KV is lost with the decode worker. The prefill worker finds it in its cache.
      if (request.leg.stage === "decode") request.beginPrefill();
      return this.#route(request);
    }
    const message = `No worker answered: ${name}: the worker died`;
    this.#refuse(request, { kind: "status", message }, 502);
  }

  #complete(request: SimRequest): void {
    const { ids } = this.cluster;
    const record = request.completed(this.#task.cell.id, { atNs: this.nowNs, ids });
    this.counts.done += 1;
    this.#leave(request);
    this.#output.onRecord(record);
  }

  /** An error is its answer, and travels to the client. Routers count it no more. */
  #refuse(request: SimRequest, error: RequestError, status?: number): void {
    if (this.#isSplit) this.#heap.push(this.nowNs, event.RELEASE, request.id);
    this.cluster.stopCounting(request);
    request.isHeld = false;
    request.isSubmitted = false;
    request.refusal = { error, status };
    this.#heap.push(this.nowNs + request.networkNs, event.END, request.id);
  }

  /** For its client it ends here, without a whole answer. */
  #break(request: SimRequest, error: RequestError, status?: number): void {
    const { worker, isSubmitted } = request;
    if (isSubmitted) this.cluster.settle(worker, this.nowNs);
    // Its last token may have come in this very moment.
    if (!this.#flights.has(request.id)) return;
    this.cluster.stopCounting(request);
    const record = request.broken(this.#task.cell.id, {
      atNs: this.nowNs,
      lastTokenNs: this.cluster.lastTokenNs(request) + request.networkNs,
      ids: this.cluster.ids,
      error,
      status,
    });
    if (error.kind !== "aborted") this.counts.failed += 1;
    this.#leave(request);
    request.isSubmitted = false;
    if (isSubmitted) this.cluster.abort(worker, request.id, this.nowNs);
    this.#letGo(request.id);
    if (request.refusal === undefined) this.#tellEnd(request);
    this.#output.onRecord(record);
  }

  #leave(request: SimRequest): void {
    this.counts.inFlight -= 1;
    if (this.counts.inFlight === 0) this.cluster.flush(); // a phase may end
    this.#flights.delete(request.id);
    this.#load.ended(request, this.nowNs);
    if (!this.#isStopped) this.#sendAt(this.#load.nextNs);
  }

  #tellEnd(request: SimRequest): void {
    if (!this.#isStopped) this.#signals.ended(request, this.nowNs);
  }
}
