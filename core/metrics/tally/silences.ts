/**
 * When streams fell silent: for all workers together and for each, the times in which answers were under
 * way and nothing of any of them came. Time is cut into parts of 50 ms, so that a cell of an hour takes
 * 72,000 bytes a worker, however many chunks it had.
 */
import type { RequestRecord } from "../../contract/record.ts";

const PART_NS = 50_000_000;
/** Four days; what is later is not looked at. */
const MAX_PARTS = 7_000_000;

export interface Silence {
  readonly fromS: number;
  readonly lengthMs: number;
  /** Answers under way at its beginning. */
  readonly streams: number;
}

export class Silences {
  readonly all = new Activity();
  readonly ofWorker = new Map<string, Activity>();

  /** Passes over an answer without stamps of its chunks, as a simulated one. */
  add(record: RequestRecord): void {
    const { worker, gapsNs, firstTokenNs } = record;
    if (gapsNs === undefined || firstTokenNs === undefined) return;
    this.all.add(record, firstTokenNs, gapsNs);
    if (worker === undefined) return;
    const activity = this.ofWorker.get(worker) ?? new Activity();
    this.ofWorker.set(worker, activity);
    activity.add(record, firstTokenNs, gapsNs);
  }
}

export class Activity {
  /** 1 where something came. */
  #seen = new Uint8Array(256);
  /** Answers that get under way in a part, less those that end. */
  #begun = new Int32Array(256);
  #parts = 0;

  add({ state, endNs }: RequestRecord, firstTokenNs: number, gapsNs: readonly number[]): void {
    let atNs = firstTokenNs;
    this.#mark(atNs);
    for (const gap of gapsNs) {
      atNs += gap;
      this.#mark(atNs);
    }
    // An answer that broke off was under way until then; nothing more of it came.
    const untilNs = state === "ok" ? atNs : endNs;
    const from = this.#part(firstTokenNs);
    const until = this.#part(untilNs);
    this.#begun[from]! += 1;
    this.#begun[until]! -= 1;
  }

  /** The longest `count` silences, longest first, of at least two parts. */
  longest(count: number): Silence[] {
    const found: Silence[] = [];
    let streams = 0;
    let start = -1;
    let atStart = 0;
    for (let part = 0; part <= this.#parts; part += 1) {
      streams += this.#begun[part] ?? 0;
      const isSilent = streams > 0 && this.#seen[part] === 0;
      if (isSilent && start === -1) {
        start = part;
        atStart = streams;
      }
      if (isSilent || start === -1) continue;
      const silence = { fromS: (start * PART_NS) / 1e9, streams: atStart };
      // What came before and after lies somewhere within its own part.
      if (part - start > 1) found.push({ ...silence, lengthMs: ((part - start) * PART_NS) / 1e6 });
      start = -1;
      if (found.length > 64 * count) shorten(found, count);
    }
    shorten(found, count);
    return found;
  }

  /** Whether anything came within a silence of others. */
  isActive({ fromS, lengthMs }: Silence): boolean {
    const from = Math.round((fromS * 1e9) / PART_NS);
    const until = from + Math.round((lengthMs * 1e6) / PART_NS);
    return this.#seen.subarray(from, until).includes(1);
  }

  #mark(ns: number): void {
    this.#seen[this.#part(ns)] = 1;
  }

  /** The part of a time, for which there is room from now on. */
  #part(ns: number): number {
    const part = Math.min(MAX_PARTS, Math.max(0, Math.floor(ns / PART_NS)));
    if (part > this.#parts) this.#parts = part;
    if (part >= this.#seen.length) {
      const seen = new Uint8Array(2 * part);
      const begun = new Int32Array(2 * part);
      seen.set(this.#seen);
      begun.set(this.#begun);
      this.#seen = seen;
      this.#begun = begun;
    }
    return part;
  }
}

function shorten(silences: Silence[], count: number): void {
  silences.sort((a, b) => b.lengthMs - a.lengthMs);
  silences.length = Math.min(silences.length, count);
}
