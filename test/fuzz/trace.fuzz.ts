/**
 * Trace files of every bundled format, whole and damaged, plain and packed: through the readers and what
 * works on their rows, and some through the binary. A file is either read into sound rows, or refused
 * with a message that names it and the line.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DynbenchError } from "../../core/base/errors.ts";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import { analyzeTrace } from "../../core/trace/analysis/analysis.ts";
import { readTrace } from "../../core/trace/read-trace.ts";
import { knobsOf } from "../../core/trace/synthesis/synthesis-options.ts";
import { synthesizeRows } from "../../core/trace/synthesis/synthesize.ts";
import { learnTrace } from "../../core/trace/synthesis/trace-model.ts";
import { TraceColumns } from "../../core/trace/trace-columns.ts";
import { MAX_BLOCK_ID, MAX_ROW_TOKENS, type TraceRow } from "../../core/trace/trace-row.ts";
import { TRACE_FORMATS } from "../../plugins/shared/traces/trace-formats.ts";
import { damaged } from "./damage.ts";
import type { Fuzz, FuzzFault } from "./fuzz.ts";
import { SAMPLES } from "./trace-samples.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
/** The binary takes a third of a second, the readers a millisecond. */
const BINARY_EVERY = 100;
const SLOW_MS = 3000;
const BINARY_LIMIT_MS = 20_000;
const MUCH_MEMORY = 400 * 2 ** 20;
/** The largest time whose nanoseconds are a number that counts them. */
const MAX_AT_MS = 1e14;

