/**
 * Live equals virtual: small plans through the built binary, on real sockets at speedup 1 and on the
 * virtual clock. On a busy machine a live run is late, so this is a bench, not a test; its bounds hold
 * when nothing else runs.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomStream } from "dynbench";
import type { Summary } from "../../core/contract/result.ts";
import { probe } from "../../core/statistics/quantiles.ts";
import { WeightedSamples } from "../../core/statistics/weighted-samples.ts";
import type { Row } from "./row.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
const LIVE_RUNS = 5;
const VIRTUAL_RUNS = 100;
/** Client, gateway and worker on loopback: upper bound of a request's time on the way there and back. */
const MOST_NETWORK_MS = 3;

const PLAN = [
  "run",
  "--engine",
  "mocker",
  "--workload",
  "prefix",
  "--json",
  "--prefix-ratio",
  "0.5",
];
const SIZES = ["--workers", "4", "--isl", "1000", "--osl", "20"];
const OPEN = [
  "--router",
  "round-robin",
  "--requests",
  "60",
  "--arrival",
  "constant",
  "--rate",
  "8",
];
const CLOSED = ["--router", "kv", "--requests", "80", "--concurrency", "8"];

/** By the names of `summary.json`; the part of the network in each, once a request. */
const METRICS = { ttftMs: MOST_NETWORK_MS, itlMs: 0, e2eMs: MOST_NETWORK_MS };
type Means = Record<keyof typeof METRICS, number>;
const NAMES = Object.keys(METRICS) as (keyof typeof METRICS)[];

export const name = "live and virtual";

export async function run(): Promise<Row[]> {
  if (!existsSync(BINARY)) throw new Error("build the binary first: npm run build");
  const virtual = await means([...OPEN, "--clock", "virtual"]);
  const live = await means(OPEN);
  const networkMs = Math.min(MOST_NETWORK_MS, Math.max(0, live.ttftMs - virtual.ttftMs));
  return [...openLoop(live, virtual), ...(await closedLoop(networkMs))];
}

/** Only the requests are drawn, and both runs have the same: the difference comes from the machine. */
function openLoop(live: Means, virtual: Means): Row[] {
  return NAMES.map((metric) => {
    const offMs = Math.abs(live[metric] - virtual[metric]);
    return {
      what: `round robin, open loop, ${metric}: off by, without ${METRICS[metric]} ms of network`,
      value: (100 * Math.max(0, offMs - METRICS[metric])) / virtual[metric],
      unit: "%",
      must: 1,
      note: `live ${live[metric].toFixed(2)} ms, virtual ${virtual[metric].toFixed(2)} ms`,
    };
  });
}

/**
 * Which worker is free first decides where requests go, so every request of a virtual run gets its own
 * network time; its mean is the lateness of the open loop's first tokens.
 */
async function closedLoop(networkMs: number): Promise<Row[]> {
  const random = randomStream(0, "network");
  const virtual: Means[] = [];
  for (let i = 0; i < VIRTUAL_RUNS; i += 1) {
    // Half of it each way, of which a part is drawn for each request, and how much for each run.
    const jitterMs = random.next() * (networkMs / 2);
    const fixedMs = networkMs / 2 - jitterMs;
    const delays = [`--network-ms=${fixedMs}`, `--network-jitter-ms=${jitterMs}`];
    virtual.push(await means([...CLOSED, "--clock", "virtual", ...delays]));
  }
  const live: Means[] = [];
  for (let i = 0; i < LIVE_RUNS; i += 1) live.push(await means(CLOSED));
  return NAMES.map((metric) => {
    const samples = WeightedSamples.of(virtual.map((each) => each[metric]));
    const [low, high] = probe(samples, [0.025, 0.975]) as [number, number];
    const mean = live.reduce((sum, each) => sum + each[metric], 0) / LIVE_RUNS;
    const outside = Math.max(0, low - mean, mean - high);
    return {
      what: `kv, closed loop, ${metric}: mean of ${LIVE_RUNS} live runs outside the virtual band by`,
      value: (100 * outside) / mean,
      unit: "%",
      must: 0,
      note: `live ${mean.toFixed(2)} ms; 95 % of ${VIRTUAL_RUNS} virtual runs ${low.toFixed(2)} to ${high.toFixed(2)}`,
    };
  });
}

async function means(args: readonly string[]): Promise<Means> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-bench-"));
  try {
    const line = [BINARY, ...PLAN, ...SIZES, ...args, "--out", join(folder, "run")];
    const child = Bun.spawn(line, { stdout: "pipe", stderr: "ignore" });
    const text = await child.stdout.text();
    const exitCode = await child.exited;
    // 5: this machine was too busy for a trusted run; the figures show by how much.
    if (exitCode !== 0 && exitCode !== 5)
      throw new Error(`exit code ${exitCode}: ${line.join(" ")}`);
    const { metrics } = (JSON.parse(text) as Summary).cells[0]!;
    return Object.fromEntries(NAMES.map((metric) => [metric, metrics[metric]!.mean])) as Means;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
