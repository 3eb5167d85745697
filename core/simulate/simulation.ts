/**
 * One cell on the virtual clock: load → policy → workers → records, by events on one heap.
 *
 * Nothing here decides anything that has a live counterpart: the life of a request and the host of a
 * policy are the gateway's, workers are the engine's models, the load is the generator's queue and
 * timetable. Here is the clock, and what the clients do: they send, wait, and keep records. Two effects
 * of one moment never run inside one another: a request released from a policy's queue, or sent by a
 * slot just freed, is an event of its own.
 */
import { BlocksAhead } from "./blocks-ahead.ts";
import { EventHeap } from "./event-heap.ts";
import * as event from "./event-kinds.ts";
import type { Cluster } from "./cluster.ts";
import type { Replicas } from "./replicas.ts";
import { SimRequest } from "./sim-request.ts";
import { noCounts, type SimCounts, type SimOutput, type SimTask } from "./sim-task.ts";
import { Timeouts } from "./timeouts.ts";
import { VirtualDispatcher } from "./virtual-dispatcher.ts";
import { VirtualLoad, type Sending } from "./virtual-load.ts";
import { DynbenchError } from "../base/errors.ts";
import { WeightedSamples } from "../statistics/weighted-samples.ts";
import { randomStream, type RandomStream } from "../base/random.ts";
import type { SimSettings } from "../contract/plan.ts";
import type { RequestError } from "../contract/record.ts";

/** More events than this without time moving on are a model that stands still, not a busy moment. */
const MAX_EVENTS_AT_ONCE = 10_000_000;

export class Simulation {
  /** Gaps between tokens of measured requests, in nanoseconds. Those of answers that broke off later are among them. */
  readonly gaps = new WeightedSamples();
  readonly counts: SimCounts = noCounts();

  readonly #task: SimTask;
  readonly #output: SimOutput;
  readonly #load: VirtualLoad;
  readonly #heap = new EventHeap();
  readonly #blocks: BlocksAhead;
  readonly #dispatcher: VirtualDispatcher;
  readonly #timeouts: Timeouts;
  readonly #network: Network;
  /** When the next sending is due, so that it is on the heap once. */
  #sendNs = Infinity;
  #eventsNow = 0;
  #isStopped = false;

  constructor(task: SimTask, output: SimOutput) {
    const { cell, engine, settings } = task;
    this.#task = task;
    this.#output = output;
    this.#network = new Network(settings, cell.seed);
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
    this.#dispatcher = new VirtualDispatcher({
      task,
      output,
      heap: this.#heap,
      counts: this.counts,
      finished: (request) => this.#complete(request),
      decoded: (decoders, run) => {
        if (this.#load.phase === "measured") this.gaps.addDecodeRun(run, decoders);
      },
      late: (gapNs) => {
        if (this.#load.phase === "measured") this.gaps.add(gapNs);
      },
    });
    this.#sendAt(0);
  }

  get nowNs(): number {
    return this.#heap.timeNs;
  }

  get cluster(): Cluster {
    return this.#dispatcher.cluster;
  }

