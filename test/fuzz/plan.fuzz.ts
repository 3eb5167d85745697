/**
 * Saved plans with one change each, at every depth: a field deleted, renamed, of another type, or with a
 * value far out of bounds. Each goes through the check in this process; those that pass, and every
 * fourth of the others, run on the built binary on the virtual clock.
 *
 * Faults: a crash, a hang, a stack trace, a refusal that does not name the field, more memory than a
 * small run needs, and a trusted result that differs from the untouched plan's after a change that gives
 * the field no legal value.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EXIT_CODES, PlanFaults } from "../../core/base/errors.ts";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import type { Plan } from "../../core/contract/plan.ts";
import { checkedPlan } from "../../core/plan/checked-plan.ts";
import { placeText } from "../../core/plan/field-faults.ts";
import { optionSpecs } from "../../core/plan/option-spec.ts";
import { PluginSet } from "../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../plugins/bundled.ts";
import type { Fuzz, FuzzFault } from "./fuzz.ts";

const ROOT = join(import.meta.dir, "../..");
const BINARY = resolve(process.env["DYNBENCH_BINARY"] ?? join(ROOT, "dynbench"));
/** Of the cases that are refused, one of so many is also given to the binary; DYNBENCH_FUZZ_EVERY=1 gives it all. */
const EVERY = Number(process.env["DYNBENCH_FUZZ_EVERY"] ?? 4);
/** A run takes a fifth of a second. */
const HANG_MS = 20_000;
/** A small run takes 150 MB. */
const MOST_MB = 400;

/** Characters of a message. */
const SHOWN = 300;

