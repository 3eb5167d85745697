/**
 * The binary in front of real routers on plane http, over simulated workers: every policy, a killed
 * worker, a killed run. Needs DYNBENCH_REAL=1 and what `install.sh` installs. Checks only counts and
 * states.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CellSummary, Summary } from "../../core/contract/result.ts";
import { dynbench, emptyFolder, startDynbench, until } from "../cli/binary.ts";
import { installed, isRealRun } from "./programs.ts";

const WORKERS = 4;
const REQUESTS = 48;
const LIMITS = { runMs: 200_000, leftoverMs: 30_000 };
const WORKLOAD = [
  ...["--workers", String(WORKERS), "--speedup", "20", "--isl", "1000", "--osl", "8"],
  ...["--num-prefix-prompts", "6", "--prefix-ratio", "0.8", "--concurrency", "8"],
  ...["--repeat", "1", "--settle", "off"],
];
const cwd = emptyFolder();

/** `found`: its index found prefixes, and more was cached than with spread requests. */
type Promised = "even" | "spread" | "affine" | "found" | "one";

interface Program {
  readonly router: string;
  readonly option: string;
  readonly path: string | undefined;
  /** Policies with their required pattern: equal shares, all workers used, or prompts that stay. */
  readonly choices: Readonly<Record<string, Promised>>;
}

const PROGRAMS: readonly Program[] = [
  {
    ...{ router: "smg", option: "policy", path: installed("smg/bin/smg") },
    choices: {
      ...{ cache_aware: "affine", round_robin: "even", random: "spread", power_of_two: "spread" },
      ...{ least_load: "spread", consistent_hashing: "affine" },
      prefix_hash: "affine",
      ...{ manual: "affine", passthrough: "one" },
    },
  },
  {
    ...{ router: "sglang-router", option: "policy" },
    path: installed("sglang-router/bin/sglang-router"),
    choices: {
      ...{ cache_aware: "affine", round_robin: "even", random: "spread", power_of_two: "spread" },
      manual: "affine",
    },
  },
  {
    ...{ router: "vllm-router", option: "policy", path: installed("vllm-router/bin/vllm-router") },
    choices: {
      ...{ cache_aware: "affine", round_robin: "even", random: "spread", power_of_two: "spread" },
      ...{ consistent_hash: "affine", sticky_least_loaded: "affine", kv_aware: "found" },
    },
  },
  {
    ...{ router: "nginx", option: "balance", path: Bun.which("nginx") ?? undefined },
    choices: {
      ...{ round_robin: "even", least_conn: "spread", random_two: "spread", hash: "affine" },
    },
  },
  {
    ...{ router: "haproxy", option: "balance", path: Bun.which("haproxy") ?? undefined },
    choices: { roundrobin: "even", leastconn: "spread", random: "spread", hash: "affine" },
  },
];

const isHere = isRealRun() && PROGRAMS.every(({ path }) => path !== undefined);

const command = ({ router, path }: Program): string[] => [`--${router}-command`, path!];

describe.skipIf(!isHere)("routers on HTTP workers (skipped without DYNBENCH_REAL=1)", () => {
  for (const program of PROGRAMS) {
    const { router, option, choices } = program;

    test(`${router}: every policy starts, passes preflight, serves all requests and ends`, async () => {
      const arms = Object.keys(choices).flatMap((each) => [
        ...["--router", `${router}:${option}=${each}`],
      ]);
      const args = ["run", ...WORKLOAD, "--requests", String(REQUESTS), ...arms];
      const out = ["--out", router, "--json", ...command(program)];
      const { exitCode, stdout, stderr, left } = await dynbench([...args, ...out], {
        ...{ cwd, limits: LIMITS },
      });
      if (exitCode !== 0 && exitCode !== 5) throw new Error(stderr);
      expect(left).toEqual([]);
      const { cells } = JSON.parse(stdout) as Summary;
      expect(cells).toHaveLength(Object.keys(choices).length);
      for (const [i, promise] of Object.values(choices).entries()) {
        expectPromise(cells[i]!, promise);
      }
    });

    test(`${router}: a worker killed under load ends the run, which names it`, async () => {
      const running = startLong(program, `${router}-worker`);
      await hasLoad(`${router}-worker`);
      const facts = JSON.parse(readFileSync(join(cwd, `${router}-worker`, "facts.json"), "utf8"));
      process.kill(facts.engines.mocker.workers[1].pid, "SIGKILL");
      const { exitCode, stdout, stderr, left } = await running.end();
      expect(`${stdout}${stderr}`).toContain("worker-1 died");
      expect([exitCode, left]).toEqual([4, []]);
    });

    test(`${router}: SIGKILL of the run leaves nothing running`, async () => {
      const running = startLong(program, `${router}-killed`);
      await hasLoad(`${router}-killed`);
      running.signal("SIGKILL");
      expect((await running.end()).left).toEqual([]);
    });
  }
});

function startLong(program: Program, out: string) {
  const args = ["run", ...WORKLOAD, "--requests", "100000", "--out", out];
  return startDynbench([...args, "--router", program.router, ...command(program)], {
    ...{ cwd, limits: LIMITS },
  });
}

async function hasLoad(out: string): Promise<void> {
  const isThere = () => Bun.file(join(cwd, out, "records.jsonl")).size > 5_000;
  expect(await until(isThere, LIMITS.runMs)).toBe(true);
}

function expectPromise(cell: CellSummary, promise: Promised): void {
  expect(cell.state).toBe("completed");
  expect(cell.requests).toEqual({ sent: REQUESTS, ok: REQUESTS, failed: 0, dropped: 0 });
  const counts = cell.workers.map(({ requests }) => requests).filter((count) => count > 0);
  // Every answer names its worker, through every one of them.
  expect(counts.reduce((total, count) => total + count, 0)).toBe(REQUESTS);
  const share = cell.cache.cachedShare!;
  const ideal = cell.cache.idealShare;
  if (promise === "even") expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(5);
  if (promise === "spread") expect(counts.length).toBeGreaterThan(1);
  if (promise === "found") {
    expect(cell.verdict.reasons.map(({ id }) => id)).not.toContain("equal-workers");
    expect(share).toBeGreaterThan(0.75 * ideal);
  }
  if (promise === "one") expect(counts).toEqual([REQUESTS]);
  if (promise === "affine") expect(share).toBeGreaterThan(0.75 * ideal);
  const isTold = cell.verdict.reasons.some(({ id }) => id === "told-group");
  expect(isTold).toBe(
    /=(consistent_hash|consistent_hashing|hash|manual|sticky_least_loaded)\)/.test(cell.arm),
  );
}
