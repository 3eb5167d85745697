/**
 * WebAssembly code that hashes a row of blocks with XXH3-64, seed 1337, and chains the hashes.
 *
 * WebAssembly has 64-bit integers and vectors, which JavaScript has only on the heap. The code is made
 * for one block length, so that every offset and secret is a constant and there is no branch but the
 * loop over blocks. Lengths: 17 to 128 bytes and 241 to 1024 bytes (blocks of 5 to 32 and of 61 to
 * 256 tokens); for others the content hashes come from outside and are only chained.
 * Algorithm: xxHash 0.8 specification, "XXH3 Algorithm".
 */
import {
  type Code,
  get,
  i32Add,
  i32Const,
  i32Sub,
  i64Add,
  i64And,
  i64Const,
  i64Load,
  i64Mul,
  i64ShiftRight,
  i64Store,
  i64x2Add,
  i64x2ExtmulLow,
  i64x2Lane,
  i64x2Splat,
  i64Xor,
  ifNotZero,
  loopWhile,
  moduleOf,
  set,
  shuffle,
  v128Const,
  v128Load,
  v128Xor,
} from "./wasm-code.ts";

export const SEED = 1337n;

const PAGE_BYTES = 65536;
/** Blocks lie from byte 0 of the memory on. */
export const INPUT_BYTES = PAGE_BYTES;
/** The hash before the first block; the hashes follow it. */
export const PREVIOUS_AT = PAGE_BYTES;
/** One of blocks, one of hashes: the smallest input, 8 bytes a block, would need 8 bytes more. */
const PAGES = 3;

const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const AVALANCHE_PRIME = 0x165667919e3779f9n;

/** The default secret of XXH3. */
const SECRET = Uint8Array.fromHex(
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f" +
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8" +
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364" +
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e" +
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
);

// Parameters and locals of the function.
const INPUT = 0;
const COUNT = 1;
const CHAINED = 2;
const OUTPUT = 3;
const PARAMETERS = 4;
const A = 4;
const B = 5;
const SUM = 6;
const CROSS = 7;
const PRODUCT = 8;
const HASH = 9;
const I64_LOCALS = 6;
const DATA = 10;
const KEY = 11;
const ACCUMULATORS = 12;
const V128_LOCALS = 6;

const STRIPE_BYTES = 64;
const LAST_STRIPE_SECRET = 192 - STRIPE_BYTES - 7;
const MERGE_SECRET = 11;

/** Whether blocks of this length are hashed here; otherwise their content hashes are the input. */
export function hashesLength(bytes: number): boolean {
  return (bytes > 16 && bytes <= 128) || (bytes > 240 && bytes <= 1024);
}

/**
 * A module whose `run(input, count, chained, output)` writes `count` hashes to `output`; with
 * `chained` 0 the first one starts a sequence, with 1 it continues the hash before `output`.
 */
export function hashModule(blockBytes: number): Uint8Array {
  const inputBytes = hashesLength(blockBytes) ? blockBytes : BigUint64Array.BYTES_PER_ELEMENT;
  const advance = (local: number, by: number): Code => [
    ...get(local),
    ...i32Const(by),
    ...i32Add,
    ...set(local),
  ];
  return moduleOf({
    pages: PAGES,
    parameters: PARAMETERS,
    i64Locals: I64_LOCALS,
    v128Locals: V128_LOCALS,
    body: loopWhile([
      ...contentHash(blockBytes),
      ...get(CHAINED),
      ...ifNotZero(chain()),
      ...[...get(OUTPUT), ...get(HASH), ...i64Store(0)],
      ...[...i32Const(1), ...set(CHAINED)],
      ...advance(INPUT, inputBytes),
      ...advance(OUTPUT, 8),
      ...[...get(COUNT), ...i32Const(1), ...i32Sub, ...set(COUNT), ...get(COUNT)],
    ]),
  });
}

/** HASH = content hash of the block at INPUT, or as it came from outside. */
function contentHash(bytes: number): Code {
  if (!hashesLength(bytes)) return [...get(INPUT), ...i64Load(0), ...set(HASH)];
  return bytes <= 128 ? shortContent(bytes) : longContent(bytes);
}

/** HASH of 17 to 128 bytes: pairs of words from both ends, each masked, multiplied and folded. */
function shortContent(bytes: number): Code {
  const code: number[] = [...i64Const(BigInt(bytes) * PRIME64_1), ...set(SUM)];
  const pairs = Math.ceil(bytes / 32);
  for (let pair = 0; pair < pairs; pair += 1) {
    code.push(...mix16(16 * pair, 32 * pair), ...mix16(bytes - 16 * (pair + 1), 32 * pair + 16));
  }
  return [...code, ...avalancheSum()];
}

function mix16(at: number, secretAt: number): Code {
  return [
    ...[...get(INPUT), ...i64Load(at), ...i64Const(secret(secretAt) + SEED), ...i64Xor, ...set(A)],
    ...[...get(INPUT), ...i64Load(at + 8), ...i64Const(secret(secretAt + 8) - SEED)],
    ...[...i64Xor, ...set(B)],
    ...addFold(),
  ];
}