  get replicas(): Replicas {
    return this.#dispatcher.replicas;
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
      this.#turn();
      this.#handle(this.#heap.kind, this.#heap.subject);
      this.#output.onEvent?.(this.nowNs);
    }
    return false;
  }

  /** Breaks everything off now; what was in flight is recorded as aborted. */
  stop(message = "the load was stopped"): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#dispatcher.stop();
    for (const request of this.#dispatcher.inFlight) {
      this.#break(request, { kind: "aborted", message });
    }
    this.#close();
  }

  #close(): true {
    this.#isStopped = true;
    this.#dispatcher.stop();
    this.#heap.clear();
    this.#load.close();
    this.counts.eventsApplied = this.replicas.eventsApplied;
    return true;
  }

  /** Goes on to the next event. */
  #turn(): void {
    const beforeNs = this.nowNs;
    if (!this.#heap.pop()) throw stuck(this.counts.sent);
    const { nowNs } = this;
    if (nowNs < beforeNs) throw new Error(`Time went back: ${beforeNs} to ${nowNs}`);
    this.#eventsNow = nowNs === beforeNs ? this.#eventsNow + 1 : 0;
    if (this.#eventsNow > MAX_EVENTS_AT_ONCE) throw new Error(`Time stands still at ${nowNs} ns`);
    this.counts.events += 1;
  }

  #handle(kind: number, subject: number): void {
    if (kind === event.SEND) this.#send();
    else if (kind === event.TIMEOUT) this.#giveUp();
    else if (kind === event.END) this.#answered(subject);
    else this.#dispatcher.handle(kind, subject);
  }

  #send(): void {
    if (this.#sendNs !== this.nowNs) return; // an earlier one took its place
    this.#sendNs = Infinity;
    for (;;) {
      const sending = this.#load.take(this.nowNs);
      if (sending === undefined) break;
      this.#launch(sending);
      if (this.#load.isOverloaded) return this.#overloaded();
      // What the look-ahead does not hold yet may be due as well.
      if (this.#load.fill() !== undefined) return this.#sendAt(this.nowNs);
    }
    this.#sendAt(this.#load.nextNs);
  }

  #launch({ spec, intendedNs, lane, target }: Sending): void {
    const request = new SimRequest(spec, {
      blocks: this.#blocks.take(spec.index),
      blockSize: this.#task.engine.limits.blockSize,
      phase: this.#load.phase,
      intendedNs,
      sentNs: this.nowNs,
      lane,
      replica: target,
      sendsKey: this.#task.sendsKey,
      networkNs: this.#network.next(),
      life: this.#dispatcher.life,
    });
    this.counts.sent += 1;
    this.counts.inFlight += 1;
    this.#timeouts.sent(request.id, this.nowNs);
    this.#dispatcher.sent(request);
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
    const isInFlight = (id: number): boolean => this.#dispatcher.request(id) !== undefined;
    for (const id of this.#timeouts.takeDue(this.nowNs, isInFlight)) {
      this.#break(this.#dispatcher.request(id)!, { kind: "timeout", message });
    }
  }

  /** The end of an answer is at its client, who may have left by now. */
  #answered(id: number): void {
    const request = this.#dispatcher.request(id);
    if (request === undefined) return;
    const { error } = request;
    if (error === undefined) this.#complete(request);
    else this.#break(request, error.error, error.status);
  }

  #complete(request: SimRequest): void {
    const { ids } = this.cluster;
    const record = request.completed(this.#task.cell.id, { atNs: this.nowNs, ids });
    this.counts.done += 1;
    this.#leave(request);
    this.#output.onRecord(record);
  }

  /** For its client it ends here, without a whole answer. */
  #break(request: SimRequest, error: RequestError, status?: number): void {
    if (request.isSubmitted) this.cluster.settle(request.life.worker, this.nowNs);
    // Its last token may have come in this very moment.
    if (this.#dispatcher.request(request.id) === undefined) return;
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
    this.#dispatcher.aborted(request);
    this.#output.onRecord(record);
  }

  #leave(request: SimRequest): void {
    this.counts.inFlight -= 1;
    if (this.counts.inFlight === 0) this.cluster.flush(); // a phase may end
    this.#dispatcher.left(request);
    this.#load.ended(request, this.nowNs);
    if (!this.#isStopped) this.#sendAt(this.#load.nextNs);
  }
}

/**
 * Time that a request spends on the wire each way: a fixed part, and where a live system's timing
 * never repeats an exponential part of its own for each request. Drawn in the order of sending.
 */
export class Network {
  readonly #fixedNs: number;
  readonly #jitterNs: number;
  readonly #random: RandomStream;

  constructor(settings: SimSettings, seed: number) {
    this.#fixedNs = Math.round(settings.networkMs * 1e6);
    this.#jitterNs = settings.networkJitterMs * 1e6;
    // Another jitter is another draw, so that runs of one plan can differ in it alone.
    this.#random = randomStream(seed, "network", settings.networkJitterMs);
  }

  /** One way, of the request that is sent next. */
  next(): number {
    if (this.#jitterNs === 0) return this.#fixedNs;
    return this.#fixedNs + Math.round(this.#random.exponential(this.#jitterNs));
  }
}

/** An open loop that sends more than the workers serve would fill memory and never end. */
function overloaded(inFlight: number, elapsedS: number): DynbenchError {
  return new DynbenchError(
    "load",
    `Stopped the load: ${inFlight} requests were in flight after ${elapsedS.toFixed(1)} s, more is sent than served`,
    { hint: "Lower --rate, or cap the requests in flight with --concurrency" },
  );
}

/** Nothing will ever happen again, and requests are left. */
function stuck(sent: number): DynbenchError {
  return new DynbenchError(
    "load",
    `Cannot go on after ${sent} requests: the others wait for requests that are never sent`,
    { hint: "Mend the workload: a request may only wait for an earlier one of the same cell" },
  );
}
