/**
 * The few WebAssembly instructions that block hashing needs, as bytes, and the module around them.
 * Names and codes as in the WebAssembly 2.0 specification. Code is a list of byte lists, so that a
 * program is written as one expression after the other.
 */

export type Code = readonly number[];

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const LOOP_WITHOUT_RESULT = [0x03, 0x40];
const END = 0x0b;

export const i64Add: Code = [0x7c];
export const i64Mul: Code = [0x7e];
export const i64And: Code = [0x83];
export const i64Xor: Code = [0x85];
export const i64ShiftRight: Code = [0x88];
export const i32Add: Code = [0x6a];
export const i32Sub: Code = [0x6b];
export const v128Xor: Code = simd(0x51);
export const i64x2Add: Code = simd(0xce);
export const i64x2Splat: Code = simd(0x12);
/** Products of the two lower unsigned 32-bit lanes. */
export const i64x2ExtmulLow: Code = simd(0xde);

export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
export const i32Const = (value: number): Code => [0x41, ...signed(BigInt(value))];
export const i64Const = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
export const v128Const = (low: bigint, high: bigint): Code => [
  ...simd(0x0c),
  ...littleEndian(low),
  ...littleEndian(high),
];
export const i64Load = (offset: number): Code => [0x29, 0, ...unsigned(offset)];
export const i64Store = (offset: number): Code => [0x37, 0, ...unsigned(offset)];
export const v128Load = (offset: number): Code => [...simd(0x00), 0, ...unsigned(offset)];
export const i64x2Lane = (lane: number): Code => [...simd(0x1d), lane];
/** Bytes of two vectors by number, 16 and up from the second. */
export const shuffle = (lanes: readonly number[]): Code => [...simd(0x0d), ...lanes];
/** Runs `then` when the i32 on the stack is not 0. */
export const ifNotZero = (then: Code): Code => [0x04, 0x40, ...then, END];
/** Runs `body`, which leaves an i32, again while that is not 0. */
export const loopWhile = (body: Code): Code => [...LOOP_WITHOUT_RESULT, ...body, 0x0d, 0, END];

/** A module with its own memory and one function `run` of i32 parameters without a result. */
export function moduleOf(program: {
  readonly pages: number;
  readonly parameters: number;
  /** Locals after the parameters: first the i64 ones, then the v128 ones. */
  readonly i64Locals: number;
  readonly v128Locals: number;
  readonly body: Code;
}): Uint8Array {
  const { pages, parameters, i64Locals, v128Locals, body } = program;
  const locals = [2, ...unsigned(i64Locals), I64, ...unsigned(v128Locals), V128];
  const code = [...locals, ...body, END];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters, ...Array<number>(parameters).fill(I32), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, pages]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("run"), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function simd(opcode: number): Code {
  return [0xfd, ...unsigned(opcode)];
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): Code {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return [...bytes, left];
}

function signed(value: bigint): Code {
  const bytes: number[] = [];
  let left = value;
  while (left < -64n || left > 63n) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  return [...bytes, Number(left & 0x7fn)];
}

function littleEndian(value: bigint): Code {
  return [...new Uint8Array(BigUint64Array.of(value).buffer)];
}