/** HASH of 241 to 1024 bytes: stripes of 64 bytes into eight accumulators, then those into one. */
function longContent(bytes: number): Code {
  const starts = [
    [PRIME32_3, PRIME64_1],
    [PRIME64_2, PRIME64_3],
    [PRIME64_4, PRIME32_2],
    [PRIME64_5, PRIME32_1],
  ] as const;
  const code: number[] = [];
  starts.forEach(([low, high], i) => code.push(...v128Const(low, high), ...set(ACCUMULATORS + i)));
  const wholeStripes = Math.floor((bytes - 1) / STRIPE_BYTES);
  for (let i = 0; i < wholeStripes; i += 1) code.push(...stripe(i * STRIPE_BYTES, 8 * i));
  code.push(...stripe(bytes - STRIPE_BYTES, LAST_STRIPE_SECRET));
  code.push(...i64Const(BigInt(bytes) * PRIME64_1), ...set(SUM));
  starts.forEach((_, i) => {
    const key = MERGE_SECRET + 16 * i;
    const masked = (lane: number): Code => [
      ...[...get(ACCUMULATORS + i), ...i64x2Lane(lane)],
      ...[...i64Const(seededSecret(key + 8 * lane)), ...i64Xor],
    ];
    code.push(...masked(0), ...set(A), ...masked(1), ...set(B), ...addFold());
  });
  return [...code, ...avalancheSum()];
}

/** Each accumulator gains its neighbour's word and the product of the halves of its masked word. */
function stripe(at: number, secretAt: number): Code {
  const words = (first: number, second: number): Code =>
    [first, second].flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
  const swapped = [...words(2, 3), ...words(0, 1)];
  const lowHalves = [...words(0, 2), ...words(0, 2)];
  const highHalves = [...words(1, 3), ...words(1, 3)];
  return [0, 1, 2, 3].flatMap((i) => [
    ...[...get(INPUT), ...v128Load(at + 16 * i), ...set(DATA)],
    ...get(DATA),
    ...v128Const(seededSecret(secretAt + 16 * i), seededSecret(secretAt + 16 * i + 8)),
    ...[...v128Xor, ...set(KEY)],
    ...[...get(KEY), ...get(KEY), ...shuffle(lowHalves)],
    ...[...get(KEY), ...get(KEY), ...shuffle(highHalves)],
    ...i64x2ExtmulLow,
    ...[...get(DATA), ...get(DATA), ...shuffle(swapped), ...i64x2Add],
    ...[...get(ACCUMULATORS + i), ...i64x2Add, ...set(ACCUMULATORS + i)],
  ]);
}

/** HASH = XXH3 of the 16 bytes of the previous hash and HASH. */
function chain(): Code {
  const reversed = [7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0];
  return [
    ...[...get(OUTPUT), ...i32Const(8), ...i32Sub, ...i64Load(0)],
    ...[...i64Const((secret(24) ^ secret(32)) + SEED), ...i64Xor, ...set(A)],
    ...[...get(HASH), ...i64Const((secret(40) ^ secret(48)) - SEED), ...i64Xor, ...set(B)],
    ...[...get(A), ...i64x2Splat, ...get(A), ...i64x2Splat, ...shuffle(reversed), ...i64x2Lane(0)],
    ...[...get(B), ...i64Add, ...i64Const(16n), ...i64Add, ...set(SUM)],
    ...addFold(),
    ...avalancheSum(),
  ];
}

/** SUM += lower half ^ upper half of the 128-bit product A · B. */
function addFold(): Code {
  const low = (local: number): Code => [...get(local), ...i64Const(0xffffffffn), ...i64And];
  const high = (local: number): Code => [...get(local), ...i64Const(32n), ...i64ShiftRight];
  return [
    ...[...low(A), ...high(B), ...i64Mul, ...set(PRODUCT)],
    // CROSS = (lowA · lowB >> 32) + lower half of PRODUCT + highA · lowB: never beyond 64 bits.
    ...[...low(A), ...low(B), ...i64Mul, ...i64Const(32n), ...i64ShiftRight],
    ...[...low(PRODUCT), ...i64Add, ...high(A), ...low(B), ...i64Mul, ...i64Add, ...set(CROSS)],
    ...[...high(A), ...high(B), ...i64Mul, ...high(PRODUCT), ...i64Add, ...high(CROSS), ...i64Add],
    ...[...get(A), ...get(B), ...i64Mul, ...i64Xor],
    ...[...get(SUM), ...i64Add, ...set(SUM)],
  ];
}

/** HASH = SUM with its bits spread. */
function avalancheSum(): Code {
  const foldUpper = (bits: bigint): Code => [
    ...[...get(SUM), ...get(SUM), ...i64Const(bits), ...i64ShiftRight, ...i64Xor],
  ];
  return [
    ...[...foldUpper(37n), ...i64Const(AVALANCHE_PRIME), ...i64Mul, ...set(SUM)],
    ...[...foldUpper(32n), ...set(HASH)],
  ];
}

function secret(at: number): bigint {
  return new DataView(SECRET.buffer).getBigUint64(at, true);
}

/** Word at `at` of the secret derived from the seed: added to even words, taken from odd ones. */
function seededSecret(at: number): bigint {
  return new DataView(SEEDED_SECRET.buffer).getBigUint64(at, true);
}

const SEEDED_SECRET = new Uint8Array(
  BigUint64Array.from({ length: SECRET.length / 8 }, (_, i) =>
    i % 2 === 0 ? secret(8 * i) + SEED : secret(8 * i) - SEED,
  ).buffer,
);
