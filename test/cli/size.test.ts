/** `dynbench size` through the binary. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const LOAD = ["--prefix-ratio", "0.9", "--isl", "4000", "--requests", "60", "--rate", "8"];
const SIZE = ["size", ...LOAD, "--json"] as const;

interface SizeJson {
  readonly answers: readonly {
    readonly router: string;
    readonly gpu?: string;
    readonly workers: number;
    readonly rateFactor: number;
    readonly share: { value: number; low: number; high: number };
    readonly runs: number;
    readonly beyond?: { readonly workers: number; readonly share: { low: number } };
    readonly perMillionTokens?: number;
  }[];
}

async function size(...args: string[]): Promise<SizeJson> {
  const end = await dynbench([...SIZE, "--out", `size-${args.join("").length}`, ...args], { cwd });
  if (end.exitCode !== 0) throw new Error(`exit code ${end.exitCode}: ${end.stderr}`);
  return JSON.parse(end.stdout) as SizeJson;
}

test("the fewest workers hold the share, and one less does not; a faster GPU needs fewer", async () => {
  const { answers } = await size(
    "--slo",
    "ttft=900",
    "--gpu",
    "l40s,h100",
    "--price",
    "h100=2,l40s=1",
  );
  const [l40s, h100] = answers;
  for (const { workers, share, runs, beyond } of answers) {
    expect(runs).toBe(20);
    expect(share.low).toBeGreaterThanOrEqual(0.95);
    expect(beyond?.workers ?? 0).toBe(workers - 1);
    expect(beyond?.share.low ?? 0).toBeLessThan(0.95);
  }
  expect([l40s!.gpu, h100!.gpu]).toEqual(["l40s", "h100"]);
  expect(h100!.workers).toBeLessThan(l40s!.workers);
  expect(h100!.perMillionTokens).toBeGreaterThan(0);
});

test("the highest rate that a number of workers holds, found to two percent", async () => {
  const { answers } = await size("--slo", "ttft=900", "--find", "rate", "--workers", "4");
  const [answer] = answers;
  expect(answer!.workers).toBe(4);
  expect(answer!.share.low).toBeGreaterThanOrEqual(0.95);
  expect(answer!.beyond!.share.low).toBeLessThan(0.95);
});

test.each([
  ["no limit", [], "--slo: is needed"],
  ["an unknown GPU", ["--slo", "ttft=900", "--gpu", "h1000"], 'has no GPU type "h1000"'],
  ["a price without a GPU", ["--slo", "ttft=900", "--price", "2"], "expected GPU=PRICE"],
  [
    "split workers",
    ["--slo", "ttft=900", "--prefill-workers", "2", "--decode-workers", "2"],
    "are split",
  ],
  [
    "the rate of a closed loop",
    ["--slo", "ttft=9", "--find", "rate", "--rate", "8", "--arrival", "closed"],
    "has no meaning",
  ],
] as const)("%s is refused by name, and no folder is left", async (_, args, message) => {
  const end = await dynbench([...SIZE, "--out", "bad", ...args], { cwd });
  expect(end.stderr).toContain(message);
  expect(end.exitCode).toBe(2);
  expect(existsSync(join(cwd, "bad"))).toBe(false);
});
