/**
 * The cost of one routing decision: prompts of 14,016 tokens (219 full blocks of 64) over 8 workers
 * that hold all or half of them, 20 requests in flight as in the default run. "Hashing" computes
 * Dynamo's block hashes and their ids from token ids just written to memory, as after a body scan;
 * without it requests have block ids.
 */
import { blockHashes, hashBlocks } from "../../core/routing/kv/block-hash.ts";
import { BlockTable } from "../../core/routing/kv/block-table.ts";
import { randomStream } from "../../core/base/random.ts";
import { HOLD, type RouteRequest, type RoutingPolicy } from "../../core/contract/routing-policy.ts";
import { PolicyHost } from "../../core/routing/host.ts";
import { BLOCK_SIZE, clusterOf } from "../conformance/sample-routing.ts";
import { bundledPolicy } from "../simulation/simulate.ts";
import type { Row } from "./row.ts";

export const name = "decision";

const OTHERS = [
  ...["kv-approx", "cache-aware", "prefix-hash"],
  ...["lmetric", "conductor", "llm-d", "aibrix", "preble", "production-stack"],
];
const BLOCKS = 219;
const WORKERS = 8;
const PREFIXES = 20;
const IN_FLIGHT = 20;
const WARM_UP = 2000;
const DECISIONS = 10_000;

export async function run(): Promise<Row[]> {
  const prompts = drawPrompts();
  const withHashing = true;
  const exact = measure(bundledPolicy("kv"), { prompts, withHashing });
  const ids = measure(bundledPolicy("kv"), { prompts });
  return [
    { ...row("kv with Dynamo-exact hashing, p50", exact.decisions, 0.5), must: 35, goal: 15 },
    row("kv with Dynamo-exact hashing, p99", exact.decisions, 0.99),
    { ...row("kv, blocks as ids, p50", ids.decisions, 0.5), goal: 5 },
    row("kv, blocks as ids, p99", ids.decisions, 0.99),
    row("kv, first token and end, p50", ids.ends, 0.5),
    ...OTHERS.map((name) => {
      const { decisions } = measure(bundledPolicy(name), { prompts });
      return row(`${name}, blocks as ids, p50`, decisions, 0.5);
    }),
  ];
}

function row(what: string, sortedUs: Float64Array, share: number): Row {
  return { what, value: sortedUs[Math.floor(share * (sortedUs.length - 1))]!, unit: "µs" };
}

/** Microseconds of each decision, and of each first token and end, sorted. */
interface Costs {
  readonly decisions: Float64Array;
  readonly ends: Float64Array;
}

/** Token ids of prompts that share half of themselves with others. */
function drawPrompts(): Uint32Array[] {
  const random = randomStream(0, "prompts");
  const length = BLOCKS * BLOCK_SIZE;
  const prefixes = Array.from({ length: PREFIXES }, () => drawTokens(random.uint32, length / 2));
  return Array.from({ length: 200 }, (_, i) => {
    const prompt = drawTokens(random.uint32, length);
    prompt.set(prefixes[i % PREFIXES]!);
    return prompt;
  });
}

function drawTokens(draw: () => number, length: number): Uint32Array {
  return Uint32Array.from({ length: Math.floor(length) }, () => 1000 + (draw() % 30_000));
}

function measure(
  policy: RoutingPolicy,
  { prompts, withHashing = false }: { prompts: readonly Uint32Array[]; withHashing?: boolean },
): Costs {
  const candidates = clusterOf(WORKERS);
  const random = randomStream(0, "policy");
  const host = new PolicyHost({ policy, candidates, blockSize: BLOCK_SIZE, random });
  const table = new BlockTable();
  const hashes = blockHashes(BLOCKS);
  const blocksOf = (tokens: Uint32Array): Int32Array => {
    const count = hashBlocks(tokens, BLOCK_SIZE, hashes);
    const blocks = new Int32Array(count);
    for (let i = 0; i < count; i += 1) blocks[i] = table.intern(hashes.high[i]!, hashes.low[i]!);
    return blocks;
  };
  const known = prompts.map(blocksOf);
  for (let w = 0; w < WORKERS; w += 1) {
    for (let i = 0; i < prompts.length; i += 1) {
      if ((i % PREFIXES) % WORKERS === w) host.stored(w, known[i]!, 0);
    }
  }
  const read = new Uint32Array(BLOCKS * BLOCK_SIZE);
  const decisions = new Float64Array(DECISIONS);
  const ends = new Float64Array(DECISIONS);
  for (let id = 0; id < WARM_UP + DECISIONS; id += 1) {
    const i = (id * 7) % prompts.length;
    if (withHashing) read.set(prompts[i]!);
    const startNs = Bun.nanoseconds();
    const blocks = withHashing ? blocksOf(read) : known[i]!;
    const picked = host.route(requestOf(id, blocks), id * 1e6);
    const routedNs = Bun.nanoseconds();
    host.firstToken(id - IN_FLIGHT, id * 1e6);
    host.ended(id - IN_FLIGHT, id * 1e6);
    const endedNs = Bun.nanoseconds();
    if (picked === HOLD) throw new Error("a bundled policy held a request");
    if (id < WARM_UP) continue;
    decisions[id - WARM_UP] = (routedNs - startNs) / 1000;
    ends[id - WARM_UP] = (endedNs - routedNs) / 1000;
  }
  return { decisions: decisions.sort(), ends: ends.sort() };
}

function requestOf(id: number, blocks: Int32Array): RouteRequest {
  const isl = BLOCKS * BLOCK_SIZE;
  return {
    id,
    blocks,
    isl,
    osl: 200,
    stage: "aggregated",
    priority: 0,
    prefixHash: () => blocks[3]!,
  };
}
