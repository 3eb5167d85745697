/**
 * Everything that a summary needs from a cell's records, collected one record at a time into columns
 * and sums, so that records can be streamed and a million requests take a few flat arrays.
 *
 * Latencies and lengths are those of completed measured requests; warm-up requests count only in the
 * requests in flight per worker.
 */
import { given } from "../../base/given.ts";
import type { RequestError, RequestRecord } from "../../contract/record.ts";
import type { RequestPoints, WorkerShare } from "../../contract/result.ts";
import { Silences } from "./silences.ts";
import { TierTally } from "./tier-tally.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** The pace of a shorter answer is mostly chance. */
const PACED_OSL_MIN = 9;

/** Kinds of failures counted on their own; further kinds are counted together, which bounds a report. */
const FAILURE_KINDS_MAX = 50;

export interface FailureGroup {
  kind: RequestError["kind"];
  message: string;
  status?: number;
  /** Index of the URL that failed, where there are several. */
  target?: number;
  count: number;
}

/** Requests in flight on one worker: column of starts and of ends. */
export interface Occupancy {
  startNs: number[];
  endNs: number[];
}

export class CellTally {
  readonly counts = { sent: 0, ok: 0, failed: 0, dropped: 0, aborted: 0 };
  /** With those of warm-up. */
  readonly everyPhase = { sent: 0, answered: 0 };
  /** In the order added; `pointsInSendOrder` sorts. */
  readonly points: RequestPoints = emptyPoints();
  /** Gaps between chunks, in nanoseconds. */
  readonly gaps = new WeightedSamples();
  readonly isl: number[] = [];
  readonly workers = new Map<string, WorkerShare>();
  /** Completed requests without a cached token, by worker. */
  readonly coldOf = new Map<string, number>();
  readonly occupancy = new Map<string, Occupancy>();
  /** From when a request was due to its end, and to its first token; without dropped requests. */
  readonly open: Occupancy = { startNs: [], endNs: [] };
  readonly waiting: Occupancy = { startNs: [], endNs: [] };
  /** When answers were under way and nothing came; of warm-up too. */
  readonly silences = new Silences();
  readonly tiers = new Map<string, TierTally>();
  readonly failures = new Map<string, FailureGroup>();
  /** Sums over completed requests. */
  readonly sums = { inputTokens: 0, outputTokens: 0, chunks: 0, chunkTokens: 0 };
  /** Over completed requests whose cached tokens are known. */
  readonly cache = { requests: 0, promptTokens: 0, cachedTokens: 0 };
  /** What routers reported about those: the number of reports, and the tokens expected in cache. */
  readonly expected = { requests: 0, tokens: 0, bestRequests: 0, bestTokens: 0 };
  /** What trust checks ask about completed requests. */
  readonly oddities = {
    shortOutputs: 0,
    longOutputs: 0,
    /** Answers without a count of the prompt, which every usage has. */
    withoutUsage: 0,
    /** Answers with a count that cannot be, and the first of these counts. */
    usageFaults: 0,
    firstUsageFault: "",
    /** Answers whose usage counts more tokens than their chunks and text can hold. */
    notStreamed: 0,
    notStreamedTokens: 0,
    /** From a first chunk without content to the first with content, ms. */
    blankStartMs: [] as number[],
    /** Of answers with at least `PACED_OSL_MIN` gaps: the first gap, and the mean of the others, ms. */
    firstGapMs: [] as number[],
    otherGapsMs: [] as number[],
    promptOffTarget: 0,
    /** Σ |counted − intended| prompt tokens, and Σ intended, where the server counted. */
    promptTokensOff: 0,
    promptTokensCounted: 0,
    /** Time per output token of answers with at least `PACED_OSL_MIN` tokens, ms. */
    paceMs: [] as number[],
  };
  #firstIntendedNs = Infinity;
  #lastEndNs = -Infinity;

