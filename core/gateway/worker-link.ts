/**
 * A worker as the gateway sees it: a client with kept connections, and whether it answers. A worker
 * that refused a connection gets no requests until it answers a probe again.
 */
import { HttpClient, parseTarget, type Exchange } from "../wire/http/client.ts";
import type { Worker } from "../contract/request.ts";

const PROBE_INTERVAL_MS = 1000;

export interface WorkerLinkOptions {
  /** Called at each change, and never twice with the same. */
  onAlive(alive: boolean): void;
}

export class WorkerLink implements Disposable {
  readonly worker: Worker;
  readonly client: HttpClient;
  /** Requests sent, since the last `clear`. */
  requests = 0;
  readonly #options: WorkerLinkOptions;
  readonly #probeClient: HttpClient;
  #lastFailure: string | undefined;
  #probing: Timer | undefined;
  #probe: Exchange | undefined;

  constructor(worker: Worker, options: WorkerLinkOptions) {
    const target = parseTarget(worker.url);
    this.worker = worker;
    this.#options = options;
    this.client = new HttpClient(target, { connection: "keep-alive" });
    this.#probeClient = new HttpClient(target, { connection: "per-request" });
  }

  get alive(): boolean {
    return this.#probing === undefined;
  }

  /** Why it is dead; undefined while it lives. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** It could not be connected to: dead until a probe is answered. */
  died(why: string): void {
    this.#lastFailure = why;
    if (!this.alive) return;
    this.#probing = setInterval(() => this.#ask(), PROBE_INTERVAL_MS);
    this.#probing.unref();
    this.#options.onAlive(false);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#probing);
    this.#probe?.abort();
    this.client.close();
    this.#probeClient.close();
  }

  #ask(): void {
    // A probe without an answer by the time of the next one has failed.
    this.#probe?.abort();
    const request = { method: "GET", path: "/health", headers: {} };
    this.#probe = this.#probeClient.exchange(request, {
      head: ({ status }) => {
        if (status < 500) this.#revived();
      },
      data: () => {},
      end: () => {},
      fail: () => {},
    });
  }

  #revived(): void {
    if (this.alive) return;
    clearInterval(this.#probing);
    this.#probing = undefined;
    this.#lastFailure = undefined;
    this.#options.onAlive(true);
  }
}
