/**
 * `npm run fuzz [-- KIND… --seed N --cases N --only N]`: foreign input of each kind, drawn by seed.
 *
 * A kind is a file `KIND.fuzz.ts` of this folder that exports a `Fuzz`. Case `i` of seed `s` is drawn
 * from `(s, i)` alone, so that `--only i` repeats it. A fault is a crash, a hang, a stack trace, a
 * number that is none, or a result that is trusted and wrong. One fault ends with exit code 1.
 */
import { parseArgs } from "node:util";

/** The cases `from` to `to - 1` of a seed. */
export interface FuzzCases {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

export interface FuzzFault {
  readonly case: number;
  /** What went wrong, in one line. */
  readonly what: string;
  /** The input, as a person would type or send it to see the fault again. */
  readonly input: string;
}

export interface FuzzOutcome {
  /** How the cases ended, by words of the kind: `{refused: 812, ran: 188}`. They sum up to the cases. */
  readonly ends: Readonly<Record<string, number>>;
  readonly faults: readonly FuzzFault[];
}

export interface Fuzz {
  readonly name: string;
  /** As many as are tried when no number is given. */
  readonly cases: number;
  run(cases: FuzzCases): Promise<FuzzOutcome>;
}

/** More characters of an input do not help to read a line. */
const INPUT_SHOWN = 400;

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { seed: { type: "string" }, cases: { type: "string" }, only: { type: "string" } },
    allowPositionals: true,
  });
  let faults = 0;
  for (const fuzz of await kinds(positionals)) {
    const seed = Number(values.seed ?? 1);
    const only = values.only === undefined ? undefined : Number(values.only);
    const from = only ?? 0;
    const to = only === undefined ? Number(values.cases ?? fuzz.cases) : only + 1;
    const beganMs = performance.now();
    const outcome = await fuzz.run({ seed, from, to });
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
    const ends = Object.entries(outcome.ends).map(([end, count]) => `${count} ${end}`);
    console.log(
      `${fuzz.name}, seed ${seed}: ${to - from} cases in ${seconds} s, ${ends.join(", ")}, ${outcome.faults.length} faults`,
    );
    for (const fault of outcome.faults) {
      console.log(`  case ${fault.case}: ${fault.what}\n    ${fault.input.slice(0, INPUT_SHOWN)}`);
    }
    faults += outcome.faults.length;
  }
  process.exit(faults === 0 ? 0 : 1);
}

async function kinds(wanted: readonly string[]): Promise<Fuzz[]> {
  const files = [...new Bun.Glob("*.fuzz.ts").scanSync(import.meta.dir)].toSorted();
  const known = files.map((file) => file.replace(".fuzz.ts", ""));
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`Unknown kind: ${unknown.join(", ")}. Try: ${known.join(", ")}`);
    process.exit(2);
  }
  const chosen = wanted.length === 0 ? known : wanted;
  return Promise.all(
    chosen.map(async (name) => ((await import(`./${name}.fuzz.ts`)) as { fuzz: Fuzz }).fuzz),
  );
}
