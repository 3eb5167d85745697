/**
 * SIGKILL of each foreign process of a run, in the middle of its load. Needs DYNBENCH_REAL=1 and what
 * `install.sh` installs.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseRecords } from "../../core/contract/record.ts";
import { emptyFolder, startDynbench, until } from "../cli/binary.ts";
import { installed, isRealRun } from "./programs.ts";

const cwd = emptyFolder();
const LIMITS = { runMs: 240_000, leftoverMs: 30_000 };
const LOAD = [
  ...["--speedup", "20", "--isl", "1000", "--osl", "8", "--concurrency", "8"],
  ...["--requests", "100000", "--repeat", "1", "--settle", "off"],
];

const python = installed("dynamo/bin/python");
const natsServer = installed("python/bin/nats-server");
const DYNAMO = [
  "--workers",
  "2",
  "--router",
  "dynamo",
  "--discovery",
  "etcd",
  "--event-plane",
  "nats",
];
const SPLIT = ["--router", "dynamo", "--prefill-workers", "1", "--decode-workers", "1"];
const program = (name: string): string[] => [
  ...["--workers", "2"],
  ...["--router", name, `--${name}-command`, installed(`${name}/bin/${name}`) ?? name],
];

/** The process by its log, and the run that has it. */
const VICTIMS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["dynamo-mocker", DYNAMO],
  ["dynamo-frontend", DYNAMO],
  ["etcd", DYNAMO],
  ["nats-server", DYNAMO],
  ["dynamo-mocker-prefill", SPLIT],
  ["dynamo-mocker-decode", SPLIT],
  ["sglang-router", program("sglang-router")],
  ["vllm-router", program("vllm-router")],
  ["smg", program("smg")],
];

const isHere =
  isRealRun() && python !== undefined && natsServer !== undefined && Bun.which("etcd") !== null;

/** Processes that write to the log: a launcher and what it launched. Some rename themselves over their environment. */
function writersOf(log: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/2`) === log;
    } catch {
      return false; // gone
    }
  });
}

describe.skipIf(!isHere)("SIGKILL (skipped without DYNBENCH_REAL=1, Dynamo, etcd and NATS)", () => {
  test.each(VICTIMS)(
    "of %s ends the run with its name and keeps the records",
    async (name, args) => {
      const run = startDynbench(
        ["run", ...LOAD, "--python", python!, "--out", name, "--json", ...args],
        {
          cwd,
          limits: LIMITS,
          env: { PATH: `${dirname(natsServer!)}:/usr/local/bin:/usr/bin:/bin` },
        },
      );
      const hasLoad = () => Bun.file(join(cwd, name, "records.jsonl")).size > 10_000;
      await Promise.race([until(hasLoad, LIMITS.runMs), run.end()]);
      if (!hasLoad()) throw new Error(`it has no load:\n${run.printed.stderr}`);
      const pids = writersOf(join(realpathSync(cwd), name, `logs/${name}.log`));
      expect(pids).not.toEqual([]);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      const { exitCode, stderr, left } = await run.end();
      expect(stderr).toContain(`${name} died during the run (killed by SIGKILL)`);
      expect(stderr).not.toContain("\u001b");
      expect([exitCode, left]).toEqual([4, []]);
      const records = parseRecords(readFileSync(join(cwd, name, "records.jsonl"), "utf8"));
      expect(records.filter(({ state }) => state === "ok").length).toBeGreaterThan(10);
    },
  );
});
