/**
 * Follows zstd data to find whether it stops in the middle: the decompressor ends without an error
 * when its input does. Steps over frames and blocks by their lengths (RFC 8878 §3.1.1), unpacks
 * nothing.
 */

const FRAME_MAGIC = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F: data that decompressors step over. */
const SKIPPABLE_MAGIC = 0x184d2a5;

export class ZstdFrames {
  /** Bytes of the field that is being read, as a number, least significant first. */
  #field = 0;
  #fieldBytes = 0;
  #fieldLength = 4;
  /** Bytes to step over before the next field. */
  #skip = 0;
  #hasChecksum = false;
  #state: "magic" | "skippable" | "descriptor" | "block" = "magic";

  /** True where a frame has just ended: input may stop here. */
  get isComplete(): boolean {
    return this.#state === "magic" && this.#fieldBytes === 0 && this.#skip === 0;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const stepped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= stepped;
        at += stepped;
        continue;
      }
      this.#field += bytes[at]! * 256 ** this.#fieldBytes;
      this.#fieldBytes += 1;
      at += 1;
      if (this.#fieldBytes < this.#fieldLength) continue;
      const field = this.#field;
      this.#field = 0;
      this.#fieldBytes = 0;
      this.#next(field);
    }
  }

  #next(field: number): void {
    switch (this.#state) {
      case "magic":
        if (field === FRAME_MAGIC) this.#await("descriptor", 1);
        else if (Math.floor(field / 16) === SKIPPABLE_MAGIC) this.#await("skippable", 4);
        return; // anything else is a fault that the decompressor finds
      case "skippable":
        this.#skip = field;
        this.#await("magic", 4);
        return;
      case "descriptor":
        this.#skip = headerBytes(field);
        this.#hasChecksum = (field & 0b100) !== 0;
        this.#await("block", 3);
        return;
      case "block": {
        const isLast = (field & 1) !== 0;
        const isRepeated = ((field >> 1) & 0b11) === 1; // one byte stands for all
        this.#skip = isRepeated ? 1 : field >> 3;
        if (!isLast) return;
        this.#skip += this.#hasChecksum ? 4 : 0;
        this.#await("magic", 4);
      }
    }
  }

  #await(state: "magic" | "skippable" | "descriptor" | "block", fieldLength: number): void {
    this.#state = state;
    this.#fieldLength = fieldLength;
  }
}

/** Length of a frame header after its descriptor: window, dictionary id, content size. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b10_0000) !== 0;
  const windowBytes = isSingleSegment ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0b11]!;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag;
  return windowBytes + dictionaryBytes + sizeBytes;
}
