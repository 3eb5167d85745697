/**
 * Command lines from the vocabulary of all flags, drawn by seed and typed on the built binary:
 * values good and bad, words that nothing knows, flags twice, cut, or with control characters.
 *
 * Only commands that end at once are asked for: help, plans, tiny simulations, and what is refused.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fuzz, FuzzCases, FuzzFault, FuzzOutcome } from "./fuzz.ts";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import { commandWords, type CommandWords } from "../../core/cli/commands/command-words.ts";
import { flagSpecs, possibleOptions } from "../../core/cli/options/option-groups.ts";
import type { OptionSpec } from "../../core/plan/option-spec.ts";
import { PluginSet } from "../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../plugins/bundled.ts";
import { TRACE_FORMATS } from "../../plugins/shared/traces/trace-formats.ts";
import { dynbench, type Outcome } from "../cli/binary.ts";

/** A tiny case takes a tenth of a second; one that takes this long hangs. */
const LIMITS = { runMs: 30_000, leftoverMs: 2000 };
/** Binaries that run at once. */
const AT_ONCE = 2;

/** Each ends in a moment whatever stands behind it. */
const TINY = ["--workers", "2", "--isl", "200", "--osl", "3", "--requests", "4"];
const STARTS: readonly (readonly string[])[] = [
  ["plan", ...TINY],
  ["run", "--clock", "virtual", ...TINY],
  ["run", "--clock", "virtual", "--workload", "mooncake", "--trace", "rows.jsonl"],
  ["plan", "--workload", "sessions", "--sessions", "2", "--turns", "2"],
  ["run", "--help"],
  ["up", "stray"],
  ["tune", "stray"],
  ["size", "stray"],
  ["ping", "http://127.0.0.1:1", "--timeout", "0.2"],
  ["report"],
  ["report", "nowhere"],
  ["plugin", "show"],
  ["plugin", "pack"],
  ["plugin", "new", "router"],
  ["trace", "analyze"],
  ["trace", "convert"],
  ["trace"],
  ["trace", "analyze", "rows.jsonl"],
  ["trace", "synthesize", "rows.jsonl", "--num-requests", "5"],
  ["trace", "convert", "rows.jsonl"],
  ["plugin"],
  ["plugin", "list"],
  ["plugin", "show", "kv"],
  ["completion", "bash"],
  [],
];

const GOOD_WORDS = ["kv", "round-robin", "mocker", "prefix", "virtual", "rows.jsonl", "on", "off"];
const BAD_WORDS: readonly string[] = [
  ...["", " ", "0", "-1", "1e300", "-1e300", "1e-300", "NaN", "Infinity", "-Infinity", "undefined"],
  ...[
    "null",
    "true",
    "0x10",
    "1,5",
    ",",
    ",,",
    "1,,2",
    "=",
    "a=",
    "=b",
    ":",
    "kv:",
    "kv:=",
    "kv:a=b=c",
  ],
  ...[
    "kv,kv",
    "kv:temperature=x",
    "mocker:workers=0,,",
    "{",
    "}",
    "[",
    '{"a":',
    "()",
    "(,)",
    '"',
    "'",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "/dev/null/x", "~", "-"],
  ...[
    "\u001b[31mred\u001b[0m",
    "\r",
    "\n",
    "a\nb",
    "\t",
    "\u0007",
    "\u202e",
    "é",
    "😀",
    "\ud7ff",
    "%s",
  ],
  ...[
    "9".repeat(40),
    "x".repeat(3000),
    "ramp:0",
    "sine:min=1",
    "steps:0=1,0=1",
    "a=0.5:1",
    "ttft=",
    "$HOME",
  ],
  ...[
    "low=0.5:0,low=0.5:1",
    "ttft=1,ttft=2",
    "decided",
    "0%",
    "1e9%",
    "99h",
    "isl=",
    "isl=1,x",
    "nope=1",
  ],
];
const GUIDE_FLAGS = [
  "mockers",
  "no-kv-events",
  "router-reset-states",
  "decode",
  "prefill",
  "output-file",
];
const NO_FLAGS = [
  "__proto__",
  "constructor",
  "toString.x",
  ".",
  "..",
  "=",
  "",
  "-",
  "no-",
  "no-no-json",
];
/** What a printed message must never hold, unless it was typed. */
const ODD_WORDS = ["undefined", "[object Object]", "NaN", "Infinity"];
const STACK = /^ {4}at .*:\d+/m;
const CONTROL = /[^\P{Cc}\n\t]/u;

