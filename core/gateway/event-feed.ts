/**
 * Follows one worker's KV events over ZMQ and keeps its part of the index up to date: asks for a replay
 * at the start, after a gap and after a broken message, and starts over when the worker does.
 */
import { decodeKvBatch, type KvBatch } from "../routing/kv/kv-events.ts";
import type { BlockTable } from "../routing/kv/block-table.ts";
import { EventTracker, type BlockSink } from "../routing/kv/event-tracker.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { Logger } from "../contract/processes.ts";
import type { KvEventSource, Worker } from "../contract/request.ts";
import { requestReplay } from "../wire/zmq/replay.ts";
import { decodeSequence } from "../wire/zmq/sequence.ts";
import { connectSubscriber } from "../wire/zmq/subscriber.ts";

export interface EventFeedOptions {
  readonly worker: Worker;
  readonly source: KvEventSource;
  readonly table: BlockTable;
  readonly sink: BlockSink;
  readonly log: Logger;
}

export class EventFeed implements AsyncDisposable {
  readonly #options: EventFeedOptions;
  readonly #tracker: EventTracker;
  readonly #subscriber: AsyncDisposable;
  readonly #stop = new AbortController();
  readonly #counts = { malformed: 0, replays: 0, failedReplays: 0, connects: 0 };
  /** Sequence number from which a replay is wanted, once the running one is over. */
  #wanted: number | undefined;
  #isReplaying = false;
  #eventsAtReset = 0;
  /** Incremented when the answer of a running replay is out of date. */
  #life = 0;

  constructor(options: EventFeedOptions) {
    const { table, worker, source, sink } = options;
    this.#options = options;
    this.#tracker = new EventTracker({ table, blockSize: worker.blockSize }, sink);
    this.#subscriber = connectSubscriber({
      ...addressOf(source.endpoint, worker),
      topic: source.topic,
      onConnect: () => {
        this.#counts.connects += 1;
        this.#replayFrom(0);
      },
      onDisconnect: () => this.#startOver(),
      onMessage: (frames) => this.#received(frames),
    });
  }

  /** Of the tracker and the feed together, since the start. */
  get counts() {
    return { ...this.#tracker.counts, ...this.#counts };
  }

  /** Events applied since the last `forget`. */
  get eventsSinceReset(): number {
    return this.#tracker.counts.events - this.#eventsAtReset;
  }

  /** The index is to start empty; what comes next is applied as ever. */
  forget(): void {
    this.#tracker.forget();
    this.#eventsAtReset = this.#tracker.counts.events;
  }

  /** Drops what the index holds of the worker and asks it for everything again. */
  rebuild(): void {
    this.#startOver();
    this.#replayFrom(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#life += 1;
    await this.#subscriber[Symbol.asyncDispose]();
  }

  #startOver(): void {
    this.#life += 1;
    this.#tracker.disconnected();
  }

  /** Frames are `topic | sequence | payload` (vLLM 0.32, `ZmqEventPublisher`). */
  #received(frames: readonly Uint8Array[]): void {
    const sequence = decodeSequence(frames[1]);
    const batch = sequence === undefined ? undefined : this.#decode(frames[2]);
    if (sequence === undefined || batch === undefined) {
      if (sequence === undefined) this.#malformed("a message without a sequence number");
      // While a replay runs this is the message it cannot read either; asking again would not end.
      if (!this.#isReplaying) this.rebuild();
      return;
    }
    const from = this.#tracker.live(sequence, batch);
    if (from !== undefined) this.#replayFrom(from);
  }

  #decode(payload: Uint8Array | undefined): KvBatch | undefined {
    try {
      return decodeKvBatch(payload ?? new Uint8Array(0));
    } catch (error) {
      if (!(error instanceof DynbenchError)) throw error;
      this.#malformed(error.message);
      return undefined;
    }
  }

  #malformed(why: string): void {
    this.#counts.malformed += 1;
    if (this.#counts.malformed > 1) return;
    const { log, worker } = this.#options;
    log.warn(`A KV event of ${worker.id} cannot be read: ${why}`);
  }

  #replayFrom(sequence: number): void {
    this.#wanted = sequence;
    if (!this.#isReplaying) void this.#replay();
  }

  async #replay(): Promise<void> {
    const { source, worker } = this.#options;
    this.#isReplaying = true;
    while (this.#wanted !== undefined && !this.#stop.signal.aborted) {
      const from = this.#wanted;
      const life = this.#life;
      this.#wanted = undefined;
      if (source.replayEndpoint !== undefined) {
        await this.#request(addressOf(source.replayEndpoint, worker), { from, life });
      }
      // A gap found meanwhile may still be filled by a replay; only after that are missing events given up.
      if (this.#wanted === undefined && !this.#stop.signal.aborted) this.#tracker.replayEnded();
    }
    this.#isReplaying = false;
  }

  async #request(
    address: { host: string; port: number },
    { from, life }: { from: number; life: number },
  ): Promise<void> {
    this.#counts.replays += 1;
    try {
      await requestReplay({
        ...address,
        fromSequence: from,
        signal: this.#stop.signal,
        onMessage: ({ sequence, payload }) => {
          if (life !== this.#life) return;
          const batch = this.#decode(payload);
          if (batch !== undefined) this.#tracker.replayed(sequence, batch);
        },
      });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#counts.failedReplays += 1;
      if (this.#counts.failedReplays === 1) this.#options.log.warn(messageOf(error));
    }
  }
}

/** `tcp://*:5557` is how a publisher names itself; it is reached where the worker is. */
function addressOf(endpoint: string, worker: Worker): { host: string; port: number } {
  const match = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint);
  if (match === null) {
    throw new DynbenchError(
      "start",
      `Cannot follow the KV events of ${worker.id}: "${endpoint}" is not a tcp endpoint`,
      { hint: "Let the engine publish at tcp://*:PORT" },
    );
  }
  const named = match[1]!.replace(/^\[|\]$/g, "");
  const isWildcard = named === "*" || named === "0.0.0.0" || named === "::";
  const host = isWildcard ? new URL(worker.url).hostname.replace(/^\[|\]$/g, "") : named;
  return { host, port: Number(match[2]) };
}