  static of(records: Iterable<RequestRecord>): CellTally {
    const tally = new CellTally();
    for (const record of records) tally.add(record);
    return tally;
  }

  /** First intended send to last end of the measured requests; 0 without any. */
  get durationS(): number {
    return Math.max(0, this.#lastEndNs - this.#firstIntendedNs) / NS_PER_S || 0;
  }

  add(record: RequestRecord): void {
    if (record.phase === "settling") return;
    this.#occupy(record);
    this.silences.add(record);
    if (record.sentNs !== undefined) this.everyPhase.sent += 1;
    if (record.state === "ok") this.everyPhase.answered += 1;
    if (record.phase === "warmup") return;
    if (record.tier !== undefined) this.#addToTier(record, record.tier);
    if (record.state === "dropped") {
      this.counts.dropped += 1;
      return;
    }
    this.counts.sent += 1;
    this.#firstIntendedNs = Math.min(this.#firstIntendedNs, record.intendedNs);
    this.#lastEndNs = Math.max(this.#lastEndNs, record.endNs);
    this.counts[record.state] += 1;
    if (record.sentNs !== undefined) this.#plot(record, record.sentNs);
    if (record.state === "ok") this.#complete(record);
    else if (record.state === "failed" && record.error !== undefined) {
      this.#fail(record.error, record);
    }
  }

  #addToTier(record: RequestRecord, name: string): void {
    const tier = this.tiers.get(name) ?? new TierTally();
    this.tiers.set(name, tier);
    tier.add(record);
  }

