/** A party that is suspended for a while: named, with its length. No wait of a test is judged. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Summary } from "../../core/contract/result.ts";
import { startIllBehaved } from "../fixtures/ill-behaved.ts";
import { emptyFolder, startDynbench, type Running } from "./binary.ts";
import { findingsOf } from "./trust-rows.ts";

setDefaultTimeout(60_000);
const cwd = emptyFolder();
const FROZEN_MS = 1500;
const LOAD = [
  ...["--isl", "500", "--osl", "20", "--requests", "240", "--concurrency", "12"],
  ...["--prefix-ratio", "0.5", "--settle", "off"],
];

/** On a machine without a free core other stand-stills are found as well, and rightly so. */
const OFTEN = { retry: 3 };
let runs = 0;

/** Runs, suspends the process that `victim` finds once load is under way, and returns what was found. */
async function frozen(
  name: string,
  args: readonly string[],
  victim: (run: Running) => number | undefined,
): Promise<Finding[]> {
  const out = `${name}-${(runs += 1)}`;
  const run = startDynbench(["run", "--json", "--out", out, ...args, ...LOAD], { cwd });
  await recordsIn(out, run, 40);
  const pid = victim(run);
  if (pid !== undefined) {
    process.kill(pid, "SIGSTOP");
    await Bun.sleep(FROZEN_MS);
    process.kill(pid, "SIGCONT");
  }
  const { stdout, stderr } = await run.end();
  if (stdout === "") throw new Error(stderr);
  const summary = JSON.parse(stdout) as Summary;
  expect(summary.verdict.state).toBe("untrusted");
  return findingsOf(summary, ["client-stalled"]);
}

/** Waits until so many requests have ended. */
async function recordsIn(out: string, run: Running, count: number): Promise<void> {
  for (;;) {
    if (run.printed.stdout !== "") throw new Error(run.printed.stderr);
    const lines = linesOf(join(cwd, out, "records.jsonl"));
    if (lines >= count) return;
    await Bun.sleep(20);
  }
}

function linesOf(path: string): number {
  try {
    return readFileSync(path, "latin1").split("\n").length - 1;
  } catch {
    return 0; // not there yet
  }
}

/** The process of a run that writes the log of that name. */
function writerOf(log: string): (run: Running) => number {
  return (run) =>
    run.children().find((pid) => {
      const path = readlinkSync(`/proc/${pid}/fd/2`);
      return path.endsWith(`/logs/${log}.log`);
    })!;
}

const MOCKER = ["--router", "round-robin", "--workers", "2", "--speedup", "10"];
const itself = /^(\S+) stood still for (?:1\.[3-9]|2\.\d) s: as its own clock shows$/;

test(
  "the gateway is named",
  async () => {
    const found = await frozen("gateway", MOCKER, writerOf("router-round-robin"));
    expect(itself.exec(found[0]?.message ?? "")?.[1]).toBe("router-round-robin");
  },
  OFTEN,
);

test(
  "a simulated worker is named",
  async () => {
    const found = await frozen("worker", MOCKER, writerOf("worker-1"));
    expect(itself.exec(found[0]?.message ?? "")?.[1]).toBe("worker-1");
  },
  OFTEN,
);

test(
  "the load generator is named",
  async () => {
    const found = await frozen("load", MOCKER, writerOf("load"));
    const message = found.find(({ id }) => id === "client-stalled")?.message;
    expect(message).toMatch(/^The load generator stalled for (?:1[3-9]|2\d)\d\d ms$/);
    expect(found.map(({ id }) => id)).not.toContain("stood-still");
  },
  OFTEN,
);

test(
  "a router of others is named as far as its streams show it",
  async () => {
    using one = startIllBehaved();
    using other = startIllBehaved();
    const workers = `${one.url},${other.url}`;
    const script = join(import.meta.dir, "../fixtures/stand-in-router.ts");
    const router = Bun.spawn([process.execPath, script, workers], {
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      const { value } = await router.stdout.getReader().read();
      const url = new TextDecoder().decode(value).trim();
      const args = [
        "--engine",
        "attach",
        "--worker-url",
        workers,
        "--router",
        "attach",
        "--url",
        url,
      ];
      const found = await frozen("foreign", args, () => router.pid);
      expect(found[0]?.message ?? "").toMatch(
        /^Router "attach", or the way to it, stood still for (?:1\.[3-9]|2\.\d) s: \d+\.\d s after the start, all \d+ answers under way fell silent at once$/,
      );
    } finally {
      router.kill("SIGKILL");
      await router.exited;
    }
  },
  OFTEN,
);

test(
  "a worker of others is named where the others go on",
  async () => {
    using one = startIllBehaved();
    using other = startIllBehaved();
    const args = [
      "--engine",
      "attach",
      "--worker-url",
      `${one.url},${other.url}`,
      "--router",
      "direct",
    ];
    const found = await frozen("foreign-worker", args, () => {
      other.freeze(FROZEN_MS);
      return undefined;
    });
    expect(found[0]?.message ?? "").toMatch(
      /^worker-1 stood still for (?:1\.[3-9]|2\.\d) s: .* its \d+ answers under way fell silent at once$/,
    );
  },
  OFTEN,
);
