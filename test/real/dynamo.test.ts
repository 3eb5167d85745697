/**
 * The binary in front of the real Dynamo: its frontend, its mocker, etcd and NATS. Needs DYNBENCH_REAL=1
 * and what `install.sh` installs. Checks only counts and states, so that slow machines pass.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CellSummary, Summary } from "../../core/contract/result.ts";
import { freePorts } from "../../core/process/free-ports.ts";
import { statOf } from "../../core/process/keeper.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import { dynbench, emptyFolder, startDynbench, until, type Outcome } from "../cli/binary.ts";
import { installed, isRealRun } from "./programs.ts";

const python = installed("dynamo/bin/python");
const natsServer = installed("python/bin/nats-server");
const isHere =
  isRealRun() && python !== undefined && natsServer !== undefined && Bun.which("etcd") !== null;

const cwd = emptyFolder();
const HOST = "127.0.0.1";
const LIMITS = { runMs: 240_000, leftoverMs: 30_000 };
const REQUESTS = 96;
const BLOCK = 64;
/** Whole blocks within the 1,000 tokens that a group shares. */
const PREFIX_BLOCKS = 15;
const WORKLOAD = [
  ...["--isl", "2000", "--osl", "8", "--num-prefix-prompts", "6", "--prefix-ratio", "0.5"],
  ...["--requests", String(REQUESTS), "--concurrency", "8", "--speedup", "20"],
  ...["--connection", "per-request"],
  ...["--repeat", "1", "--settle", "off"],
];

interface Ran extends Outcome {
  readonly cells: readonly CellSummary[];
  readonly records: readonly RequestRecord[];
}

async function run(out: string, ...args: string[]): Promise<Ran> {
  const all = ["run", ...WORKLOAD, "--python", python!, "--out", out, "--json", ...args];
  const outcome = await dynbench(all, details());
  if (![0, 5].includes(outcome.exitCode ?? -1)) throw new Error(outcome.stderr);
  const { cells } = JSON.parse(outcome.stdout) as Summary;
  const records = measuredRecords(out);
  return { ...outcome, cells, records };
}

/** The environment of a user's shell, with nats-server on PATH. */
const details = () => ({
  cwd,
  limits: LIMITS,
  env: { PATH: `${dirname(natsServer!)}:/usr/local/bin:/usr/bin:/bin` },
});

