/**
 * Maps an engine's own block hashes to our block ids, with the number of copies that the engine holds.
 *
 * An engine may store a hash twice and then removes it twice, so copies are counted. A hash keeps
 * its block after the last copy is gone: it is a function of the content, and a later block may name
 * it as its parent.
 */
import { BlockTable } from "./block-table.ts";
import type { EngineHash } from "./kv-events.ts";

const FIRST_HASHES = 1024;

export class EngineHashes {
  readonly #table = new BlockTable();
  /** By id of the engine hash in the table. */
  #blocks = new Int32Array(FIRST_HASHES);
  #copies = new Int32Array(FIRST_HASHES);
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#wide.buffer);

  /** Adds one copy of this hash, which is our block `block`. */
  store(hash: EngineHash, block: number): void {
    this.#wide[0] = hash;
    const id = this.#table.intern(this.#halves[1]!, this.#halves[0]!);
    if (id >= this.#blocks.length) this.#grow();
    this.#blocks[id] = block;
    this.#copies[id]! += 1;
  }

  /** Removes one copy; returns our block, −1 if the engine holds no block of this hash. */
  remove(hash: EngineHash): number {
    const id = this.#find(hash);
    if (id < 0 || this.#copies[id] === 0) return -1;
    this.#copies[id]! -= 1;
    return this.#blocks[id]!;
  }

  /** Our block of a hash that was stored since the last clear, even if removed again; −1 otherwise. */
  blockOf(hash: EngineHash): number {
    const id = this.#find(hash);
    return id < 0 ? -1 : this.#blocks[id]!;
  }

  clear(): void {
    this.#copies.fill(0, 0, this.#table.size);
    this.#table.clear();
  }

  #find(hash: EngineHash): number {
    this.#wide[0] = hash;
    return this.#table.find(this.#halves[1]!, this.#halves[0]!);
  }

  #grow(): void {
    const blocks = new Int32Array(2 * this.#blocks.length);
    const copies = new Int32Array(2 * this.#copies.length);
    blocks.set(this.#blocks);
    copies.set(this.#copies);
    this.#blocks = blocks;
    this.#copies = copies;
  }
}
