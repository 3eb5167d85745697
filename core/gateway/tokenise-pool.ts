/**
 * Turns prompts into tokens off the event loop: on threads, so that a long text holds up neither the
 * stream of another request nor its decision. Prompts are begun in the order in which they came; each
 * thread has one at a time, so a second one does not wait for the first.
 */
import { DynbenchError } from "../base/errors.ts";
import { IS_COMPILED } from "../process/compiled.ts";
import type { TextPrompt, TextTokens } from "./text-tokens.ts";
import type { ThreadAnswer, ThreadStart } from "./tokenise-thread.ts";

/** Each has its own copy of the vocabulary, some 50 MB; two do hundreds of long prompts a second. */
const MAX_THREADS = 2;
/** Bodies whose prompts wait: 900 of 70 KB, which is seconds of work. One alone may be larger. */
const MAX_WAITING_BYTES = 67_108_864;

/** A prompt that has no tokens; `status` is HTTP's. */
export class TokeniseFault extends Error {
  readonly status: 400 | 500 | 503;

  constructor(status: TokeniseFault["status"], message: string) {
    super(`Cannot tokenise the prompt: ${message}`);
    this.name = "TokeniseFault";
    this.status = status;
  }
}

export type PooledTokens = TextTokens & {
  /** Of the work itself, without the way to the thread and the wait for it. */
  readonly ns: number;
};

interface Job {
  readonly prompt: TextPrompt;
  readonly bytes: number;
  resolve(tokens: PooledTokens): void;
  reject(fault: TokeniseFault): void;
}

export class TokenisePool implements Disposable {
  readonly #folder: string | undefined;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #isClosed = false;

  /** `folder` of a model's tokenizer; undefined: the built-in one. Nothing is started yet. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Resolves when all threads have read the tokenizer; rejects with a `DynbenchError` when one cannot. */
  async start(): Promise<void> {
    const starting = Array.from({ length: MAX_THREADS }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#newThread((fault) => {
        if (fault === undefined) resolve();
        else reject(new DynbenchError("start", fault));
      });
      return promise;
    });
    await Promise.all(starting);
  }

  /** `bytes` is the prompt's size, for the bound. Rejects with a `TokeniseFault`. */
  tokens(prompt: TextPrompt, bytes: number): Promise<PooledTokens> {
    const { promise, resolve, reject } = Promise.withResolvers<PooledTokens>();
    if (this.#isClosed) reject(new TokeniseFault(503, "the gateway is closing"));
    else if (this.#waiting.length > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      reject(new TokeniseFault(503, "too many prompts wait for it"));
    } else {
      this.#waiting.push({ prompt, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      this.#next();
    }
    return promise;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const thread of this.#threads) thread.close("the gateway is closing");
    this.#failWaiting("the gateway is closing");
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const free = [...this.#threads].find((thread) => thread.isFree);
      if (free === undefined) {
        if (this.#threads.size < MAX_THREADS) this.#newThread(() => {});
        return;
      }
      const job = this.#waiting.shift()!;
      this.#waitingBytes -= job.bytes;
      free.run(job);
    }
  }

  #newThread(started: (fault: string | undefined) => void): void {
    const thread: Thread = new Thread(this.#folder, {
      free: () => this.#next(),
      started: (fault) => {
        started(fault);
        if (fault !== undefined) this.#lost(thread, fault);
      },
      died: (why) => this.#lost(thread, why),
    });
    this.#threads.add(thread);
  }

  /** With no thread left, waiting prompts must not wait for ever; the next prompt starts another. */
  #lost(thread: Thread, why: string): void {
    this.#threads.delete(thread);
    thread.close(why);
    if (this.#threads.size === 0) this.#failWaiting(why);
    else this.#next();
  }

  #failWaiting(why: string): void {
    for (const job of this.#waiting.splice(0)) job.reject(new TokeniseFault(500, why));
    this.#waitingBytes = 0;
  }
}

interface ThreadEvents {
  /** The thread can take a prompt. */
  free(): void;
  /** The tokenizer is read, or why it cannot be. */
  started(fault: string | undefined): void;
  died(why: string): void;
}

class Thread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  #job: Job | undefined;
  #isReady = false;

  constructor(folder: string | undefined, events: ThreadEvents) {
    this.#events = events;
    // The binary's thread enters through core/main.ts, as everything in the binary does.
    this.#worker = new Worker(
      IS_COMPILED ? Bun.main : new URL("./tokenise-thread.ts", import.meta.url).href,
    );
    this.#worker.unref();
    this.#worker.onmessage = ({ data }: MessageEvent<ThreadAnswer>) => this.#answered(data);
    this.#worker.onerror = ({ message }) => events.died(message);
    this.#worker.postMessage({ folder } satisfies ThreadStart);
  }

  get isFree(): boolean {
    return this.#isReady && this.#job === undefined;
  }

  run(job: Job): void {
    try {
      this.#worker.postMessage(job.prompt);
      this.#job = job;
    } catch {
      // The copy for the thread goes down into every part, and a client may nest as deep as it likes.
      job.reject(new TokeniseFault(400, "its messages are nested too deep"));
    }
  }

  /** The prompt that the thread works on has failed. */
  close(why: string): void {
    this.#worker.terminate();
    this.#job?.reject(new TokeniseFault(500, why));
    this.#job = undefined;
  }

  #answered(answer: ThreadAnswer): void {
    if (!this.#isReady) {
      this.#isReady = answer.type === "ready";
      this.#events.started(answer.type === "failed" ? answer.message : undefined);
    } else {
      const job = this.#job;
      this.#job = undefined;
      if (answer.type === "tokens") job?.resolve(answer);
      else if (answer.type === "failed") job?.reject(new TokeniseFault(400, answer.message));
    }
    if (this.#isReady) this.#events.free();
  }
}
