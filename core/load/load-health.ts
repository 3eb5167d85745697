/**
 * Watches the load process itself: whether it sent in time, whether its event loop was free, and what
 * it used. The verdict rests on it: a run whose generator was busy must not be trusted.
 */
import { monotonicNs } from "../system/clock.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { ClientHealth } from "../contract/result.ts";

const SAMPLE_MS = 20;
/** An hour of samples; from then on every second one is kept, then every fourth, … */
const MAX_SAMPLES = 180_000;

/** CPU and memory of this process, as `process` reports them. */
export interface ProcessUsage {
  /** Of all its threads: the compiler's and the garbage collector's too. */
  cpuSeconds(): number;
  /** Of the thread that asks, which is the one that sends and stamps. */
  threadCpuSeconds(): number;
  maxRssMb(): number;
  /** The wall clock, Unix epoch. */
  epochMs(): number;
}

/** The two clocks part by this much while one is disciplined (NTP slews at most 0.5 ms a second). */
const STEP_MS = 50;
const SLEW_SHARE = 0.001;

export class LoadHealth implements Disposable {
  readonly #usage: ProcessUsage;
  #start: Reading;
  #stop: Reading | undefined;
  readonly #latenessNs = new Samples();
  #lagNs = new Samples();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expectedNs = 0;

  constructor(usage: ProcessUsage) {
    this.#usage = usage;
    this.#start = this.#read();
  }

  /**
   * A phase begins, and the one before it is forgotten: what kept the process busy before the first
   * send, such as the rehearsal, delays nothing.
   */
  start(): void {
    clearTimeout(this.#timer);
    this.#lagNs = new Samples();
    this.#start = this.#read();
    this.#stop = undefined;
    this.#sampleNext();
  }

  /** The phase is over: what is left to do for its records delays nothing. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stop = this.#read();
  }

  /** Takes a request that ended; warm-up and requests that were never sent are passed over. */
  ended(record: RequestRecord): void {
    if (record.phase !== "measured" || record.startNs === undefined) return;
    this.#latenessNs.add(record.startNs - record.intendedNs);
  }

  /** The figures so far; milliseconds, seconds, megabytes. */
  health(sockets: { connections: number; retries: number }): ClientHealth {
    const lag = this.#lagNs.quantiles();
    const lateness = this.#latenessNs.quantiles();
    const start = this.#start;
    const stop = this.#stop ?? this.#read();
    const wallS = (stop.atNs - start.atNs) / 1e9;
    const stepMs = stop.epochMs - start.epochMs - 1000 * wallS;
    const isStep = Math.abs(stepMs) > STEP_MS + SLEW_SHARE * 1000 * wallS;
    return {
      latenessMs: { p50: lateness.p50, p99: lateness.p99, max: lateness.max },
      loopLagMs: { mean: lag.mean, p99: lag.p99, max: lag.max },
      cpuSeconds: stop.cpuSeconds - start.cpuSeconds,
      ...(wallS > 0
        ? { busyShare: Math.min(1, (stop.threadCpuSeconds - start.threadCpuSeconds) / wallS) }
        : {}),
      maxRssMb: this.#usage.maxRssMb(),
      ...(isStep ? { clockStepMs: stepMs } : {}),
      connections: sockets.connections,
      retries: sockets.retries,
    };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #read(): Reading {
    const { cpuSeconds, threadCpuSeconds, epochMs } = this.#usage;
    return {
      epochMs: epochMs(),
      atNs: monotonicNs(),
      cpuSeconds: cpuSeconds(),
      threadCpuSeconds: threadCpuSeconds(),
    };
  }

  #sampleNext(): void {
    this.#expectedNs = monotonicNs() + SAMPLE_MS * 1e6;
    this.#timer = setTimeout(() => {
      this.#lagNs.add(Math.max(0, monotonicNs() - this.#expectedNs));
      this.#sampleNext();
    }, SAMPLE_MS);
  }
}

interface Reading {
  epochMs: number;
  atNs: number;
  cpuSeconds: number;
  threadCpuSeconds: number;
}

/** A bounded set of samples, thinned evenly when it is full; the largest is never lost. */
class Samples {
  #values: number[] = [];
  #keepEvery = 1;
  #seen = 0;
  #max = 0;

  add(value: number): void {
    this.#max = Math.max(this.#max, value);
    this.#seen += 1;
    if (this.#seen % this.#keepEvery !== 0) return;
    this.#values.push(value);
    if (this.#values.length < MAX_SAMPLES) return;
    this.#values = this.#values.filter((_, i) => i % 2 === 1);
    this.#keepEvery *= 2;
  }

  /** Mean and nearest-rank quantiles in milliseconds; zeros when there is no sample. */
  quantiles(): { mean: number; p50: number; p99: number; max: number } {
    const sorted = Float64Array.from(this.#values).sort();
    const at = (part: number): number =>
      (sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0) / 1e6;
    const sum = sorted.reduce((total, value) => total + value, 0);
    const mean = sum / Math.max(1, sorted.length) / 1e6;
    return { mean, p50: at(0.5), p99: at(0.99), max: this.#max / 1e6 };
  }
}
