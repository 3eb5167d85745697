/**
 * A first-in first-out queue whose members can also go back to the front or leave from the middle.
 * The consumed head is cut off now and then, so that a long run keeps no dead entries.
 */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  pushFront(item: T): void {
    if (this.#head === 0) this.#items.unshift(item);
    else this.#items[(this.#head -= 1)] = item;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The first item that matches. */
  find(isSo: (item: T) => boolean): T | undefined {
    for (let i = this.#head; i < this.#items.length; i += 1) {
      if (isSo(this.#items[i]!)) return this.#items[i];
    }
    return undefined;
  }

  /** Takes an item out, wherever it is; false when it is not there. */
  remove(item: T): boolean {
    const at = this.#items.indexOf(item, this.#head);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    return true;
  }
}

/** Below this many dead entries a copy costs more than it saves. */
const COMPACT_AT = 64;
