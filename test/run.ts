/**
 * `npm test`: builds the binary, runs every test, and ends with one plain line of counts.
 *
 * Files run in as many processes as there are cores, those that judge timing afterwards and one at a
 * time. `npm test -- --seed N` shuffles the files and the tests in each; arguments name what is to run.
 *
 * `bun test/run.ts real` runs the tests against real systems instead, and with more seeds and runs
 * those that draw at random, kill runs, or compare with captured runs of a real system. With CI set a
 * skipped test is a failure, because everything that tests need is installed there.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** Files that say something about time: whatever else runs would disturb them. */
const ALONE = ["test/core/wire/zmq/publisher.test.ts"];

/** More seeds, more runs killed, and as many runs as were captured of Dynamo's. */
const AT_LENGTH = {
  tests: [
    "test/simulation/cluster.test.ts",
    "test/simulation/dynamo-parity.test.ts",
    "test/cli/stop.test.ts",
  ],
  env: { DYNBENCH_SEEDS: "2000", DYNBENCH_RUNS: "20" },
};

/** Foreign programs wait for each other for a part of their time, which more processes fill. */
const MORE_REAL_JOBS = 2;

interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
  readonly skipped: readonly string[];
}

const { values, positionals } = parseArgs({
  options: { seed: { type: "string" }, jobs: { type: "string" } },
  allowPositionals: true,
});
const isReal = positionals[0] === "real";
const jobs = Number(values.jobs ?? availableParallelism() + (isReal ? MORE_REAL_JOBS : 0));
/** How long each file took before, so that the slow ones start first; at length some take longer. */
const TIMINGS = join(
  process.env.DYNBENCH_PROGRAMS ?? ".cache",
  isReal ? "real-test-timings.json" : "test-timings.json",
);

const build = Bun.spawnSync([process.execPath, "release/build.ts"], {
  stdout: "inherit",
  stderr: "inherit",
});
if (build.exitCode !== 0) process.exit(build.exitCode);

const files = isReal ? [...testFiles("test/real"), ...AT_LENGTH.tests] : named(positionals);
const together = files.filter((file) => !ALONE.includes(file));
const alone = files.filter((file) => ALONE.includes(file));
const parts = [
  ...(together.length === 0 ? [] : [await runFiles(together, jobs)]),
  ...(alone.length === 0 ? [] : [await runFiles(alone, 1)]),
];
process.exit(report(parts));

/** All but the tests that need real systems, or those in the files and folders that are named. */
function named(paths: readonly string[]): string[] {
  if (paths.length === 0) {
    return testFiles("test").filter((file) => !file.startsWith("test/real/"));
  }
  const found = paths.flatMap((path) => (path.endsWith(".ts") ? [path] : testFiles(path)));
  if (found.length > 0) return found;
  console.error(`No tests in ${paths.join(", ")}`);
  process.exit(1);
}

function testFiles(folder: string): string[] {
  return [...new Bun.Glob(join(folder, "**/*.test.ts")).scanSync(".")].toSorted();
}

/** Runs test files in `processes` processes of Bun's; what they print is printed, less what passed. */
async function runFiles(paths: readonly string[], processes: number): Promise<Counts> {
  const tests = Bun.spawn([process.execPath, "test", ...flags(processes), ...paths.map(exactly)], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...(isReal ? { DYNBENCH_REAL: "1", ...AT_LENGTH.env } : {}) },
  });
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  const skipped: string[] = [];
  let heading = "";
  const take = (line: string): void => {
    const plain = Bun.stripANSI(line);
    const count = /^ *(\d+) (pass|fail|skip|todo)$/.exec(plain);
    if (count) {
      counts[count[2] as keyof typeof counts] = Number(count[1]);
      heading = "";
    }
    if (plain.startsWith("(skip)")) return void skipped.push(plain.slice(7));
    // Thousands of lines that say nothing: tests that passed, files without another line.
    if (plain === "" || plain.startsWith("(pass)") || /^ *\d+ tests skipped:$/.test(plain)) return;
    if (/^\S+\.test\.ts:$/.test(plain)) return void (heading = `\n${line}\n`);
    console.log(`${heading}${line}`);
    heading = "";
  };
  await Promise.all([eachLine(tests.stdout, take), eachLine(tests.stderr, take)]);
  const exitCode = await tests.exited;
  const fail = Math.max(counts.fail, exitCode === 0 ? 0 : 1);
  return { pass: counts.pass, fail, skip: counts.skip + counts.todo, skipped };
}

function flags(processes: number): string[] {
  return [
    ...["--timeout", isReal ? "600000" : "60000"],
    ...(values.seed === undefined ? [] : ["--randomize", "--seed", values.seed]),
    ...(processes === 1 ? [] : [`--parallel=${processes}`, ...timingFlags()]),
  ];
}

function timingFlags(): string[] {
  mkdirSync(join(TIMINGS, ".."), { recursive: true });
  try {
    JSON.parse(readFileSync(TIMINGS, "utf8"));
  } catch {
    rmSync(TIMINGS, { force: true }); // none yet, or cut off while it was written
  }
  return [`--timings=${TIMINGS}`, "--update-timings"];
}

/** Bun takes a path with a dot before it as that file, one without as a part of names. */
function exactly(path: string): string {
  return path.startsWith("./") || path.startsWith("/") ? path : `./${path}`;
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
}

/** Prints the closing lines of all parts together; the exit code. */
function report(parts: readonly Counts[]): number {
  const sum = (of: (counts: Counts) => number): number =>
    parts.reduce((total, counts) => total + of(counts), 0);
  const skipped = [...new Set(parts.flatMap((counts) => counts.skipped))];
  // Large traces and captures lie beside the checkout on some machines only, and a container may not
  // let its root mount anything; nothing else may be missing in CI.
  const needed = skipped.filter((name) => !/\.\.\/shared|without the right to mount/.test(name));
  const passed = sum(({ pass }) => pass);
  const failed = sum(({ fail }) => fail) + (process.env.CI ? needed.length : 0);
  const skips = sum(({ skip }) => skip);
  if (skips > 0) console.log(["Skipped:", ...skipped].join("\n  "));
  console.log(
    skips > 0
      ? `${passed} passed, ${failed} failed, ${skips} skipped`
      : `${passed} passed, ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
}
