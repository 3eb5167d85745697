/**
 * `npm test`: builds the binary, runs every test, and ends with one plain line of counts.
 *
 * `bun test/run.ts real` runs the tests against real systems instead, and with more seeds and runs
 * those that draw at random or compare with captured runs of a real system. With CI set a skipped test
 * is a failure, because everything that tests need is installed there.
 */
const isReal = process.argv[2] === "real";
const isCi = Boolean(process.env.CI);

/** More seeds, and as many runs as were captured of Dynamo's. */
const AT_LENGTH = {
  tests: ["test/simulation/cluster.test.ts", "test/simulation/dynamo-parity.test.ts"],
  env: { DYNBENCH_SEEDS: "4000", DYNBENCH_RUNS: "20" },
};

/** What was named on the command line, else all but the tests that need real systems. */
function everyday(): string[] {
  const named = process.argv.slice(2);
  if (named.length > 0) return named;
  return [...new Bun.Glob("test/**/*.test.ts").scanSync(".")].filter(
    (path) => !path.startsWith("test/real/"),
  );
}

const build = Bun.spawnSync([process.execPath, "release/build.ts"], {
  stdout: "inherit",
  stderr: "inherit",
});
if (build.exitCode !== 0) process.exit(build.exitCode);

const tests = Bun.spawn(
  [
    process.execPath,
    "test",
    "--timeout",
    isReal ? "600000" : "60000",
    ...(isReal ? ["test/real", ...AT_LENGTH.tests] : everyday()),
  ],
  {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...(isReal ? { DYNBENCH_REAL: "1", ...AT_LENGTH.env } : {}) },
  },
);

const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
const skipped: string[] = [];
const readLines = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
  const decoder = new TextDecoder();
  let rest = "";
  const take = (line: string): void => {
    const plain = Bun.stripANSI(line);
    const count = /^ *(\d+) (pass|fail|skip|todo)$/.exec(plain);
    if (count) counts[count[2] as keyof typeof counts] = Number(count[1]);
    if (plain.startsWith("(skip)")) skipped.push(plain.slice(7));
    if (/^\((pass)\)/.test(plain)) return; // thousands of lines that say nothing
    console.log(line);
  };
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
};
await Promise.all([readLines(tests.stdout), readLines(tests.stderr)]);
const exitCode = await tests.exited;

// Large traces and captures lie beside the checkout on some machines only, and a container may not let
// its root mount anything; nothing else may be missing in CI.
const skips = counts.skip + counts.todo;
const needed = [...new Set(skipped)].filter(
  (name) => !/\.\.\/shared|without the right to mount/.test(name),
);
const unexpected = isCi ? needed.length : 0;
if (skips > 0) console.log(`Skipped: ${[...new Set(skipped)].join("; ")}`);
const failed = Math.max(counts.fail + unexpected, exitCode === 0 ? 0 : 1);
console.log(
  skips > 0
    ? `${counts.pass} passed, ${failed} failed, ${skips} skipped`
    : `${counts.pass} passed, ${failed} failed`,
);
process.exit(failed === 0 ? 0 : 1);

export {};