export const fuzz: Fuzz = {
  name: "plan",
  cases: 1500,
  run: async ({ seed, from, to }) => {
    const folder = mkdtempSync(join(tmpdir(), "dynbench-fuzz-plan-"));
    try {
      const trace = join(folder, "trace.jsonl");
      writeFileSync(trace, `${TRACE_ROWS.join("\n")}\n`);
      const bases: Base[] = [];
      for (const [i, kind] of KINDS.entries()) {
        const words = kind.map((word) => (word === TRACE ? trace : word));
        bases.push(await baseOf(words, join(folder, `b${i}`)));
      }
      const ends: Record<string, number> = {};
      const faults: FuzzFault[] = [];
      for (let i = from; i < to; i += 1) {
        const random = randomStream(seed, "plan", i);
        const base = bases[random.int(bases.length)]!;
        const change = changeOf(base.text, random);
        const { end, wrong } = await tried(change, { base, folder, isAsked: i % EVERY === 0 });
        ends[end] = (ends[end] ?? 0) + 1;
        for (const what of wrong) faults.push({ case: i, what, input: change.words });
      }
      return { ends, faults };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const SMALL = ["--clock", "virtual", "--workers", "2", "--osl", "5"];
/** Stands for the file of `TRACE_ROWS`. */
const TRACE = "TRACE";
const TRACE_ROWS = Array.from({ length: 12 }, (_, i) =>
  JSON.stringify({
    timestamp: 100 * i,
    input_length: 1000,
    output_length: 5,
    hash_ids: [i % 3, 10 + i],
  }),
);

/** Plans that together have every part that a plan can have. The last one cannot run here. */
const KINDS: readonly (readonly string[])[] = [
  [
    ...["--router", "kv,round-robin", "--prefix-ratio", "0.5,0.8", "--isl", "200"],
    ...["--requests", "12", ...SMALL, "--header", "x-team=blue", "--body", 'user="me"'],
  ],
  [
    ...["--router", "kv,kv:temperature=0.5", "--workload", "sessions", "--sessions", "4"],
    ...["--turns", "2", "--system-tokens", "50", "--context-tokens", "100", ...SMALL],
    ...["--rate", "20", "--tiers", "lo=0.5:0,hi=0.5:1", "--slo", "ttft=500", "--warmup=1"],
    ...["--sweep", "burstiness=0.5,2", "--worker-down", "1@0.1-0.2", "--network-ms", "1"],
  ],
  [
    ...["--router", "kv-approx,random", "--isl", "100", "--prefix-ratio", "0.5", "--requests", "8"],
    ...[...SMALL, "--until", "5%", "--max-repeat", "4", "--repeat", "3", "--rate-profile"],
    ...["steps:0=5,1=20", "--pooled-bounds", "off", "--settle", "off"],
  ],
  [
    ...["--workload", "mooncake", "--trace", TRACE, "--rows", "8", "--max-isl", "3000"],
    ...[...SMALL.slice(0, 4), "--router", "kv,least-loaded", "--sweep", "osl-multiplier=1,2"],
  ],
  [
    ...["--router", "kv,dynamo:mode=kv", "--prefix-ratio", "0.5", "--discovery", "etcd"],
    ...["--etcd-url", "http://127.0.0.1:1", "--timing", "dynamo", "--workers", "2"],
  ],
];

interface Base {
  readonly text: string;
  /** Left out where it cannot run here. */
  readonly figures?: string;
}

async function baseOf(words: readonly string[], path: string): Promise<Base> {
  const planned = await binary(["plan", ...words, "--json"], path);
  if (planned.exitCode !== 0) throw new Error(`there is no plan to change: ${planned.stderr}`);
  writeFileSync(`${path}.json`, planned.stdout);
  if ((JSON.parse(planned.stdout) as Plan).clock === "wall") return { text: planned.stdout };
  const ran = await binary(["run", "--config", `${path}.json`, "--out", path], path);
  if (ran.exitCode !== 0) throw new Error(`the untouched plan does not run: ${ran.stderr}`);
  return { text: planned.stdout, figures: figuresIn(path) };
}

interface Change {
  readonly kind: "deleted" | "renamed" | "retyped" | "huge";
  readonly place: readonly (string | number)[];
  readonly text: string;
  readonly words: string;
}

/** JSON cannot be made to hold it, but a file can. */
const INFINITY = "@infinity@";
const HUGE = [2 ** 31, 1e6, 1e12, 2 ** 63, 1e308, INFINITY, -1, -(2 ** 63), 1e-300];
const LONG = "x".repeat(100_000);

function changeOf(text: string, random: RandomStream): Change {
  const plan = JSON.parse(text) as Record<string, unknown>;
  for (const key of ["design", "survey", "amount", "estimate", "needed", "processes"])
    delete plan[key];
  const place: (string | number)[] = [];
  let holder: any = plan;
  for (let value: any = plan; ;) {
    const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    const key = keys[random.int(keys.length)]!;
    holder = value;
    place.push(key);
    value = value[key];
    const isInner = typeof value === "object" && value !== null && Object.keys(value).length > 0;
    if (!isInner || random.next() < 0.1) break;
  }
  const key = place.at(-1)!;
  const old = holder[key];
  const drawn = one(["deleted", "renamed", "retyped", "huge"] as const, random);
  const kind = drawn === "renamed" && Array.isArray(holder) ? "retyped" : drawn;
  if (kind === "huge") {
    holder[key] = typeof old === "string" && random.next() < 0.5 ? LONG : one(HUGE, random);
  } else if (kind === "retyped") holder[key] = otherType(old, random);
  else {
    if (kind === "renamed") holder[`${key}2`] = old;
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  }
  const now = JSON.stringify(holder[key])?.slice(0, 60);
  return {
    kind,
    place,
    text: JSON.stringify(plan).replaceAll(`"${INFINITY}"`, "1e999"),
    words: `${kind} ${placeText(place)}, was ${JSON.stringify(old).slice(0, 60)}, is ${now}`,
  };
}

function otherType(old: unknown, random: RandomStream): unknown {
  const text = String(old);
  const others = [null, [], {}, [old], { value: old }, text, `h${text}`, 7, true, ""];
  return one(
    others.filter((other) => typeof other !== typeof old || other === null),
    random,
  );
}

function one<T>(items: readonly T[], random: RandomStream): T {
  return items[random.int(items.length)]!;
}

/** What the check and the binary make of the change. */
async function tried(
  change: Change,
  { base, folder, isAsked }: { base: Base; folder: string; isAsked: boolean },
): Promise<{ end: string; wrong: string[] }> {
  const wrong: string[] = [];
  const refusal = await refusalOf(JSON.parse(change.text));
  if (refusal instanceof PlanFaults) {
    if (!names(refusal.message, change.place))
      wrong.push(`does not name it: ${refusal.message.slice(0, SHOWN)}`);
    if (!isAsked) return { end: "refused", wrong };
  } else if (refusal !== undefined) {
    return { end: "crashed", wrong: [String((refusal as Error).stack)] };
  }
  if (base.figures === undefined) return { end: refusal ? "refused" : "accepted", wrong };
  const out = join(folder, "run");
  rmSync(out, { recursive: true, force: true });
  writeFileSync(`${out}.json`, change.text);
  const run = await binary(["run", "--config", `${out}.json`, "--out", out], folder);
  const { exitCode, stderr } = run;
  if (exitCode === undefined) wrong.push("hangs");
  if (exitCode === EXIT_CODES.bug.code) wrong.push(`exit code 1: ${stderr.slice(0, SHOWN)}`);
  if (/^ {4}at /m.test(stderr)) wrong.push(`prints a stack: ${stderr.slice(0, SHOWN)}`);
  if (run.megabytes > MOST_MB) wrong.push(`takes ${run.megabytes} MB`);
  const isRefused = exitCode === EXIT_CODES.plan.code;
  if (refusal !== undefined && !isRefused) wrong.push(`ends with exit code ${exitCode}`);
  if (isRefused && !names(stderr, change.place))
    wrong.push(`does not name it: ${stderr.slice(0, SHOWN)}`);
  if (exitCode === 0 && figuresIn(out) !== base.figures && !isLegal(change)) {
    wrong.push("is trusted, with other results");
  }
  return { end: isRefused ? "refused" : exitCode === 0 ? "trusted" : `exit ${exitCode}`, wrong };
}

const plugins = new PluginSet(BUNDLED);

async function refusalOf(value: unknown): Promise<unknown> {
  try {
    await checkedPlan(value, "plan.json", plugins);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Whether a message names the field, or the list that it is in. */
function names(message: string, place: Change["place"]): boolean {
  return message.includes(String(place.findLast((key) => typeof key === "string")));
}

/** Fields of the core that may be left out, each with a meaning of its own. */
const OPTIONAL = new Set([
  ...["until", "maxTimeS", "rateProfile", "tiers", "priority", "slo", "ttftMs", "concurrency"],
  ...["sendPriority", "requests", "toS", "apiKeyEnv"],
]);

/** A value that passed every schema is one that the field may have, and so is its absence where it is optional. */
function isLegal({ kind, place }: Change): boolean {
  const key = String(place.at(-1));
  if (kind === "huge") return true;
  if (kind !== "deleted") return false;
  if (typeof place.at(-1) === "number") return ["downs", "steps"].includes(String(place.at(-2)));
  const specs = plugins.all.flatMap(({ plugin }) => optionSpecs(plugin.options));
  const isOption = place.at(-2) === "options";
  return isOption
    ? specs.some((spec) => spec.key === key && spec.default === undefined && !spec.isRequired)
    : OPTIONAL.has(key);
}

/** Records and outcomes: whatever reporters make of them. */
function figuresIn(folder: string): string {
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  return `${read("records.jsonl")}${read("cells.jsonl").replaceAll(/"startedAt":"[^"]*"/g, "")}`;
}

async function binary(
  words: readonly string[],
  cwd: string,
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string; megabytes: number }> {
  const child = Bun.spawn([BINARY, ...words], {
    cwd: join(cwd, ".."),
    env: { PATH: "/usr/bin:/bin", HOME: tmpdir() },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  clearTimeout(limit);
  const megabytes = Math.round((child.resourceUsage()?.maxRSS ?? 0) / 2 ** 20);
  return { exitCode: child.exitCode ?? undefined, stdout, stderr, megabytes };
}
