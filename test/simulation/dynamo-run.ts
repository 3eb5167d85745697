/**
 * A run of Dynamo's offline replay, and the same run in dynbench: the simulation uses the workers that
 * Dynamo picked, `kv` computes its costs at each pick, and every difference is reported. So the
 * comparison is exact although Dynamo breaks ties at random.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SegmentBlocks } from "../../core/routing/kv/segment-blocks.ts";
import type { RequestSpec, RoutingPolicy } from "dynbench";
import type { RequestRecord } from "dynbench/report";
import { bundledPolicy, simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

export type Figures = Pick<
  Simulated,
  "ttftMs" | "itlMs" | "tpotMs" | "e2eMs" | "outputTps" | "cachedShare"
>;

/** A pick of Dynamo's KV router. */
export interface DynamoPick {
  readonly id: string;
  readonly worker: number;
  /** Cost of that worker, in blocks. */
  readonly cost: number;
  readonly cachedBlocks: number;
}

/** A request as Dynamo's replay served it, in milliseconds of virtual time. */
export interface DynamoRequest {
  readonly id: string;
  readonly session: string | null;
  readonly worker: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly cachedTokens: number;
}

/** Dynamo computes times in floating-point milliseconds, dynbench in whole nanoseconds. */
const SAME_MS = 1e-3;
const SAME_COST = 1e-6;

export interface Differences {
  /** Picks whose worker costs something else here. */
  readonly costs: string[];
  /** Picks of a worker that is not the cheapest here. */
  readonly picks: string[];
  /** Requests with other times or another number of cached tokens. */
  readonly requests: string[];
}

/** Simulates Dynamo's run: its pick k is that of request k. */
export async function followed(
  { picks, requests }: { picks: readonly DynamoPick[]; requests: readonly DynamoRequest[] },
  options: Omit<SimulateOptions, "policy">,
): Promise<Differences & { readonly simulated: Simulated }> {
  const differences: Differences = { costs: [], picks: [], requests: [] };
  const policy = (): RoutingPolicy => leader(picks, differences);
  const simulated = await simulate({ ...options, policy });
  const served = new Map(requests.map((request) => [request.id, request]));
  for (const record of simulated.records) {
    const theirs = served.get(picks[record.index]!.id)!;
    differences.requests.push(...differencesOf(record, theirs));
  }
  return { ...differences, simulated };
}

/** A run kept in `fixtures/dynamo-replay`, whose README describes the lines. */
export function capturedRun(name: string): { picks: DynamoPick[]; requests: DynamoRequest[] } {
  const rows = captured<[number, number, number, number, number, number]>(name);
  return {
    picks: rows.map(([worker, cost, cachedBlocks], i) => ({
      id: `${i}`,
      worker,
      cost,
      cachedBlocks,
    })),
    requests: rows.map(([worker, , , firstMs, lastMs, cachedTokens], i) => {
      return { id: `${i}`, session: null, worker, firstMs, lastMs, cachedTokens };
    }),
  };
}

/** Figures of runs kept there, by case; TPOT is not among them. */
export function capturedFigures(name: string): Map<string, Omit<Figures, "tpotMs">[]> {
  const cases = new Map<string, Omit<Figures, "tpotMs">[]>();
  for (const [what, ...figures] of captured<[string, ...number[]]>(name)) {
    const [ttftMs, itlMs, e2eMs, outputTps, cachedShare] = figures as [
      number,
      number,
      number,
      number,
      number,
    ];
    const runs = cases.get(what) ?? [];
    cases.set(what, [...runs, { ttftMs, itlMs, e2eMs, outputTps, cachedShare }]);
  }
  return cases;
}

function captured<Row>(name: string): Row[] {
  const text = readFileSync(join(import.meta.dir, "../fixtures/dynamo-replay", name), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

/** A `kv` that makes Dynamo's picks and records where its own costs differ. */
function leader(
  picks: readonly DynamoPick[],
  { costs, picks: others }: Differences,
): RoutingPolicy {
  const kv = bundledPolicy("kv");
  return {
    ...kv,
    pick(request, view) {
      kv.pick(request, view);
      const { worker, cost, cachedBlocks } = picks[request.id]!;
      const ours = view.scores[worker]!;
      const least = Math.min(...view.scores);
      const what = `request ${request.id} to worker ${worker} at ${view.nowNs / 1e6} ms`;
      const overlap = view.overlapBlocks[worker];
      if (Math.abs(ours - cost) > SAME_COST || overlap !== cachedBlocks) {
        costs.push(`${what}: cost ${ours}, overlap ${overlap}; Dynamo's ${cost}, ${cachedBlocks}`);
      }
      if (ours > least + SAME_COST) others.push(`${what} costs ${ours}, another ${least}`);
      return worker;
    },
  };
}

/** Differences between a record of dynbench and the same request in Dynamo. */
export function differencesOf(record: RequestRecord, theirs: DynamoRequest): string[] {
  const firstMs = record.firstTokenNs! / 1e6;
  const lastMs = record.lastTokenNs! / 1e6;
  const isSame =
    Math.abs(firstMs - theirs.firstMs) <= SAME_MS &&
    Math.abs(lastMs - theirs.lastMs) <= SAME_MS &&
    record.cachedTokens === theirs.cachedTokens;
  if (isSame) return [];
  const ours = `${firstMs} to ${lastMs} ms with ${record.cachedTokens} cached`;
  const dynamo = `${theirs.firstMs} to ${theirs.lastMs} ms with ${theirs.cachedTokens}`;
  return [`request ${record.index}: ${ours}; Dynamo's ${dynamo}`];
}

/**
 * Requests as rows of a Mooncake trace whose hash ids stand for one block each: equal ids where the
 * blocks and all before them are equal, an id of its own for an unfinished last block.
 */
export function traceRows(requests: readonly RequestSpec[], blockSize: number): string {
  const blocks = new SegmentBlocks(blockSize);
  const known = requests.map(({ prompt, isl }) => blocks.blocksOf(prompt, isl));
  let next = blocks.size;
  const rows = requests.map(({ isl, osl, atNs }, i) => {
    const hashIds = [...known[i]!];
    if (isl % blockSize > 0) hashIds.push(next++);
    const timestamp = (atNs ?? 0) / 1e6;
    const lengths = { input_length: isl, output_length: osl };
    return JSON.stringify({ timestamp, ...lengths, hash_ids: hashIds, session_id: `${i}` });
  });
  return rows.map((row) => `${row}\n`).join("");
}
