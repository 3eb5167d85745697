/** Bytes with a few faults, and JSON with other values: what goes over wires, drawn by seed. */
import type { RandomStream } from "../../core/base/random.ts";

/** Now and then whole; else with one to four faults. */
export function damagedBytes(bytes: Uint8Array, random: RandomStream): Buffer {
  let now: Buffer = Buffer.from(bytes);
  const count = random.int(4) === 0 ? 0 : 1 + random.int(4);
  for (let i = 0; i < count; i += 1) now = oneOf(DAMAGES, random)(now, random);
  return now;
}

export function oneOf<T>(items: readonly T[], random: RandomStream): T {
  return items[random.int(items.length)]!;
}

/** The bytes in pieces, as a network may cut them. */
export function inPieces(bytes: Uint8Array, random: RandomStream): Uint8Array[] {
  const cuts = Array.from({ length: random.int(4) }, () => random.int(bytes.length + 1));
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  let from = 0;
  return ends.flatMap((end) => {
    const piece = bytes.subarray(from, end);
    from = end;
    return piece.length === 0 ? [] : [piece];
  });
}

const DAMAGES: readonly ((bytes: Buffer, random: RandomStream) => Buffer)[] = [
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256);
    return bytes;
  },
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.int(bytes.length)]! ^= 1 << random.int(8);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1)),
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(20))]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    const twice = bytes.subarray(at, at + random.int(60));
    return Buffer.concat([bytes.subarray(0, at), twice, bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), oneOf(ODD, random), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    const run = Buffer.alloc(10 ** (1 + random.int(4)), random.int(256));
    return Buffer.concat([bytes.subarray(0, at), run, bytes.subarray(at)]);
  },
];

const ODD = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  ":",
  "0",
  "\r\n\r\n",
  "0\r\n\r\n",
  "\ufeff",
  "💥",
  '"',
  "}",
  ",",
]
  .map((text) => Buffer.from(text))
  .concat(Buffer.from([0xff]), Buffer.from([0xc0, 0x80]), Buffer.alloc(8, 0xff));

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63],
  ...[
    "",
    "x",
    "1",
    "\0",
    "\ud800",
    "a ".repeat(50),
    [],
    {},
    [null],
    [[]],
    [[1, 2], [3]],
    ["a", "b"],
  ],
  ...[{ __proto__: null, a: 1 }, [1, "a"], [-1], [1e10], { length: 3 }, { toString: 1 }],
];

/** A value with up to two parts exchanged, left out, or renamed; nested ones too. */
export function damagedJson(value: unknown, random: RandomStream): unknown {
  let now = structuredClone(value);
  for (let i = random.int(3); i > 0; i -= 1) now = damagedPart(now, random);
  return now;
}

function damagedPart(value: unknown, random: RandomStream): unknown {
  const isInner = typeof value === "object" && value !== null && random.int(6) > 0;
  if (!isInner) return oneOf(VALUES, random);
  const keys = Object.keys(value);
  if (keys.length === 0) return oneOf(VALUES, random);
  const key = oneOf(keys, random);
  const inner = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) {
    const at = Number(key);
    const drawn = random.int(3);
    if (drawn === 0) return value.toSpliced(at, 1);
    if (drawn === 1) return value.toSpliced(at, 0, inner);
    return value.with(at, damagedPart(inner, random));
  }
  const { [key]: _, ...others } = value as Record<string, unknown>;
  const drawn = random.int(5);
  if (drawn === 0) return others;
  if (drawn === 1) return { ...others, [`${key}x`]: inner };
  return { ...others, [key]: damagedPart(inner, random) };
}
