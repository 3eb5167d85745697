/**
 * Follows the KV events of one publisher (a worker, or one data-parallel rank of it) and passes on to
 * a sink, in our block ids, what the publisher holds.
 *
 * Batches are numbered without gaps. A missing batch would leave evicted blocks in the index, so the
 * batches after a gap are held back until a replay has filled it; when it cannot be filled, all blocks
 * are dropped. A lower number means that the worker has restarted. The tracker knows no sockets: the
 * reader of a socket calls `live` with each batch, asks for the replay that `live` returns, and calls
 * `replayed` with each reply.
 */
import { blockHashes, hashBlocks } from "./block-hash.ts";
import type { BlockTable } from "./block-table.ts";
import { EngineHashes } from "./engine-hashes.ts";
import type { KvBatch, RemovedEvent, StoredEvent } from "./kv-events.ts";

/** Batches held back during a replay: as many as vLLM 0.32 keeps for one (`buffer_steps`). */
const MAX_HELD_BACK = 10_000;

/** In our block ids. Called for every copy: the same block can be stored twice and removed twice. */
export interface BlockSink {
  /** `parent` is the block before the first, −1 at the start of a prompt. */
  stored(blocks: Int32Array, parent: number): void;
  removed(blocks: Int32Array): void;
  cleared(): void;
}

/** Counters since the tracker was made. */
export interface TrackerCounts {
  readonly batches: number;
  readonly events: number;
  /** Events without use: of partial cache groups, or with themselves as parent. */
  readonly ignored: number;
  /** Stored events whose block size differs from the index's. */
  readonly otherBlockSize: number;
  readonly unknownParents: number;
  /** Removed hashes that were not held. */
  readonly unknownRemoved: number;
  /** Batches that came twice, by replay and live. */
  readonly duplicates: number;
  readonly gaps: number;
  /** Batches that no replay could recover. */
  readonly lost: number;
  readonly restarts: number;
}

interface NumberedBatch {
  readonly sequence: number;
  readonly batch: KvBatch;
}

