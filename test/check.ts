/**
 * `npm run check`: everything that CI does except the tests against real systems. Goes on after a
 * step that failed, and ends with the list of steps and what failed among them.
 *
 * `npm run check:static` leaves the tests out.
 */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Result {
  readonly name: string;
  readonly seconds: number;
  readonly isOk: boolean;
}

const BUN = process.execPath;
const STATIC: readonly Step[] = [
  { name: "format", command: [BUN, "fmt", "--check"] },
  { name: "lint", command: ["node_modules/.bin/oxlint"] },
  { name: "types", command: [BUN, "check", "--no-script"] },
  { name: "types of reports", command: [BUN, "check", "--no-script", "-p", "reports"] },
];
const TESTS: Step = { name: "tests", command: [BUN, "test/run.ts"] };

async function run({ name, command }: Step): Promise<Result> {
  console.log(`\n# ${name}`);
  const start = performance.now();
  const child = Bun.spawn([...command], { stdio: ["ignore", "inherit", "inherit"] });
  const isOk = (await child.exited) === 0;
  return { name, isOk, seconds: (performance.now() - start) / 1000 };
}

/** A line for each step, and one of what failed. */
function summary(results: readonly Result[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.map(({ name, isOk, seconds }) => {
    return `${name.padEnd(width)}  ${isOk ? "ok    " : "failed"}  ${seconds.toFixed(1)} s`;
  });
  const failed = results.filter(({ isOk }) => !isOk).map(({ name }) => name);
  const end = failed.length === 0 ? "All passed" : `Failed: ${failed.join(", ")}`;
  return ["", ...lines, end].join("\n");
}

const steps = process.argv[2] === "static" ? STATIC : [...STATIC, TESTS];
const results: Result[] = [];
for (const step of steps) results.push(await run(step));
console.log(summary(results));
process.exit(results.every(({ isOk }) => isOk) ? 0 : 1);

export {};
