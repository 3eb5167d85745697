/**
 * Drives a settling load (`core/workload/settling.ts`): the same batch of requests again and again,
 * each time with other contents and over new connections, until its latency stands still.
 */
import { Generator, type GeneratorOptions } from "./generator.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { Settled } from "../contract/result.ts";
import { randomStream } from "../base/random.ts";
import {
  mayGoOn,
  settlingLoad,
  settlingRequests,
  standsStill,
  type SettlingBatch,
} from "../workload/settling.ts";

const NS_PER_MS = 1e6;

interface SettleOptions extends Omit<GeneratorOptions, "random" | "build"> {
  /** Builds bodies with the contents of one batch. */
  readonly buildBatch: (batch: number) => GeneratorOptions["build"];
  /** A batch begins. */
  readonly onBatch: (generator: Generator) => void;
}

/** Hands out the records of all batches in phase `settling`. An empty cell, and one that is answered nothing, has nothing to settle. */
export async function settle(options: SettleOptions): Promise<Settled> {
  const load = settlingLoad(options.load);
  const requests = await settlingRequests(options.requests, load.requests);
  const batches: SettlingBatch[] = [];
  let isAnswered = requests.length > 0;
  let sent = 0;
  while (isAnswered && !options.signal.aborted && mayGoOn(batches) && !standsStill(batches)) {
    const means = new BatchMeans();
    const generator = new Generator({
      ...options,
      load: { ...load, requests: requests.length },
      requests,
      random: randomStream(0, "settling"),
      build: options.buildBatch(batches.length),
      onRecords: (records) => {
        for (const record of records) means.add(record);
        options.onRecords(records.map((record) => ({ ...record, phase: "settling" })));
      },
    });
    options.onBatch(generator);
    await generator.run();
    sent += generator.sent;
    const batch = means.batch(generator.elapsedS);
    isAnswered = batch !== undefined;
    if (batch !== undefined) batches.push(batch);
  }
  return {
    requests: sent,
    seconds: batches.reduce((sum, { seconds }) => sum + seconds, 0),
    isStill: standsStill(batches),
    ttftMs: batches.map(({ ttftMs }) => ttftMs),
  };
}

class BatchMeans {
  #answered = 0;
  #ttftNs = 0;
  #gaps = 0;
  #gapsNs = 0;

  add({ state, intendedNs, firstTokenNs, gapsNs = [] }: RequestRecord): void {
    if (state !== "ok" || firstTokenNs === undefined) return;
    this.#answered += 1;
    this.#ttftNs += firstTokenNs - intendedNs;
    this.#gaps += gapsNs.length;
    for (const gapNs of gapsNs) this.#gapsNs += gapNs;
  }

  /** Undefined where nothing was answered. */
  batch(seconds: number): SettlingBatch | undefined {
    if (this.#answered === 0) return undefined;
    return {
      ttftMs: this.#ttftNs / this.#answered / NS_PER_MS,
      ...(this.#gaps === 0 ? {} : { itlMs: this.#gapsNs / this.#gaps / NS_PER_MS }),
      seconds,
    };
  }
}