export class EventTracker {
  readonly #table: BlockTable;
  readonly #blockSize: number;
  readonly #sink: BlockSink;
  readonly #hashes = new EngineHashes();
  readonly #partialGroups = new Set<number>();
  readonly #scratch = blockHashes(0);
  #next = 0;
  #lastLive = -1;
  /** Live batches behind an open gap; empty when there is none. */
  #heldBack: NumberedBatch[] = [];
  readonly #counts = {
    batches: 0,
    events: 0,
    ignored: 0,
    otherBlockSize: 0,
    unknownParents: 0,
    unknownRemoved: 0,
    duplicates: 0,
    gaps: 0,
    lost: 0,
    restarts: 0,
  };

  /** `table` numbers the blocks of all trackers of one index; it also numbers the requests' blocks. */
  constructor(blocks: { readonly table: BlockTable; readonly blockSize: number }, sink: BlockSink) {
    this.#table = blocks.table;
    this.#blockSize = blocks.blockSize;
    this.#sink = sink;
  }

  get counts(): TrackerCounts {
    return this.#counts;
  }

  /** Whether batches are held back until a replay comes. */
  get waiting(): boolean {
    return this.#heldBack.length > 0;
  }

  /**
   * A batch as it was published. Returns the sequence number from which a replay is now needed, once
   * per gap: ask for it, pass each reply to `replayed`, and call `replayEnded` whatever came of it.
   */
  live(sequence: number, batch: KvBatch): number | undefined {
    if (sequence <= this.#lastLive) {
      this.#counts.restarts += 1;
      this.disconnected();
    }
    this.#lastLive = sequence;
    if (this.waiting) {
      this.#heldBack.push({ sequence, batch });
      if (this.#heldBack.length > MAX_HELD_BACK) this.replayEnded();
      return undefined;
    }
    if (sequence > this.#next) {
      this.#counts.gaps += 1;
      this.#heldBack.push({ sequence, batch });
      return this.#next;
    }
    if (sequence < this.#next) this.#counts.duplicates += 1;
    else this.#apply({ sequence, batch });
    return undefined;
  }

  /** A batch of a replay. Replays may overlap with what came live. */
  replayed(sequence: number, batch: KvBatch): void {
    if (sequence < this.#next) {
      this.#counts.duplicates += 1;
      return;
    }
    // Without a gap only the next batch of a replay is of use.
    if (sequence > this.#next && !this.waiting) return;
    this.#apply({ sequence, batch });
    this.#release(false);
  }

  /** The replay is complete, failed, or not available: batches still missing are given up. */
  replayEnded(): void {
    this.#release(true);
  }

  /** The connection broke: the worker may have restarted, so its earlier events no longer count. */
  disconnected(): void {
    this.#next = 0;
    this.#lastLive = -1;
    this.#heldBack = [];
    this.forget();
  }

  /** Drops all blocks and keeps the sequence number: for a cache that was emptied on purpose. */
  forget(): void {
    this.#hashes.clear();
    this.#sink.cleared();
  }

  /** Applies held-back batches up to the next gap, or all of them when missing batches are given up. */
  #release(givingUp: boolean): void {
    const held = this.#heldBack;
    let released = 0;
    for (; released < held.length; released += 1) {
      const next = held[released]!;
      if (next.sequence > this.#next && !givingUp) break;
      if (next.sequence >= this.#next) this.#apply(next);
      else this.#counts.duplicates += 1;
    }
    if (released > 0) this.#heldBack = held.slice(released);
  }

  #apply({ sequence, batch }: NumberedBatch): void {
    if (sequence > this.#next) {
      this.#counts.lost += sequence - this.#next;
      this.forget();
    }
    this.#next = sequence + 1;
    this.#counts.batches += 1;
    for (const event of batch.events) {
      this.#counts.events += 1;
      if (event.type === "stored") this.#stored(event);
      else if (event.type === "removed") this.#removed(event);
      else this.forget();
    }
  }

  #stored(event: StoredEvent): void {
    const { hashes, parent, group } = event;
    if (event.partialContext === true && group !== undefined) this.#partialGroups.add(group);
    if (event.partialContext === true || (parent !== undefined && hashes.includes(parent))) {
      this.#counts.ignored += 1;
      return;
    }
    if (event.blockSize !== this.#blockSize) {
      this.#counts.otherBlockSize += 1;
      return;
    }
    const parentBlock = parent === undefined ? -1 : this.#hashes.blockOf(parent);
    if (parent !== undefined && parentBlock < 0) {
      this.#counts.unknownParents += 1;
      return;
    }
    const blocks = this.#blocksOf(event.tokens, parentBlock);
    hashes.forEach((hash, i) => this.#hashes.store(hash, blocks[i]!));
    this.#sink.stored(blocks, parentBlock);
  }

  #blocksOf(tokens: Uint32Array | readonly number[], parent: number): Int32Array {
    const table = this.#table;
    const hashes = this.#scratch;
    const before = parent < 0 ? undefined : { low: table.low(parent), high: table.high(parent) };
    const ids = tokens instanceof Uint32Array ? tokens : Uint32Array.from(tokens);
    const blocks = new Int32Array(hashBlocks(ids, this.#blockSize, hashes, before));
    for (let i = 0; i < blocks.length; i += 1) {
      blocks[i] = table.intern(hashes.high[i]!, hashes.low[i]!);
    }
    return blocks;
  }

  #removed(event: RemovedEvent): void {
    if (event.group !== undefined && this.#partialGroups.has(event.group)) {
      this.#counts.ignored += 1;
      return;
    }
    const blocks = new Int32Array(event.hashes.length);
    let known = 0;
    for (const hash of event.hashes) {
      const block = this.#hashes.remove(hash);
      if (block < 0) this.#counts.unknownRemoved += 1;
      else blocks[known++] = block;
    }
    if (known > 0) this.#sink.removed(blocks.subarray(0, known));
  }
}