const ids = (role: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${role}-${i}`);
const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
const findings = (cell: CellSummary): string[] => cell.verdict.reasons.map(({ id }) => id);

/** Without those of the settling load. */
function measuredRecords(out: string): RequestRecord[] {
  const all = parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));
  return all.filter(({ phase }) => phase === "measured");
}

/** Requirements for every cell, whatever the router. */
function expectWhole({ cells, records, left }: Ran, count: number): void {
  expect(left).toEqual([]);
  expect(cells).toHaveLength(count);
  for (const cell of cells) {
    expect(cell.state).toBe("completed");
    expect(cell.requests).toEqual({ sent: REQUESTS, ok: REQUESTS, failed: 0, dropped: 0 });
    const own = records.filter((record) => record.cell === cell.id);
    expect(sum(own.map(({ osl }) => osl))).toBe(sum(own.map(({ oslRequested }) => oslRequested)));
    expect(own.every(({ isl, promptTokens }) => isl === promptTokens)).toBe(true);
  }
}

describe.skipIf(!isHere)("Dynamo (skipped without DYNBENCH_REAL=1, Dynamo, etcd and NATS)", () => {
  describe("8 workers, files, TCP and ZMQ", () => {
    const modes = ["kv", "kv-approx", "round-robin", "random"];
    let ran: Ran;
    const cellsOf = (mode: string) => ran.cells.filter(({ arm }) => arm === `dynamo(mode=${mode})`);

    test("four modes and two repeats start, pass preflight and end", async () => {
      const arms = modes.flatMap((mode) => ["--router", `dynamo:mode=${mode}`]);
      ran = await run("modes", "--workers", "8", "--repeat", "2", ...arms);
      expectWhole(ran, 8);
    });

    test("every answer names one of the workers", () => {
      const names = new Set(ran.records.map(({ worker }) => worker));
      expect(names).toEqual(new Set(ids("worker", 8)));
    });

    test("round robin deals evenly; kv sends prompts where they are cached", () => {
      for (const cell of cellsOf("round-robin")) {
        expect(cell.workers.map(({ requests }) => requests)).toEqual(Array(8).fill(REQUESTS / 8));
      }
      const shareOf = (mode: string) => sum(cellsOf(mode).map(({ cache }) => cache.cachedShare!));
      expect(shareOf("kv")).toBeGreaterThan(shareOf("round-robin"));
      expect(shareOf("kv-approx")).toBeGreaterThan(shareOf("random"));
    });

    test("hit shares are the engine's own counts, and the router expects no more than those", () => {
      for (const cell of ran.cells) {
        const own = ran.records.filter((record) => record.cell === cell.id);
        const cached = sum(own.map(({ cachedTokens }) => cachedTokens!));
        const prompts = sum(own.map(({ promptTokens }) => promptTokens!));
        expect(cell.cache.cachedShare).toBeCloseTo(cached / prompts, 9);
        if (cell.arm !== "dynamo(mode=kv)") continue;
        // Blocks that it expects were stored; by the request's turn the engine may have stored more. The
        // last block is always computed.
        const believed = own.map(
          ({ isl, routing }) => routing!.kvHitRate! * Math.ceil(isl / BLOCK) * BLOCK,
        );
        expect(sum(believed)).toBeGreaterThan(0);
        const excess = own.map(({ cachedTokens }, k) => believed[k]! - cachedTokens!);
        expect(Math.max(...excess)).toBeLessThan(BLOCK + 0.5);
      }
    });

    test("no cell finds another's prompts cached", () => {
      for (const cell of ran.cells) {
        expect(findings(cell)).toContain("fresh-prompts");
        expect(findings(cell)).not.toContain("warm-cache");
        // Of the prompts with the same prefix one was first, and beyond it all prompts differ.
        const own = ran.records.filter((record) => record.cell === cell.id);
        for (const group of new Set(own.map((record) => record.group))) {
          const cached = own.filter((record) => record.group === group);
          const tokens = cached.map(({ cachedTokens }) => cachedTokens!);
          expect(Math.min(...tokens)).toBe(0);
          expect(Math.max(...tokens)).toBeLessThanOrEqual(PREFIX_BLOCKS * BLOCK);
        }
      }
    });
  });

  test("2 prefill and 2 decode workers: both roles are in every answer", async () => {
    const split = ["--prefill-workers", "2", "--decode-workers", "2"];
    const ran = await run("split", ...split, "--router", "dynamo");
    expectWhole(ran, 1);
    const seen = (of: (record: RequestRecord) => string | undefined) =>
      new Set(ran.records.map(of));
    expect(seen(({ worker }) => worker)).toEqual(new Set(ids("decode", 2)));
    expect(seen(({ prefillWorker }) => prefillWorker)).toEqual(new Set(ids("prefill", 2)));
  });

  test("etcd and NATS that the run starts, despite proxies in the environment", async () => {
    const nobody = `http://${HOST}:9`;
    const proxies = { http_proxy: nobody, HTTP_PROXY: nobody, https_proxy: nobody };
    const planes = ["--discovery", "etcd", "--request-plane", "nats", "--event-plane", "nats"];
    const args = ["--python", python!, ...planes, "--workers", "2", "--router", "dynamo"];
    const at = { ...details(), env: { ...details().env, ...proxies } };
    const end = await dynbench(["run", ...WORKLOAD, ...args, "--out", "services", "--json"], at);
    expect(end.stderr).toContain("HTTP_PROXY, http_proxy, https_proxy: not used for engines");
    const { cells } = JSON.parse(end.stdout) as Summary;
    const records = measuredRecords("services");
    expectWhole({ ...end, cells, records }, 1);
    expect(findings(cells[0]!)).not.toContain("no-kv-events");
  });

  test("over IPv6 alone", async () => {
    const planes = ["--discovery", "etcd", "--request-plane", "nats", "--event-plane", "nats"];
    const six = ["--host", "::1", "--workers", "2", "--router", "dynamo"];
    expectWhole(await run("six", ...six, ...planes), 1);
    expectWhole(await run("six-files", ...six), 1);
  });

  test("running etcd and NATS are used, and left without an entry of the run", async () => {
    await using services = await startServices();
    const ran = await run(
      ...(["found", "--workers", "2", "--router", "dynamo", "--discovery", "etcd"] as const),
      ...["--etcd-url", services.etcdUrl, "--event-plane", "nats", "--nats-url", services.natsUrl],
    );
    expectWhole(ran, 1);
    const range = { key: btoa("v1/"), range_end: btoa("v10"), count_only: true };
    const body = JSON.stringify(range);
    const answer = await fetch(`${services.etcdUrl}/v3/kv/range`, { method: "POST", body });
    expect(((await answer.json()) as { count?: string }).count ?? "0").toBe("0");
  });

  test("SIGKILL in the middle leaves nothing running", async () => {
    const planes = ["--discovery", "etcd", "--event-plane", "nats"];
    const args = ["--python", python!, "--workers", "2", "--router", "dynamo", "--out", "killed"];
    const long = [...WORKLOAD, "--requests", "100000"];
    const running = startDynbench(["run", ...long, ...args, ...planes], details());
    const hasLoad = () => Bun.file(join(cwd, "killed/records.jsonl")).size > 10_000;
    expect(await until(hasLoad, LIMITS.runMs)).toBe(true);
    expect(running.children().length).toBeGreaterThanOrEqual(5);
    running.signal("SIGKILL");
    const { exitCode, left } = await running.end();
    expect(exitCode).toBeUndefined();
    expect(left).toEqual([]);
  });

  test("doctor --clean removes what a run leaves that was killed with its keeper", async () => {
    const planes = ["--discovery", "etcd", "--event-plane", "nats"];
    const args = ["--python", python!, "--workers", "2", "--router", "dynamo", "--out", "runs/cut"];
    const long = [...WORKLOAD, "--requests", "100000"];
    const running = startDynbench(["run", ...long, ...args, ...planes], details());
    const hasLoad = () => Bun.file(join(cwd, "runs/cut/records.jsonl")).size > 10_000;
    expect(await until(hasLoad, LIMITS.runMs)).toBe(true);
    const keeper = parentOf(running.children().find((pid) => isRunning(pid, "dynamo.frontend"))!);
    process.kill(running.pid, "SIGSTOP"); // it must not notice the keeper's end
    process.kill(keeper, "SIGKILL");
    process.kill(running.pid, "SIGKILL");
    const isGone = (pid: number): boolean => statOf(pid)?.isLive !== true;
    expect(await until(() => isGone(keeper) && isGone(running.pid), LIMITS.leftoverMs)).toBe(true);
    const left = () => running.children().filter((pid) => isRunning(pid, ""));
    expect(left().length).toBeGreaterThanOrEqual(4);
    const { stdout, exitCode } = await dynbench(["doctor", "--clean"], details());
    expect(exitCode).toBe(0);
    for (const name of ["dynamo.frontend", "dynamo.mocker", "etcd", "nats-server"]) {
      expect(stdout).toContain(name);
    }
    expect(stdout).toContain("folder runs/cut/discovery/dynbench-");
    expect((await running.end()).left).toEqual([]);
  });

  test("the next run ignores what a killed run left in etcd and NATS", async () => {
    await using services = await startServices();
    const planes = [
      ...["--workers", "2", "--router", "dynamo", "--discovery", "etcd"],
      ...["--etcd-url", services.etcdUrl, "--event-plane", "nats", "--nats-url", services.natsUrl],
    ];
    const args = ["--python", python!, "--out", "stale", "--requests", "100000"];
    const running = startDynbench(["run", ...WORKLOAD, ...args, ...planes], details());
    const hasLoad = () => Bun.file(join(cwd, "stale/records.jsonl")).size > 10_000;
    expect(await until(hasLoad, LIMITS.runMs)).toBe(true);
    // No process is left to remove its entries: they stay until their lease expires.
    for (const pid of [running.pid, ...running.children()]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // its parent's end has ended it
      }
    }
    expect((await running.end()).left).toEqual([]);
    const ran = await run("after-stale", ...planes);
    expectWhole(ran, 1);
    const names = new Set(ran.records.map(({ worker }) => worker));
    expect(names).toEqual(new Set(ids("worker", 2)));
  });

  describe("failed starts are reported with the cause", () => {
    const refused = async (...args: string[]): Promise<Outcome> => {
      const out = `refused-${crypto.randomUUID()}`;
      return dynbench(["run", "--router", "dynamo", "--out", out, ...args], details());
    };

    test("a Python without the package", async () => {
      const { exitCode, stderr, left } = await refused("--python", "/usr/bin/python3");
      expect(stderr).toContain('Python "/usr/bin/python3" has no package "ai-dynamo"');
      expect([exitCode, left]).toEqual([3, []]);
    });

    test("NATS and etcd with a required password, and with swapped addresses", async () => {
      await using services = await startServices({ password: "s3cret" });
      const { natsUrl, etcdUrl } = services;
      const atNats = ["--python", python!, "--event-plane", "nats", "--nats-url"];
      const atEtcd = ["--python", python!, "--discovery", "etcd", "--etcd-url"];
      const cases: [args: string[], ...says: string[]][] = [
        [[...atNats, natsUrl], `Cannot use NATS at ${natsUrl}: it wants a login`, "NATS_AUTH_"],
        [[...atEtcd, etcdUrl], `Cannot read etcd at ${etcdUrl}`, "Set ETCD_AUTH_USERNAME and"],
        [
          [...atNats, etcdUrl.replace("http", "nats")],
          "what listens there is no NATS: nothing of NATS came within 5 s",
          "Check --nats-url",
        ],
        [[...atEtcd, natsUrl.replace("nats", "http")], "does not speak HTTP", "Check --etcd-url"],
      ];
      for (const [args, ...says] of cases) {
        const { exitCode, stderr, left } = await refused(...args);
        for (const text of says) expect(stderr).toContain(text);
        expect([exitCode, left]).toEqual([3, []]);
      }
      const args = [...atEtcd, etcdUrl, "--event-plane", "nats", "--nats-url", natsUrl];
      const login = {
        ...{ NATS_AUTH_USERNAME: "root", NATS_AUTH_PASSWORD: "s3cret" },
        ...{ ETCD_AUTH_USERNAME: "root", ETCD_AUTH_PASSWORD: "s3cret" },
      };
      const command = ["run", ...WORKLOAD, "--router", "dynamo", "--workers", "2", ...args];
      const at = { ...details(), env: { ...details().env, ...login } };
      const end = await dynbench([...command, "--out", "login", "--json"], at);
      expect((JSON.parse(end.stdout) as Summary).cells[0]!.requests.ok).toBe(REQUESTS);
      expect(Bun.spawnSync(["grep", "-r", "s3cret", join(cwd, "login")]).stdout.length).toBe(0);
    });

    test("NATS and etcd without a server", async () => {
      const [port] = freePorts(1);
      const nats = `nats://${HOST}:${port}`;
      const planes = ["--event-plane", "nats", "--nats-url", nats];
      const { exitCode, stderr, left } = await refused("--python", python!, ...planes);
      expect(stderr).toContain(`Cannot use NATS at ${nats}`);
      expect([exitCode, left]).toEqual([3, []]);
      const etcd = `http://${HOST}:${port}`;
      const second = await refused("--python", python!, "--discovery", "etcd", "--etcd-url", etcd);
      expect(second.stderr).toContain(`Cannot use etcd at ${etcd}`);
      expect([second.exitCode, second.left]).toEqual([3, []]);
    });
  });
});

