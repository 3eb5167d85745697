/**
 * Which prefill worker keeps the blocks of which request until a decode worker has read them. A
 * request that leaves by any other way lets go of them too, as its gateway would tell the worker. A
 * worker that died in between knows nothing of it.
 */
export class KeptPrompts {
  readonly #workers = new Map<number, number>();

  keep(requestId: number, worker: number): void {
    this.#workers.set(requestId, worker);
  }

  /** They are needed no more: `release` is told who keeps them, if anybody does. */
  letGo(requestId: number, release: (worker: number) => void): void {
    const worker = this.#workers.get(requestId);
    if (worker === undefined) return;
    this.#workers.delete(requestId);
    release(worker);
  }
}
