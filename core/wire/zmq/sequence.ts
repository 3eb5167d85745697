/** Sequence numbers of vLLM's KV events: a frame of 8 bytes, big-endian. */

/** The sequence number that ends a replay: eight bytes of 0xFF. */
export const END_OF_REPLAY = -1;

/** `END_OF_REPLAY` or a number from 0 to 2^53. */
export function encodeSequence(sequence: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(sequence));
  return bytes;
}

/** A number from 0, `END_OF_REPLAY`, or undefined for a frame that is neither. */
export function decodeSequence(frame: Uint8Array | undefined): number | undefined {
  if (frame?.length !== 8) return undefined;
  const sequence = Number(new DataView(frame.buffer, frame.byteOffset, 8).getBigInt64(0));
  return sequence >= END_OF_REPLAY && sequence <= Number.MAX_SAFE_INTEGER ? sequence : undefined;
}
