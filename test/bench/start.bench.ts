/**
 * Start-up time of the built binary: until it prints its version, and until the first request of a run
 * reaches a server that is ready. The server is the binary's own null server.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NullStats } from "../../core/load/null-server/null-server.ts";
import { inRealTime, priority } from "./real-time.ts";
import type { Row } from "./row.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
const ROUNDS = 5;
const REQUESTS = 200;

export const name = "start";

export async function run(): Promise<Row[]> {
  if (!existsSync(BINARY)) throw new Error("build the binary first: npm run build");
  const note = `median of ${ROUNDS}, ${priority()}`;
  const first = (isl: number): Promise<number> => medianOf(() => firstRequestS(isl));
  return [
    {
      what: "dynbench --version",
      value: (await medianOf(versionS)) * 1000,
      unit: "ms",
      must: 60,
      goal: 40,
      note,
    },
    {
      what: "run --preflight off: launch to first request, 200 prompts of 100 tokens",
      value: await first(100),
      unit: "s",
      must: 0.3,
      note: `${note}; aiperf 4.5`,
    },
    {
      what: "the same, 200 prompts of 14,000 tokens",
      value: await first(14_000),
      unit: "s",
      must: 2,
      note: `${note}; aiperf 11.3`,
    },
  ];
}

async function versionS(): Promise<number> {
  const startedMs = performance.now();
  await Bun.spawn(inRealTime([BINARY, "--version"]), { stdout: "ignore" }).exited;
  return (performance.now() - startedMs) / 1000;
}

/** Seconds from the launch of a run to its first request having been read by the server. */
async function firstRequestS(isl: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-bench-"));
  const timing = ["--ttft-ms", "20", "--itl-ms", "1"];
  const command = [BINARY, "null-server", "--port", "0", ...timing];
  const server = Bun.spawn(inRealTime(command), { stdout: "pipe" });
  try {
    const { value } = await server.stdout.getReader().read();
    const url = Buffer.from(value!).toString().split("\n")[0]!;
    const target = ["--router", "attach", "--url", url, "--preflight", "off"];
    const load = ["--isl", `${isl}`, "--osl", "10", "--requests", `${REQUESTS}`];
    const prefix = ["--workload", "prefix", "--prefix-ratio", "0.5"];
    const startedMs = performance.timeOrigin + performance.now();
    const child = Bun.spawn(
      inRealTime([BINARY, "run", ...target, ...prefix, ...load, "--out", join(folder, "run")]),
      { stdout: "ignore", stderr: "ignore" },
    );
    await child.exited;
    const { originEpochMs, requests } = (await (
      await fetch(`${url}/null/stats`)
    ).json()) as NullStats;
    if (requests.length < REQUESTS) throw new Error(`only ${requests.length} requests came`);
    const firstNs = Math.min(...requests.map(({ bodyReadNs }) => bodyReadNs));
    return (originEpochMs + firstNs / 1e6 - startedMs) / 1000;
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function medianOf(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) values.push(await measure());
  return values.toSorted((a, b) => a - b)[(ROUNDS - 1) / 2]!;
}