/** Flags that start other programs or load code, or make a simulation a live run. */
const LEFT_OUT =
  /^(clock|plugin|plugin-folder|config|resume|launch|python|frontend-python)$|command$/;
/** Flags of which a large value that is allowed takes long, and is right to. */
const COUNTS =
  /^(requests|num-requests|warmup|repeat|max-repeat|until|sessions|turns|sub-agents|workers|num-workers|prefill-workers|decode-workers|replicas|rows|isl|osl|.*tokens)$/i;

const USED_BY_DEFAULT = { mocker: true, kv: true, prefix: true };

interface Vocabulary {
  readonly ofRuns: readonly OptionSpec[];
  /** Of runs that name no plugin. */
  readonly ofDefaults: readonly OptionSpec[];
  readonly ofCommands: Readonly<Record<string, readonly OptionSpec[]>>;
}

function vocabulary(): Vocabulary {
  const plugins = new PluginSet(BUNDLED);
  const own = possibleOptions(plugins).filter(({ plugin }) => plugin === undefined);
  const words = commandWords(TRACE_FORMATS);
  const ofCommand = ({ options, verbs = {} }: CommandWords): OptionSpec[] => [
    ...options,
    ...Object.values(verbs).flatMap(ofCommand),
  ];
  const isFree = ({ flag }: OptionSpec): boolean => !LEFT_OUT.test(flag.split(".").at(-1)!);
  const ofPlugins = (chosen: typeof BUNDLED): OptionSpec[] =>
    [...own.flatMap(({ specs }) => specs), ...chosen.flatMap(flagSpecs)].filter(isFree);
  const ofRuns = ofPlugins(BUNDLED);
  const ofDefaults = ofPlugins(BUNDLED.filter(({ name }) => name in USED_BY_DEFAULT));
  const ofCommands = Object.entries(words).map(([name, each]) => [
    name,
    ofCommand(each).filter(isFree),
  ]);
  return { ofRuns, ofDefaults, ofCommands: Object.fromEntries(ofCommands) };
}

interface Draw {
  readonly random: RandomStream;
  readonly specs: readonly OptionSpec[];
  /** Nothing in the line is odd on purpose, so that it often gets as far as the command's own work. */
  readonly isTame: boolean;
}

/** The words of case `index`. */
function drawn(seed: number, index: number, known: Vocabulary): string[] {
  const random = randomStream(seed, `command line ${index}`);
  const start = [...pick(random, STARTS)];
  const [command = ""] = start;
  const isTame = random.int(2) === 0;
  const own = known.ofCommands[command] ?? [];
  const specs = own.length > 0 ? own : isTame ? known.ofDefaults : known.ofRuns;
  const words: string[] = [];
  for (let left = random.int(6); left > 0; left -= 1) {
    words.push(...flagged({ random, specs, isTame }));
  }
  if (isTame) return [...start, ...words];
  if (random.int(8) === 0) words.splice(random.int(words.length + 1), 0, "--");
  if (random.int(4) === 0) words.push(...words.slice(0, 2)); // a flag twice
  if (random.int(20) === 0) start[0] = mangled(random, command);
  return [...start, ...words];
}

function flagged(draw: Draw): string[] {
  const { random, specs, isTame } = draw;
  const isOdd = (oneIn: number): boolean => !isTame && random.int(oneIn) === 0;
  if (isOdd(12)) return [pick(random, [...BAD_WORDS, ...GOOD_WORDS])];
  if (isOdd(12))
    return [`--${pick(random, [...GUIDE_FLAGS, ...NO_FLAGS])}`, pick(random, GOOD_WORDS)];
  const spec = pick(random, specs);
  let name = pick(random, [spec.flag, spec.key, ...spec.aliases]);
  if (isOdd(12)) name = mangled(random, name);
  if (isOdd(15)) name = `${pick(random, ["run", "load", "engine", "router", "kv", "x"])}.${name}`;
  if (isOdd(15)) name = `no-${name}`;
  if (isOdd(10)) return [`--${name}`];
  const value = isOdd(3) ? pick(random, BAD_WORDS) : valueOf(draw, spec);
  return random.int(2) === 0 && spec.type !== "boolean"
    ? [`--${name}`, value]
    : [`--${name}=${value}`];
}

