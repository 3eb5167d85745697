/**
 * A SUB socket that stays subscribed: it connects again after any break, with growing pauses.
 * Messages published in between are lost; sequence numbers and a replay recover them.
 */
import { DynbenchError } from "../../base/errors.ts";
import { connect } from "./connect.ts";
import type { ZmtpPeer } from "./peer.ts";

/** First pause before connecting again, doubled up to the longest; a restarted worker is seen within it. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

export interface SubscriberOptions {
  readonly host: string;
  readonly port: number;
  /** Subscribes to messages whose first frame begins with it; to everything when empty. */
  readonly topic: string;
  onMessage(frames: Uint8Array[]): void;
  /** The subscription was sent; messages published before the peer has it are not received. */
  onConnect?(): void;
  /** After `onConnect`, when the connection broke; with `fault` when the peer broke the protocol. */
  onDisconnect?(fault: DynbenchError | undefined): void;
  /** An attempt to connect failed; another follows. */
  onRetry?(fault: DynbenchError): void;
}

/** Starts connecting and goes on until disposed; after that no handler is called. */
export function connectSubscriber(options: SubscriberOptions): AsyncDisposable {
  const subscriber = new Subscriber(options);
  subscriber.start();
  return { [Symbol.asyncDispose]: async () => subscriber.stop() };
}

class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #subscription: Uint8Array;
  #peer: ZmtpPeer | undefined;
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#subscription = Uint8Array.of(1, ...new TextEncoder().encode(options.topic));
  }

  start(): void {
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#peer?.close();
  }

  async #connect(): Promise<void> {
    try {
      const peer = await connect(this.#options, {
        type: { own: "SUB", accepts: ["PUB", "XPUB"] },
        handlers: {
          ready: (ready) => this.#subscribe(ready),
          message: (frames) => {
            if (!this.#stopped) this.#options.onMessage(frames);
          },
          closed: (closed, fault) => this.#closed(closed, fault),
        },
      });
      if (this.#stopped) peer.close();
    } catch (error) {
      if (!(error instanceof DynbenchError)) throw error;
      this.#retryLater(error);
    }
  }

  #subscribe(peer: ZmtpPeer): void {
    if (this.#stopped) return;
    this.#peer = peer;
    this.#pauseMs = FIRST_PAUSE_MS;
    peer.send([this.#subscription]);
    this.#options.onConnect?.();
  }

  #closed(peer: ZmtpPeer, fault: DynbenchError | undefined): void {
    if (this.#stopped) return;
    const wasConnected = this.#peer === peer;
    this.#peer = undefined;
    if (wasConnected) this.#options.onDisconnect?.(fault);
    const ended = new DynbenchError("load", "Cannot subscribe: the peer closed the connection");
    this.#retryLater(fault ?? ended);
  }

  #retryLater(fault: DynbenchError): void {
    if (this.#stopped) return;
    this.#options.onRetry?.(fault);
    this.#timer = setTimeout(() => void this.#connect(), this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }
}