  #occupy(record: RequestRecord): void {
    if (record.state !== "dropped") {
      this.open.startNs.push(record.intendedNs);
      this.open.endNs.push(record.endNs);
      this.waiting.startNs.push(record.intendedNs);
      this.waiting.endNs.push(record.firstTokenNs ?? record.endNs);
    }
    const { sentNs, endNs, firstTokenNs, worker, prefillWorker } = record;
    if (sentNs === undefined) return;
    const isSplit = prefillWorker !== undefined && prefillWorker !== worker;
    // Of split workers the client sees one hand-over: from the first token on the decode worker works.
    const handedOnNs = isSplit ? (firstTokenNs ?? endNs) : sentNs;
    if (isSplit) this.#occupyWorker(prefillWorker, { startNs: sentNs, endNs: handedOnNs });
    if (worker !== undefined) this.#occupyWorker(worker, { startNs: handedOnNs, endNs });
  }

  #occupyWorker(id: string, { startNs, endNs }: { startNs: number; endNs: number }): void {
    const column = this.occupancy.get(id) ?? { startNs: [], endNs: [] };
    this.occupancy.set(id, column);
    column.startNs.push(startNs);
    column.endNs.push(endNs);
  }

  #plot(record: RequestRecord, sentNs: number): void {
    const { points } = this;
    const ok = record.state === "ok";
    const promptTokens = record.promptTokens ?? record.isl;
    const gaps = gapsOf(record);
    points.index.push(record.index);
    points.sentS.push(sentNs / NS_PER_S);
    points.latenessMs.push(((record.startNs ?? sentNs) - record.intendedNs) / NS_PER_MS);
    points.ttftMs.push(ok ? msBetween(record.intendedNs, record.firstTokenNs) : NaN);
    points.tpotMs.push(ok ? tpotMs(record) : NaN);
    points.e2eMs.push(ok ? msBetween(record.intendedNs, record.endNs) : NaN);
    points.gaps.push(ok ? gaps.count : 0);
    points.itlMsMean.push(ok && gaps.count > 0 ? gaps.sumNs / gaps.count / NS_PER_MS : NaN);
    points.promptTokens.push(promptTokens);
    points.cachedTokens.push(record.cachedTokens ?? NaN);
    points.uncachedTokens.push(promptTokens - (record.cachedTokens ?? NaN));
    points.osl.push(ok ? record.osl : NaN);
  }

  #complete(record: RequestRecord): void {
    const promptTokens = record.promptTokens ?? record.isl;
    this.isl.push(promptTokens);
    this.sums.inputTokens += promptTokens;
    this.sums.outputTokens += record.osl;
    for (const gap of record.gapsNs ?? []) this.gaps.add(gap);
    if (record.gapsNs !== undefined && record.firstTokenNs !== undefined) {
      this.sums.chunks += record.gapsNs.length + 1;
      this.sums.chunkTokens += record.osl - tokensBefore(record);
    }
    if (record.cachedTokens !== undefined) {
      this.cache.requests += 1;
      this.cache.promptTokens += promptTokens;
      this.cache.cachedTokens += record.cachedTokens;
      this.#expect(record, promptTokens);
    }
    this.#share(record, promptTokens);
    this.#judge(record);
  }

  #expect({ expected, routing }: RequestRecord, promptTokens: number): void {
    const sums = this.expected;
    if (expected !== undefined) {
      sums.requests += 1;
      sums.tokens += expected.tokens;
      sums.bestRequests += 1;
      sums.bestTokens += expected.bestTokens;
    } else if (routing?.kvHitRate !== undefined) {
      sums.requests += 1;
      sums.tokens += routing.kvHitRate * promptTokens;
    }
  }

  /** The worker that prefilled has the prompt; both have the request. */
  #share(record: RequestRecord, promptTokens: number): void {
    const prefill = record.prefillWorker ?? record.worker;
    if (record.cachedTokens === 0 && prefill !== undefined) {
      this.coldOf.set(prefill, (this.coldOf.get(prefill) ?? 0) + 1);
    }
    for (const id of workersOf(record)) {
      const share = this.workers.get(id) ?? { id, requests: 0, promptTokens: 0, cachedTokens: 0 };
      this.workers.set(id, share);
      share.requests += 1;
      if (id !== prefill) continue;
      share.promptTokens += promptTokens;
      share.cachedTokens += record.cachedTokens ?? 0;
    }
  }

  #judge(record: RequestRecord): void {
    const { oddities } = this;
    if (record.osl < record.oslRequested) oddities.shortOutputs += 1;
    if (record.osl > record.oslRequested) oddities.longOutputs += 1;
    this.#judgeUsage(record);
    this.#judgeStart(record);
    if (record.promptTokens !== undefined) {
      const off = Math.abs(record.promptTokens - record.isl);
      if (off > 0) oddities.promptOffTarget += 1;
      oddities.promptTokensOff += off;
      oddities.promptTokensCounted += record.isl;
    }
    const pace = tpotMs(record);
    if (record.osl >= PACED_OSL_MIN && !Number.isNaN(pace)) oddities.paceMs.push(pace);
  }

  #judgeUsage({ promptTokens, usageFault, textBytes = Infinity, ...record }: RequestRecord): void {
    const { oddities } = this;
    if (usageFault !== undefined) {
      oddities.usageFaults += 1;
      oddities.firstUsageFault ||= usageFault;
    } else if (promptTokens === undefined) oddities.withoutUsage += 1;
    // Every token of a text has at least one byte, or comes in a chunk of its own.
    const chunks = record.firstTokenNs === undefined ? 0 : 1 + (record.gapsNs?.length ?? 0);
    const most = Math.max(chunks, textBytes);
    if (record.osl <= most) return;
    oddities.notStreamed += 1;
    oddities.notStreamedTokens += record.osl - most;
  }

  #judgeStart({ firstChunkNs, firstTokenNs, gapsNs = [] }: RequestRecord): void {
    const { oddities } = this;
    if (firstChunkNs !== undefined)
      oddities.blankStartMs.push(msBetween(firstChunkNs, firstTokenNs));
    if (gapsNs.length < PACED_OSL_MIN) return;
    const sumNs = gapsNs.reduce((a, b) => a + b, 0);
    oddities.firstGapMs.push(gapsNs[0]! / NS_PER_MS);
    oddities.otherGapsMs.push((sumNs - gapsNs[0]!) / (gapsNs.length - 1) / NS_PER_MS);
  }

  #fail(error: RequestError, { status, target }: RequestRecord): void {
    const words = wordsOf(error.message);
    let key = JSON.stringify([
      error.kind,
      words.map((word, i) => (i % 2 === 0 ? word : 0)),
      status,
      target,
    ]);
    let group = this.failures.get(key);
    if (group !== undefined && group.message !== error.message) {
      group.message = commonMessage(group.message, error.message);
    }
    if (group === undefined && this.failures.size >= FAILURE_KINDS_MAX) {
      key = "more";
      group = this.failures.get(key) ?? { kind: "other", message: "other failures", count: 0 };
    }
    group ??= {
      kind: error.kind,
      message: error.message,
      ...given({ status, target }),
      count: 0,
    };
    group.count += 1;
    this.failures.set(key, group);
  }
}

