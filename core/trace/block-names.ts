/**
 * Dense ids for blocks that a foreign trace names by anything: hashes beyond what a number holds, or
 * token ids of texts. The same name after the same history is the same id.
 */

export class BlockNames {
  readonly #ids = new Map<string, number>();

  /** Ids of names that already stand for a block with its history. */
  ofChained(names: readonly string[]): number[] {
    return names.map((name) => this.#intern(name));
  }

  /** Ids of the blocks of a prompt, the last of which may be partial. */
  ofTokens(tokens: ArrayLike<number>, blockSize: number): number[] {
    const ids: number[] = [];
    let parent = -1;
    for (let start = 0; start < tokens.length; start += blockSize) {
      const block = Array.prototype.slice.call(tokens, start, start + blockSize) as number[];
      parent = this.#intern(`${parent}:${block.join(",")}`);
      ids.push(parent);
    }
    return ids;
  }

  #intern(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(name, id);
    return id;
  }
}
