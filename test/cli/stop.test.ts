/** However a run ends, no process is left and nothing that was measured is lost. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { randomStream } from "../../core/base/random.ts";
import { parseRecords } from "../../core/contract/record.ts";
import { dynbench, emptyFolder, startDynbench, TINY, until, type Running } from "./binary.ts";

const cwd = emptyFolder();
/** So long that no test reaches its end: a few hundred cells. */
const LONG = [...TINY, "--requests", "100", "--repeat", "300", "--preflight", "off"];
const SOON_MS = 20_000;

const recordCount = (out: string): number => {
  try {
    return readFileSync(join(cwd, out, "records.jsonl"), "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
};

async function startLong(out: string, ...args: string[]): Promise<Running> {
  const run = startDynbench(["run", ...LONG, "--out", out, "--json", ...args], { cwd });
  if (!(await until(() => recordCount(out) >= 20, SOON_MS))) {
    throw new Error(`no load came: ${run.printed.stderr}`);
  }
  return run;
}

/** The child of that name, by the log that is its stderr. */
function pidOf(run: Running, name: string): number {
  const found = run.children().find((pid) => {
    const links = Bun.spawnSync(["readlink", `/proc/${pid}/fd/2`]).stdout.toString();
    return links.trim().endsWith(`/logs/${name}.log`);
  });
  if (found === undefined) throw new Error(`no process ${name} is running`);
  return found;
}

describe("interrupted", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${signal} once: finished results are kept and reported`, async () => {
      const out = `once-${signal}`;
      const run = await startLong(out);
      run.signal(signal);
      const end = await run.end();
      expect(end.exitCode).toBe(130);
      expect(end.left).toEqual([]);
      expect(end.stderr).toContain("Interrupted: what was measured until then is kept");
      const { cells, verdict } = JSON.parse(end.stdout) as Summary;
      expect(cells.length).toBeGreaterThan(0);
      expect(verdict.state).not.toBe("trusted");
      const records = parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));
      const ok = records.filter(({ state }) => state === "ok").length;
      expect(cells.reduce((sum, { requests }) => sum + requests.ok, 0)).toBe(ok);
      expect(existsSync(join(cwd, out, "report.html"))).toBe(true);
      const rebuilt = await dynbench(["report", out, "--json"], { cwd });
      expect(rebuilt.stdout).toBe(end.stdout);
    });
  }

  test("twice: at once", async () => {
    const run = await startLong("twice");
    run.signal("SIGINT");
    await run.shows("Press Ctrl-C again to stop at once");
    run.signal("SIGINT");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    expect(end.left).toEqual([]);
  });

  test("while engines start: ends without waiting for them", async () => {
    const run = startDynbench(["run", ...TINY, "--workers", "16", "--out", "early"], { cwd });
    await run.shows("starting the engine");
    run.signal("SIGINT");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    expect(end.left).toEqual([]);
  });
});

/** `DYNBENCH_RUNS=20` kills that many. */
const RUNS = Number(process.env.DYNBENCH_RUNS ?? 4);

describe("killed", () => {
  const random = randomStream(0, "kill");
  // Moments in records written: from before the first to well into the third cell.
  const moments = Array.from({ length: RUNS }, (_, i) => (i === 0 ? 0 : random.int(250)));
  for (const [i, moment] of moments.entries()) {
    test(`after ${moment} records: nothing is left, every finished record is readable`, async () => {
      const out = `killed-${i}`;
      const run = startDynbench(["run", ...LONG, "--out", out, "--router", "kv,random"], { cwd });
      const isTime = (): boolean =>
        moment === 0 ? run.children().length > 2 : recordCount(out) >= moment;
      expect(await until(isTime, SOON_MS)).toBe(true);
      run.signal("SIGKILL");
      const { left } = await run.end();
      expect(left).toEqual([]);
      const records = parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));
      expect(records.length).toBeGreaterThanOrEqual(moment);
      expect(records.filter(({ state, endNs }) => state !== "ok" || !(endNs > 0))).toEqual([]);
    });
  }
});

/** One cell, so long that no test reaches its end. */
const ONE_CELL = ["--requests", "20000", "--repeat", "1"];

test("killed in its first cell: the report shows a part of it as that", async () => {
  const out = "killed-first";
  const run = await startLong(out, ...ONE_CELL, "--router", "kv");
  run.signal("SIGKILL");
  await run.end();
  const report = await dynbench(["report", out], { cwd });
  const ended = recordCount(out);
  expect(report.stdout).toContain("✗ Failed");
  expect(report.stdout).toMatch(/^kv \(part\) +\d/m);
  expect(report.stdout).toContain(
    `This is a part of a cell, ${ended} of 20000 requests: the run was killed in it, or is not over`,
  );
  expect(report.exitCode).toBe(4);
  const { cells } = JSON.parse(readFileSync(join(cwd, out, "summary.json"), "utf8")) as Summary;
  expect(cells).toMatchObject([{ state: "failed", requests: { sent: ended } }]);
  expect(cells[0]!.workers.map(({ id }) => id)).toEqual(["worker-0", "worker-1"]);
  expect(cells[0]!.timeScale).toBe(50);
});

describe("a process that dies during the run", () => {
  test("a worker: named with its last log lines, the verdict failed, the others ended", async () => {
    const run = await startLong("worker-dies", ...ONE_CELL);
    const pid = pidOf(run, "worker-1");
    writeFileSync(join(cwd, "worker-dies/logs/worker-1.log"), "CUDA error: out of patience\n");
    process.kill(pid, "SIGKILL");
    const end = await run.end();
    expect(end.exitCode).toBe(4);
    expect(end.left).toEqual([]);
    expect(end.stderr).toContain("worker-1 died during the run (killed by SIGKILL)");
    expect(end.stderr).toContain("CUDA error: out of patience");
    const { verdict, cells } = JSON.parse(end.stdout) as Summary;
    expect(verdict.state).toBe("failed");
    expect(verdict.reasons.map(({ id }) => id)).toContain("process-died");
    expect(cells.at(-1)).toMatchObject({ state: "failed" });
  });

  for (const name of ["router-kv", "load"]) {
    test(`${name}: the run ends and names it`, async () => {
      const run = await startLong(`${name}-dies`, ...ONE_CELL);
      process.kill(pidOf(run, name), "SIGKILL");
      const end = await run.end();
      expect(end.exitCode).toBe(4);
      expect(end.left).toEqual([]);
      expect(end.stderr).toMatch(
        name === "load"
          ? /The load generator ended early \(killed by SIGKILL\)/
          : /router-kv died during the run/,
      );
      expect((JSON.parse(end.stdout) as Summary).verdict.state).toBe("failed");
    });
  }
});
