/**
 * The speed of the virtual clock: the built binary as a whole process, from its launch to its last
 * byte, and Dynamo's own replay of the same trace, without its start-up. Also the cost of a million
 * requests, and the share of the policy in it.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoutingPolicy } from "dynbench";
import { dynamoPython, dynamoReplay } from "../real/dynamo-replay.ts";
import { bundledPolicy, simulate } from "../simulation/simulate.ts";
import { traceFile, traceRequests } from "../simulation/trace-requests.ts";
import type { Row } from "./row.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
const ROUNDS = 3;
const TRACE = traceFile("mooncake_conversation.jsonl");
const TRACE_REQUESTS = 12_031;
/** The trace has hash ids of this many tokens. */
const TRACE_BLOCK = 512;
const MANY = 1_000_000;
const FEW = 10_000;
const GIB = 2 ** 30;

export const name = "simulator";

export async function run(): Promise<Row[]> {
  if (!existsSync(BINARY)) throw new Error("build the binary first: npm run build");
  return [
    await guideSweep(),
    ...(await besideDynamo(512, 2_048)),
    ...(await besideDynamo(64, 16_384)),
    ...(await million()),
    ...(await policyShare(512, 2_048)),
    ...(await policyShare(64, 16_384)),
  ];
}

async function guideSweep(): Promise<Row> {
  const { wallS, cpuS } = await simulated(["--workload", "prefix", "--router", "kv,round-robin"]);
  return {
    what: "guide's sweep: 5 ratios x 2 routers x 200 requests, whole process",
    value: wallS,
    unit: "s",
    must: 1.5,
    goal: 0.7,
    note: `median of ${ROUNDS}; ${cpuS.toFixed(2)} s of CPU`,
  };
}

/** Both in turn, so that other work of the machine disturbs both. */
async function besideDynamo(blockSize: number, kvBlocks: number): Promise<Row[]> {
  const what = `conversation trace, kv, 8 workers, blocks of ${blockSize}`;
  if (TRACE === undefined) return [skipped(what, "the trace is not in ../shared")];
  if (dynamoPython === undefined) return [skipped(what, "Dynamo is not installed")];
  // Records and summary, as Dynamo's replay has them; pooled bounds are a study of their own.
  const workload = ["--workload", "mooncake", "--trace", TRACE, "--pooled-bounds", "off"];
  const engine = ["--timing", "dynamo", "--block-size", `${blockSize}`];
  const args = [...workload, "--router", "kv", ...engine, "--kv-blocks", `${kvBlocks}`];
  const ours: Cost[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await simulatedOnce(args));
    theirs.push(await dynamoWallS(blockSize, kvBlocks));
  }
  const dynamoRps = TRACE_REQUESTS / median(theirs);
  const { wallS, cpuS } = medianCost(ours);
  return [
    { what: `Dynamo's replay: ${what}`, value: dynamoRps, unit: "requests/s" },
    {
      what,
      value: TRACE_REQUESTS / wallS,
      unit: "requests/s",
      must: Math.round(5 * dynamoRps),
      goal: Math.round(15 * dynamoRps),
      note: `whole process, ${wallS.toFixed(2)} s, ${cpuS.toFixed(2)} s of CPU; ${(TRACE_REQUESTS / wallS / dynamoRps).toFixed(1)} x`,
    },
  ];
}

async function dynamoWallS(blockSize: number, kvBlocks: number): Promise<number> {
  const { runs } = await dynamoReplay({
    trace: TRACE!,
    traceBlockSize: TRACE_BLOCK,
    router: "kv_router",
    workers: 8,
    runs: 1,
    engine: { block_size: blockSize, num_gpu_blocks: kvBlocks },
    capture: false,
  });
  return runs[0]!.wallMs / 1e3;
}

