/**
 * The KV events of one worker as vLLM publishes them: what a step changed becomes one batch with a
 * sequence number, sent once and kept for a while for subscribers that missed it. The hash of a block is its
 * sequence hash, so equal contents have equal hashes on all workers, as with vLLM's default seed.
 */
import { encodeKvBatch, epochMs, type KvEvent } from "dynbench/engine";
import type { CacheEvents } from "./worker-loop.ts";

/** vLLM's default; vllm-router 0.1.17 silently drops events of any other topic. */
export const KV_EVENTS_TOPIC = "";

/** vLLM's default `buffer_steps`. */
export const KEPT_BATCHES = 10_000;
/** A long prompt's batch is 40 KB: without a second bound the ring would grow to 400 MB. */
const KEPT_BYTES = 64 * 1024 * 1024;

export interface NumberedBatch {
  /** From 0, without gaps. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export class KvBatches implements CacheEvents {
  readonly #blockSize: number;
  readonly #form: "map" | "array";
  readonly #hashOf: (block: number) => bigint;
  readonly #send: (batch: NumberedBatch) => void;
  #events: KvEvent[] = [];
  /** A ring: batch n is at n modulo its size. */
  readonly #kept: (Uint8Array | undefined)[] = [];
  #keptFrom = 0;
  #keptBytes = 0;
  #next = 0;

  constructor(parts: {
    blockSize: number;
    form: "map" | "array";
    hashOf: (block: number) => bigint;
    send: (batch: NumberedBatch) => void;
  }) {
    this.#blockSize = parts.blockSize;
    this.#form = parts.form;
    this.#hashOf = parts.hashOf;
    this.#send = parts.send;
  }

  stored({ parent, blocks, tokens }: Parameters<CacheEvents["stored"]>[0]): void {
    this.#events.push({
      type: "stored",
      hashes: blocks.map(this.#hashOf),
      parent: parent === -1 ? undefined : this.#hashOf(parent),
      tokens,
      blockSize: this.#blockSize,
    });
  }

  /** vLLM reports evictions one by one. */
  removed(blocks: readonly number[]): void {
    for (const block of blocks) {
      this.#events.push({ type: "removed", hashes: [this.#hashOf(block)] });
    }
  }

  cleared(): void {
    this.#events.push({ type: "cleared" });
  }

  stepEnded(): void {
    if (this.#events.length === 0) return;
    const batch = { tsS: epochMs() / 1000, rank: 0, events: this.#events };
    const payload = encodeKvBatch(batch, this.#form);
    this.#events = [];
    this.#keep(payload);
    this.#send({ sequence: this.#next, payload });
    this.#next += 1;
  }

  /** Batches from that sequence number on, as far as they are still kept. */
  *since(sequence: number): Generator<NumberedBatch> {
    for (let i = Math.max(sequence, this.#keptFrom); i < this.#next; i += 1) {
      const payload = this.#kept[i % KEPT_BATCHES];
      if (payload !== undefined) yield { sequence: i, payload };
    }
  }

  #keep(payload: Uint8Array): void {
    const isFull = (): boolean =>
      this.#next - this.#keptFrom >= KEPT_BATCHES || this.#keptBytes + payload.length > KEPT_BYTES;
    while (this.#keptFrom < this.#next && isFull()) {
      const slot = this.#keptFrom % KEPT_BATCHES;
      this.#keptBytes -= this.#kept[slot]!.length;
      this.#kept[slot] = undefined;
      this.#keptFrom += 1;
    }
    this.#kept[this.#next % KEPT_BATCHES] = payload;
    this.#keptBytes += payload.length;
  }
}