export const fuzz: Fuzz = {
  name: "trace",
  cases: 1000,
  run: async ({ seed, from, to }) => {
    const folder = mkdtempSync(join(tmpdir(), "dynbench-fuzz-"));
    const ends: Record<string, number> = {};
    const faults: FuzzFault[] = [];
    try {
      for (let i = from; i < to; i += 1) {
        const drawn = drawCase(randomStream(seed, "trace", i));
        const path = join(folder, "drawn-trace");
        writeFileSync(path, drawn.bytes);
        const viaBinary = i % BINARY_EVERY === 0 || to - from === 1;
        const tried = [
          await tryReaders(path, drawn),
          ...(viaBinary ? [await tryBinary(path, i)] : []),
        ];
        const { end } = tried[0]!;
        ends[end] = (ends[end] ?? 0) + 1;
        for (const { fault } of tried) {
          if (fault === undefined) continue;
          faults.push({ case: i, what: fault, input: `${drawn.how}: ${printed(drawn.bytes)}` });
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return { ends, faults };
  },
};

interface Drawn {
  readonly bytes: Uint8Array;
  readonly how: string;
  readonly format: string;
  readonly blockSize: number;
  readonly isLenient: boolean;
}

function drawCase(random: RandomStream): Drawn {
  const names = Object.keys(SAMPLES);
  const name = names[random.int(names.length)]!;
  const blockSize = [1, 4, 16, 512][random.int(4)]!;
  const { text, how } = damaged(SAMPLES[name]!(random, blockSize), random);
  const packing = random.int(10);
  const plain = Buffer.from(text, random.int(50) === 0 ? "utf16le" : "utf8");
  const packed =
    packing === 0 ? gzipSync(plain) : packing === 1 ? Bun.zstdCompressSync(plain) : plain;
  const isCut = packing < 2 && random.int(2) === 0;
  // Mostly as users name a format: not at all.
  const format = ["auto", "auto", name, names[random.int(names.length)]!][random.int(4)]!;
  return {
    bytes: isCut ? packed.subarray(0, random.int(packed.length)) : packed,
    how: `${name}, ${how}, read as ${format}`,
    ...{ format, blockSize, isLenient: random.int(4) === 0 },
  };
}

interface Tried {
  readonly end: string;
  readonly fault?: string | undefined;
}

async function tryReaders(path: string, drawn: Drawn): Promise<Tried> {
  const beganMs = performance.now();
  const beganBytes = process.memoryUsage.rss();
  const tried = await outcomeOf(path, drawn);
  const tookMs = performance.now() - beganMs;
  const grownBytes = process.memoryUsage.rss() - beganBytes;
  if (tookMs > SLOW_MS) return { end: tried.end, fault: `takes ${Math.round(tookMs)} ms` };
  if (grownBytes > MUCH_MEMORY)
    return { end: tried.end, fault: `takes ${Math.round(grownBytes / 2 ** 20)} MiB` };
  return tried;
}

async function outcomeOf(path: string, { format, blockSize, isLenient }: Drawn): Promise<Tried> {
  let columns: TraceColumns | undefined;
  let previousMs = 0;
  try {
    const reading = { formats: TRACE_FORMATS, blockSize, format, tokenizer: WORDS };
    const batches = readTrace(path, isLenient ? { ...reading, skipped: () => {} } : reading);
    for await (const batch of batches) {
      columns ??= new TraceColumns(batch.blockSize);
      for (const row of batch.rows) {
        const fault = unsound(row, batch.blockSize, previousMs);
        if (fault !== undefined) return { end: "read", fault: `${fault}: ${JSON.stringify(row)}` };
        previousMs = row.atMs ?? 0;
        columns.add(row);
      }
    }
  } catch (error) {
    return { end: "refused", fault: badRefusal(error, path) };
  }
  try {
    return { end: "read", fault: badNumber(JSON.stringify(worked(columns!))) };
  } catch (error) {
    return { end: "read", fault: badRefusal(error, "Cannot") };
  }
}

/** What commands make of a trace. */
function worked(columns: TraceColumns): unknown {
  const analysis = analyzeTrace(columns);
  if (columns.rows < 2 || columns.totalBlocks === 0) return analysis;
  const random = randomStream(1, "rows");
  const rows = synthesizeRows(learnTrace(columns, "drawn-trace"), knobsOf(KNOBS), {
    random,
    count: 5,
  });
  return { analysis, rows: [...rows] };
}

const KNOBS = {
  ...{ arrivalSpeedup: 1, prefixLenMultiplier: 1.5, prefixRootMultiplier: 2 },
  ...{ promptLenMultiplier: 0.5, oslMultiplier: 1 },
};

/** One token a word. */
const WORDS = { encode: wordsOf, encodePart: wordsOf };

function wordsOf(text: string): number[] {
  return text.split(/\s+/).flatMap((word) => (word === "" ? [] : [Bun.hash.crc32(word)]));
}

/** What no reader may return. */
function unsound(row: TraceRow, blockSize: number, previousMs: number): string | undefined {
  const isCount = (value: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= MAX_ROW_TOKENS;
  const isTime = (value = 0): boolean => value >= 0 && value <= MAX_AT_MS;
  const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < MAX_BLOCK_ID;
  const { isl, osl, blocks, atMs = 0, delayMs, session = "", priority = 0 } = row;
  if (!isCount(isl) || !isCount(osl)) return "a length that is none";
  if (!isTime(atMs) || !isTime(delayMs)) return "a time that is none";
  if (atMs < previousMs) return "a time before that of the row before";
  if (!blocks.every(isId)) return "an id that is none";
  if (blocks.length > 0 && blocks.length !== Math.ceil(isl / blockSize))
    return "ids of other lengths";
  if (typeof session !== "string" || !Number.isSafeInteger(priority)) return "a name that is none";
  return undefined;
}

/** Why this is no refusal that a user could act on; undefined where it is one. */
function badRefusal(error: unknown, place: string): string | undefined {
  const { message, stack } = error as Error;
  if (!(error instanceof DynbenchError)) return `throws ${stack}`;
  if (!message.includes(place)) return `names no file: ${message}`;
  const isOfFile = /no known format|there is no row|packed and broken|no tokenizer/.test(message);
  if (!isOfFile && place.startsWith("/") && !/line \d+/.test(message))
    return `names no line: ${message}`;
  const odd = /[\p{Cc}\p{Cf}]/u.exec(message.replaceAll("\n", ""));
  if (odd !== null) return `steers the terminal: ${JSON.stringify(message)}`;
  const bad = /undefined|\[object/.exec(message);
  if (bad !== null) return `says ${bad[0]}: ${message}`;
  return message.length > 600 ? `is too long: ${message.slice(0, 200)}` : undefined;
}

/** A number that is none, which JSON writes as null. */
function badNumber(text: string): string | undefined {
  const bad = /\bNaN\b|Infinity|undefined|\[object|:null\b/.exec(text);
  return bad === null ? undefined : `says ${bad[0]}: ${text.slice(0, 300)}`;
}

const COMMANDS: readonly ((path: string) => string[])[] = [
  (path) => ["trace", "analyze", path, "--json"],
  (path) => ["trace", "convert", path, "--to", "burstgpt"],
  (path) => ["trace", "synthesize", path, "--num-requests", "20"],
  (path) => ["plan", "--workload", "mooncake", "--trace", path, "--trace-block-size", "4"],
  (path) => ["plan", "--workload", "sessions", "--trace", path, "--trace-block-size", "4"],
];

async function tryBinary(path: string, index: number): Promise<Tried> {
  const args = COMMANDS[((index / BINARY_EVERY) % COMMANDS.length) | 0]!(path);
  const child = Bun.spawn([BINARY, ...args], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    ...{ timeout: BINARY_LIMIT_MS, killSignal: "SIGKILL" },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  const end = `exit code ${child.exitCode}`;
  const of = (what: string): Tried => ({ end, fault: `${args.slice(0, 2).join(" ")} ${what}` });
  if (child.exitCode === null) return of(`ended by ${child.signalCode}`);
  if (![0, 2].includes(child.exitCode)) return of(`ends in ${end}: ${stderr}`);
  if (/\n\s+at |bug in dynbench/i.test(stderr)) return of(`prints a stack: ${stderr}`);
  if (child.exitCode === 0) return { end, fault: badNumber(stdout) };
  return stderr.includes(path) || stderr.includes("load.")
    ? { end }
    : of(`names no file: ${stderr}`);
}

/** A file as a person can make it again. */
function printed(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString();
  return text.includes("\ufffd")
    ? `base64 ${Buffer.from(bytes).toString("base64")}`
    : JSON.stringify(text);
}