/** 64 workers, open loop, far from full. */
async function million(): Promise<Row[]> {
  const lengths = ["--isl", "2000", "--osl", "100", "--prefix-ratio", "0.5"];
  const load = ["--num-prefix-prompts", "200", "--arrival", "poisson", "--rate", "200"];
  const args = ["--workload", "prefix", "--router", "kv", "--workers", "64", ...lengths, ...load];
  const of = (requests: number): Promise<Cost> =>
    simulatedOnce([...args, "--requests", `${requests}`]);
  const start = await of(1);
  const few = await of(FEW);
  const many = await of(MANY);
  // CPU time, because these take long enough to be disturbed by other work of the machine.
  const perRequestUs = ({ cpuS }: Cost, requests: number): number =>
    ((cpuS - start.cpuS) / requests) * 1e6;
  const note = `CPU, start-up apart; ${FEW} requests: ${perRequestUs(few, FEW).toFixed(1)} us each`;
  return [
    {
      what: `${MANY} requests, 64 workers, kv`,
      value: perRequestUs(many, MANY),
      unit: "us/request",
      note,
    },
    {
      what: "the same beside 10,000 requests",
      value: perRequestUs(many, MANY) / perRequestUs(few, FEW),
      unit: "x",
      must: 1.5,
      goal: 1,
      note: `whole process ${many.wallS.toFixed(0)} s`,
    },
    { what: "its peak memory", value: many.peakBytes / GIB, unit: "GiB", must: 2, goal: 1 },
  ];
}

/** The cost without index, accounts and scores: the same picks, made without looking. */
async function policyShare(blockSize: number, kvBlocks: number): Promise<Row[]> {
  const what = `kv's share of a simulation, blocks of ${blockSize}`;
  if (TRACE === undefined) return [skipped(what, "the trace is not in ../shared")];
  const requests = traceRequests(TRACE);
  const mocker = { timing: "dynamo", blockSize, kvBlocks };
  const picks: number[] = [];
  const seconds = async (policy: () => RoutingPolicy): Promise<number> => {
    const before = process.cpuUsage();
    await simulate({ requests, mocker, policy, load: { arrival: "trace" } });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  const kv: number[] = [];
  const led: number[] = [];
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    kv.push(await seconds(() => noting(bundledPolicy("kv"), picks)));
    led.push(await seconds(() => ({ reads: [], pick: (request) => picks[request.id]! })));
  }
  // The first round is the compiler's.
  const [all, rest] = [median(kv.slice(1)), median(led.slice(1))];
  const note = `${all.toFixed(3)} s against ${rest.toFixed(3)} s led to the same workers`;
  return [{ what, value: 100 * (1 - rest / all), unit: "%", goal: 30, note }];
}

function noting(policy: RoutingPolicy, picks: number[]): RoutingPolicy {
  const pick: RoutingPolicy["pick"] = (request, view) =>
    (picks[request.id] = policy.pick(request, view));
  return { ...policy, pick };
}

interface Cost {
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakBytes: number;
}

async function simulated(args: readonly string[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) costs.push(await simulatedOnce(args));
  return medianCost(costs);
}

async function simulatedOnce(args: readonly string[]): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-bench-"));
  const startedMs = performance.now();
  const run = ["run", "--engine", "mocker", "--clock", "virtual", "--out", join(folder, "run")];
  const child = Bun.spawn([BINARY, ...run, ...args], { stdout: "ignore", stderr: "ignore" });
  const exitCode = await child.exited;
  const wallS = (performance.now() - startedMs) / 1e3;
  rmSync(folder, { recursive: true });
  if (exitCode !== 0) throw new Error(`${args.join(" ")}: exit code ${exitCode}`);
  const { cpuTime, maxRSS } = child.resourceUsage()!;
  return { wallS, cpuS: Number(cpuTime.total) / 1e6, peakBytes: maxRSS };
}

function medianCost(costs: readonly Cost[]): Cost {
  const of = (key: keyof Cost): number => median(costs.map((cost) => cost[key]));
  return { wallS: of("wallS"), cpuS: of("cpuS"), peakBytes: of("peakBytes") };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function skipped(what: string, why: string): Row {
  return { what, value: NaN, unit: "", note: `skipped: ${why}` };
}