function valueOf({ random, isTame }: Draw, { type, choices, flag, key }: OptionSpec): string {
  if (choices) return pick(random, choices);
  const small = (): string => String(1 + random.int(3));
  if (type === "number") {
    const isCount = isTame || COUNTS.test(flag) || COUNTS.test(key);
    return isCount ? small() : pick(random, [small(), "0.5", "100", "-3", "2.5e1", "1,2"]);
  }
  if (type === "boolean")
    return pick(random, ["true", "false", "on", "no", ...(isTame ? [] : ["maybe"])]);
  return pick(random, [...GOOD_WORDS, "runs/x", "a,b", "name=value", "concurrency=1,2"]);
}

/** Cut, doubled, or with a character that no name has. */
function mangled(random: RandomStream, word: string): string {
  const at = random.int(word.length + 1);
  switch (random.int(4)) {
    case 0:
      return word.slice(0, at);
    case 1:
      return word.slice(0, at) + word;
    case 2:
      return word.toUpperCase();
    default:
      return (
        word.slice(0, at) + pick(random, ["\u001b[2J", "\n", "é", " ", "-", "."]) + word.slice(at)
      );
  }
}

function pick<T>(random: RandomStream, from: readonly T[]): T {
  return from[random.int(from.length)]!;
}

/** What is wrong with how it ended; undefined where nothing is. */
function wrongWith(
  args: readonly string[],
  end: Outcome,
  files: readonly string[],
): string | undefined {
  if (end.exitCode === undefined) return "it hangs";
  if (![0, 2, 3, 4, 5].includes(end.exitCode))
    return `exit code ${end.exitCode}: ${end.stderr.slice(0, 300)}`;
  if (end.left.length > 0) return `it leaves ${end.left.join("; ")}`;
  const printed = `${end.stderr}\n${end.stdout}`;
  const odd = ODD_WORDS.filter((word) => !args.some((typed) => typed.includes(word)));
  const places = [...odd.map((word) => printed.indexOf(word)), printed.search(STACK)];
  const at = places.find((place) => place >= 0);
  if (at !== undefined) return `it prints ${around(printed, at)}`;
  const control = end.stderr.search(CONTROL);
  if (control >= 0) return `it prints a control character: ${around(end.stderr, control)}`;
  if (end.exitCode === 2 && files.length > 0)
    return `it was refused and leaves ${files.join(", ")}`;
  return undefined;
}

function around(text: string, at: number): string {
  return JSON.stringify(text.slice(Math.max(0, at - 80), at + 80));
}

export const fuzz: Fuzz = {
  name: "command-line",
  cases: 1000,
  async run({ seed, from, to }: FuzzCases): Promise<FuzzOutcome> {
    const known = vocabulary();
    const ends: Record<string, number> = {};
    const faults: FuzzFault[] = [];
    let next = from;
    const worker = async (): Promise<void> => {
      while (next < to) {
        const index = next++;
        const args = drawn(seed, index, known);
        const { end, files } = await typedIn(args);
        const what = wrongWith(args, end, files);
        if (what !== undefined) {
          const input = `dynbench ${args.map((word) => JSON.stringify(word)).join(" ")}`;
          faults.push({ case: index, what, input });
        }
        const word = what === undefined ? `exit ${end.exitCode}` : "faulty";
        ends[word] = (ends[word] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { ends, faults: faults.toSorted((a, b) => a.case - b.case) };
  },
};

/** In a folder of its own, which is removed; `files` are those that are there when it has ended. */
async function typedIn(args: readonly string[]): Promise<{ end: Outcome; files: string[] }> {
  const cwd = mkdtempSync(join(tmpdir(), "dynbench-fuzz-"));
  try {
    const row = { timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] };
    writeFileSync(join(cwd, "rows.jsonl"), `${JSON.stringify(row)}\n`.repeat(5));
    const end = await dynbench(args, { cwd, limits: LIMITS });
    return { end, files: readdirSync(cwd).filter((name) => name !== "rows.jsonl") };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
