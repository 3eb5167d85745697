/**
 * Writes `decisions.jsonl` off the hot path: lines are made and written in batches, and a disk that
 * is full or gone costs the lines, never a request.
 */
import { open, type FileHandle } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../contract/processes.ts";

/** A killed gateway loses at most the decisions of this long. */
const FLUSH_INTERVAL_MS = 200;
/** Decisions waiting for a slow disk; more are dropped and counted. */
const MAX_WAITING = 50_000;

export class DecisionLog implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #log: Logger;
  readonly #timer: Timer;
  #waiting: unknown[] = [];
  #writing: Promise<void> | undefined;
  #lost = 0;

  private constructor(file: FileHandle, log: Logger) {
    this.#file = file;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Rejects when the file cannot be opened for appending. */
  static async open(path: string, log: Logger): Promise<DecisionLog> {
    return new DecisionLog(await open(path, "a"), log);
  }

  /** Decisions that could not be written. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes anything that is valid JSON; it must not change afterwards. */
  add(decision: unknown): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(decision);
    else this.#lost += 1;
  }

  /** Resolves when everything added before is written or counted as lost. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#write(batch);
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    await this.#file.close().catch(() => {});
  }

  async #write(batch: readonly unknown[]): Promise<void> {
    try {
      await this.#file.appendFile(batch.map((line) => `${JSON.stringify(line)}\n`).join(""));
    } catch (error) {
      if (this.#lost === 0) this.#log.warn(`Cannot write decisions: ${messageOf(error)}`);
      this.#lost += batch.length;
    } finally {
      this.#writing = undefined;
    }
  }
}