/** Text and numbers of a message, alternating; an identifier in hexadecimal counts as a number. */
function wordsOf(message: string): string[] {
  return message.split(NUMBER);
}

const NUMBER = /(#|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|\d+)/i;

/** One message for two that differ only in their numbers: `Cannot route request #`. */
function commonMessage(a: string, b: string): string {
  const words = wordsOf(b);
  return wordsOf(a)
    .map((word, i) => (word === words[i] ? word : "#"))
    .join("");
}

/** The same points, sorted by the moment of sending. */
export function pointsInSendOrder(points: RequestPoints): RequestPoints {
  const order = points.sentS.map((_, i) => i);
  order.sort((a, b) => points.sentS[a]! - points.sentS[b]! || points.index[a]! - points.index[b]!);
  const sorted = emptyPoints();
  for (const key of Object.keys(sorted) as (keyof RequestPoints)[]) {
    sorted[key] = order.map((i) => points[key][i]!);
  }
  return sorted;
}

/** Columns without a point. */
export function emptyPoints(): RequestPoints {
  return {
    index: [],
    sentS: [],
    ttftMs: [],
    tpotMs: [],
    e2eMs: [],
    gaps: [],
    itlMsMean: [],
    promptTokens: [],
    cachedTokens: [],
    uncachedTokens: [],
    osl: [],
    latenessMs: [],
  };
}

function workersOf(record: RequestRecord): string[] {
  const { worker, prefillWorker } = record;
  if (worker === undefined) return prefillWorker === undefined ? [] : [prefillWorker];
  return prefillWorker === undefined || prefillWorker === worker
    ? [worker]
    : [worker, prefillWorker];
}

/** (last token − first token) / (OSL − 1), NaN below OSL 2. */
function tpotMs(record: RequestRecord): number {
  if (record.osl < 2) return NaN;
  return msBetween(record.firstTokenNs, record.lastTokenNs) / (record.osl - 1);
}

/** Tokens of the chunks before the first with content. */
function tokensBefore({ firstChunkNs, firstTokens = 1 }: RequestRecord): number {
  return firstChunkNs === undefined ? 0 : firstTokens - 1;
}

/** A simulated record has no gaps: each output token after the first ends one. */
function gapsOf(record: RequestRecord): { count: number; sumNs: number } {
  const { gapsNs, firstTokenNs, lastTokenNs } = record;
  if (gapsNs !== undefined) {
    return { count: gapsNs.length, sumNs: gapsNs.reduce((a, b) => a + b, 0) };
  }
  if (firstTokenNs === undefined || lastTokenNs === undefined) return { count: 0, sumNs: 0 };
  return { count: Math.max(0, record.osl - 1), sumNs: lastTokenNs - firstTokenNs };
}

function msBetween(fromNs: number | undefined, toNs: number | undefined): number {
  return fromNs === undefined || toNs === undefined ? NaN : (toNs - fromNs) / NS_PER_MS;
}
