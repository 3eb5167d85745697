/**
 * A range of bytes given by its ends. Stream parsers pass these on instead of views: making a view
 * costs more than reading the forty bytes of an event, and its garbage pauses the program.
 */

/** `bytes[from]` up to, not including, `bytes[end]`. The parser reuses the object: valid during the call. */
export interface ByteRange {
  bytes: Uint8Array;
  from: number;
  end: number;
}

export function rangeOf(bytes: Uint8Array): ByteRange {
  return { bytes, from: 0, end: bytes.length };
}

/** The same bytes as an array that shares their memory. */
export function viewOf({ bytes, from, end }: ByteRange): Uint8Array {
  return from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end);
}