function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))![1]);
}

function isRunning(pid: number, name: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
    return command !== "" && command.includes(name);
  } catch {
    return false; // gone
  }
}

/** Running etcd and nats-server; with a password only user "root" may use them. */
async function startServices({ password }: { password?: string } = {}): Promise<
  AsyncDisposable & { etcdUrl: string; natsUrl: string }
> {
  const [client, peer, nats] = freePorts(3);
  const etcdUrl = `http://${HOST}:${client}`;
  const peerUrl = `http://${HOST}:${peer}`;
  const programs = [
    [
      ...[
        "etcd",
        "--data-dir",
        join(cwd, `etcd-${client}`),
        "--initial-cluster",
        `default=${peerUrl}`,
      ],
      ...["--listen-client-urls", etcdUrl, "--advertise-client-urls", etcdUrl],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ],
    [
      ...[natsServer!, "-a", HOST, "-p", String(nats)],
      ...(password === undefined ? [] : ["--user", "root", "--pass", password]),
    ],
  ].map((command) => Bun.spawn(command, { stdout: "ignore", stderr: "ignore" }));
  const end = async (): Promise<void> => {
    for (const program of programs) program.kill("SIGKILL");
    await Promise.all(programs.map(({ exited }) => exited));
  };
  afterAll(end);
  const isUp = async (): Promise<boolean> => {
    try {
      return (await fetch(`${etcdUrl}/health`)).ok;
    } catch {
      return false;
    }
  };
  if (!(await until(isUp, LIMITS.runMs))) throw new Error("etcd did not come up");
  if (password !== undefined) {
    const calls: [path: string, body: object][] = [
      ["user/add", { name: "root", password }],
      ["role/add", { name: "root" }],
      ["user/grant", { user: "root", role: "root" }],
      ["enable", {}],
    ];
    for (const [path, body] of calls) {
      const init = { method: "POST", body: JSON.stringify(body) };
      const { ok } = await fetch(`${etcdUrl}/v3/auth/${path}`, init);
      if (!ok) throw new Error(`etcd refused ${path}`);
    }
  }
  return { etcdUrl, natsUrl: `nats://${HOST}:${nats}`, [Symbol.asyncDispose]: end };
}
