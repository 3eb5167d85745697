/**
 * Random clusters by seed, simulated to the end with invariants at every event: sizes, policies,
 * loads, delays, replicas, deaths and returns of workers; with workers that do all of a request, and
 * with prefill and decode on different ones.
 *
 * A failure prints its seed: `DYNBENCH_SEED=17 bun test test/simulation/cluster.test.ts` repeats it,
 * and `DYNBENCH_SEEDS=5000` tries that many.
 */
import { describe, expect, test } from "bun:test";
import { HOLD, type RoutingPolicy } from "dynbench";
import type { WorkerSink } from "dynbench/engine";
import type { RequestRecord } from "dynbench/report";
import { SegmentBlocks } from "../../core/routing/kv/segment-blocks.ts";
import type { EngineModel } from "../../core/contract/engine.ts";
import { recordLine } from "../../core/contract/record.ts";
import type { Simulation } from "../../core/simulate/simulation.ts";
import { resolveMocker } from "../../plugins/engines/mocker/mocker-options.ts";
import { mocker } from "../../plugins/engines/mocker/mocker.ts";
import { v } from "dynbench";
import { randomCluster, randomSplitCluster, type RandomCluster } from "./random-cluster.ts";
import { mockerModel, simulationOf } from "./simulate.ts";

const only = process.env.DYNBENCH_SEED;
const count = Number(process.env.DYNBENCH_SEEDS ?? 200);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(only)];

/** Copies of each block that each worker reports in its cache. */
class Caches {
  readonly held: Map<number, number>[] = [];

  watch(engine: EngineModel): EngineModel {
    return {
      ...engine,
      create: (worker, sink) => {
        this.held[worker] = new Map();
        return engine.create(worker, this.#watched(worker, sink));
      },
    };
  }

  depth(worker: number, blocks: Int32Array): number {
    let depth = 0;
    while (depth < blocks.length && this.held[worker]!.has(blocks[depth]!)) depth += 1;
    return depth;
  }

  #watched(worker: number, sink: WorkerSink): WorkerSink {
    const held = this.held[worker]!;
    const add = (block: number, copies: number): void => {
      const sum = (held.get(block) ?? 0) + copies;
      if (sum < 0) throw new Error(`worker ${worker} evicted block ${block} twice`);
      if (sum === 0) held.delete(block);
      else held.set(block, sum);
    };
    return {
      ...sink,
      stored(parent, blocks, atNs) {
        for (const block of blocks) add(block, 1);
        sink.stored(parent, blocks, atNs);
      },
      removed(blocks, atNs) {
        for (const block of blocks) add(block, -1);
        sink.removed(blocks, atNs);
      },
      cleared(atNs) {
        held.clear();
        sink.cleared(atNs);
      },
    };
  }
}

interface Life {
  readonly simulation: Simulation;
  readonly records: RequestRecord[];
  readonly caches: Caches;
  fault: unknown;
}

/** Runs a cluster to its end, checking on the way. */
function live(cluster: RandomCluster, eventsPerCall: number): Life {
  const { seed, load, replicas, settings, requests } = cluster;
  const caches = new Caches();
  const records: RequestRecord[] = [];
  let lastNs = 0;
  let simulation!: Simulation;
  const engine = caches.watch(mockerModel(cluster.mocker));
  const checked = (): RoutingPolicy =>
    checkedPolicy(cluster, { caches, simulation: () => simulation });
  simulation = simulationOf({
    requests,
    engine,
    policy: checked,
    load,
    seed,
    replicas,
    settings,
    output: {
      onRecord: (record) => records.push(record),
      onEvent: (nowNs) => {
        if (nowNs < lastNs) throw new Error(`time went back from ${lastNs} to ${nowNs}`);
        lastNs = nowNs;
        checkWorkers(simulation);
      },
    },
  });
  const life: Life = { simulation, records, caches, fault: undefined };
  while (simulation.run(eventsPerCall) !== true);
  return life;
}

/** A policy whose picks are checked against the state of the workers. */
function checkedPolicy(
  { policy, settings, policyName }: RandomCluster,
  watched: { caches: Caches; simulation: () => Simulation },
): RoutingPolicy {
  const inner = policy();
  const sees = inner.index?.source === "events" && settings.eventDelayMs === 0;
  return {
    ...inner,
    pick(request, view) {
      const { cluster } = watched.simulation();
      for (const candidate of view.eligible) {
        if (cluster.model(candidate) === undefined)
          throw new Violation("a dead worker is eligible");
        const depth = watched.caches.depth(candidate, request.blocks);
        if (sees && view.overlapBlocks[candidate] !== depth) {
          throw new Violation(
            `the index says ${view.overlapBlocks[candidate]} blocks of ${request.id} on ${candidate}, the cache ${depth}`,
          );
        }
      }
      const picked = inner.pick(request, view);
      const isKnown = picked === HOLD || policyName === "faulty" || view.eligible.includes(picked);
      if (!isKnown) throw new Violation(`${picked} was picked`);
      return picked;
    },
  };
}

/** Thrown inside a policy, so it must be found among the policy's faults. */
class Violation extends Error {}

function checkWorkers({ cluster }: Simulation): void {
  for (let worker = 0; worker < cluster.size; worker += 1) {
    const model = cluster.model(worker);
    if (model === undefined) continue;
    const { activeBlocks, running, waiting } = model.counts;
    const { kvBlocks, maxNumSeqs } = model.limits;
    const isSound =
      activeBlocks >= 0 && activeBlocks <= kvBlocks && running <= maxNumSeqs && waiting >= 0;
    if (!isSound) throw new Error(`worker ${worker}: ${JSON.stringify(model.counts)}`);
  }
}

/** Every failure prints how to repeat it. */
function replayable(seed: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    const command = `DYNBENCH_SEED=${seed} bun test test/simulation/cluster.test.ts`;
    throw new Error(`${command}\n${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const KINDS = [
  ["whole", randomCluster],
  ["split", randomSplitCluster],
] as const;
const lives = seeds.flatMap((seed) => KINDS.map(([kind, draw]) => [kind, seed, draw] as const));

describe.each(lives)("%s, seed %d", (_kind, seed, draw) => {
  test("every request ends once, and nothing is left behind", () =>
    replayable(seed, () => {
      const cluster = draw(seed);
      const life = live(cluster, 1_000_000);
      const { simulation, records } = life;
      // A bundled policy may hold requests too long while workers are down; no other fault is allowed.
      const isOurs = cluster.policyName !== "faulty";
      const { firstPolicyFault = "" } = simulation.counts;
      if (isOurs) expect(firstPolicyFault).toMatch(/^$|held it for|holds \d+ requests already/);
      else expect(firstPolicyFault).not.toMatch(/the index says|is eligible/);
      checkEnds(cluster, life);
      checkDrained(cluster, life);
      for (const record of records) checkRecord(cluster, record);
      if (!hasPreempted(simulation)) for (const record of records) checkTtft(cluster, record);
      checkHits(cluster, life);
    }));
});

function checkEnds({ load, requests }: RandomCluster, { simulation, records }: Life): void {
  const wanted = Math.min(requests.length, load.requests! + load.warmup);
  expect(records.length).toBe(wanted);
  expect(new Set(records.map(({ index }) => index)).size).toBe(wanted);
  const ok = records.filter(({ state }) => state === "ok").length;
  expect(simulation.counts).toMatchObject({ inFlight: 0, sent: wanted, done: ok });
  expect(records.map(({ endNs }) => endNs)).toEqual(
    records.map(({ endNs }) => endNs).toSorted((a, b) => a - b),
  );
}

/** Workers hold nothing, routers count nothing, and an index claims exactly what is cached. */
function checkDrained({ settings }: RandomCluster, { simulation, caches }: Life): void {
  const { cluster, replicas } = simulation;
  cluster.settleCaches(simulation.nowNs + 1e15);
  replicas.deliver(Infinity);
  for (let worker = 0; worker < cluster.size; worker += 1) {
    const model = cluster.model(worker);
    if (model === undefined) continue;
    model.advance(simulation.nowNs + 1e15); // steps in progress whose requests have gone
    expect(model.counts).toMatchObject({ running: 0, waiting: 0, activeBlocks: 0 });
  }
  replicas.deliver(Infinity);
  for (const host of replicas.hosts) {
    for (let worker = 0; worker < cluster.size; worker += 1) {
      if (!host.needsEvents || cluster.model(worker) === undefined) continue;
      expect(host.cachedBlocks(worker)).toBe(caches.held[worker]!.size);
    }
    if (settings.loadDelayMs > 0) continue; // the last ends are still on their way
    expect(host.heldRequests).toBe(0);
    expect(Math.max(...host.view.requests)).toBe(0);
    expect(Math.max(...host.view.activeBlocks)).toBe(0);
    expect(Math.max(...host.view.prefillTokens.map(Math.abs))).toBeLessThan(1e-6);
  }
}

function checkRecord({ mocker: options }: RandomCluster, record: RequestRecord): void {
  const { intendedNs, sentNs, firstTokenNs, lastTokenNs, endNs, osl, oslRequested } = record;
  const holds = holdsOf(record);
  holds(sentNs! >= intendedNs, "sent once it is due");
  holds(endNs >= sentNs!, "ends after it is sent");
  if (firstTokenNs !== undefined) {
    holds(firstTokenNs > sentNs!, "first token after it is sent");
    holds(lastTokenNs! >= firstTokenNs, "last token not before the first");
    holds(endNs >= lastTokenNs!, "ends with its last token");
    holds(osl > 0, "has tokens where it has a first one");
  } else holds(osl === 0, "has no tokens without a first one");
  holds(osl <= oslRequested, "no more tokens than were asked for");
  if (record.state !== "ok") {
    holds(record.error !== undefined, "says its error");
    return;
  }
  const { limits, workers } = resolveMocker(v.parse(mocker.options, options));
  holds(osl === Math.min(oslRequested, limits.maxModelLen - record.isl), "has all its tokens");
  const roleOf = (id: string | undefined) => workers.find((worker) => worker.id === id)?.role;
  const isSplit = workers[0]!.role === "prefill";
  holds(roleOf(record.worker) === (isSplit ? "decode" : "aggregated"), "names its worker");
  holds(roleOf(record.prefillWorker) === (isSplit ? "prefill" : undefined), "names its prefill");
}

/** Looks at a record hundreds of thousands of times: an `expect` costs more than what it looks at. */
function holdsOf(record: RequestRecord): (isTrue: boolean, what: string) => void {
  return (isTrue, what) => {
    if (!isTrue) throw new Error(`broken: ${what}: ${JSON.stringify(record)}`);
  };
}

/** A preempted prompt can find more cached at its second admission than reported at the first. */
function hasPreempted({ cluster }: Simulation): boolean {
  return cluster.ids.some((_, worker) => (cluster.model(worker)?.counts.preemptions ?? 1) > 0);
}

/** The first token takes at least as long as computing the prompt tokens that were not cached. */
function checkTtft({ mocker: options, settings }: RandomCluster, record: RequestRecord): void {
  const { state, isl, cachedTokens, firstTokenNs, sentNs } = record;
  // Dynamo's quadratic term is less for a prompt in pieces.
  if (state !== "ok" || options["timing"] === "dynamo") return;
  const { timing, timeScale, transfer } = resolveMocker(v.parse(mocker.options, options));
  const alone = { prefills: 1, pastTokens: 0, pairs: 0, decoders: 0, contextTokens: 0 };
  const prefillNs = timing.mixedStepNs({ ...alone, prefillTokens: isl - cachedTokens! });
  // Split: two workers have it, and at least its last block travels between them.
  const visits = record.prefillWorker === undefined ? 1 : 2;
  const transferNs = (visits - 1) * (transfer.latencyNs + transfer.perBlockNs);
  const leastNs = (prefillNs + visits * timing.requestCostMs * 1e6 + transferNs) / timeScale;
  const wayNs = (2 * settings.networkMs + visits * settings.routingMs) * 1e6;
  const isEnough = firstTokenNs! - sentNs! >= Math.floor(leastNs + wayNs) - 4;
  holdsOf(record)(isEnough, "its prefill takes its time");
}

/**
 * No request finds more than a shared unbounded cache that holds everything sent before it or at the
 * same time. Where a request can arrive after later ones (it was sent again after a death, or its
 * replica held it), everything that is ever sent counts.
 */
function checkHits(cluster: RandomCluster, life: Life): void {
  // A prompt that is prefilled again, because its decode worker died, finds itself.
  const isSplit = cluster.mocker["prefillWorkers"] !== undefined;
  if (isSplit && life.simulation.counts.retries > 0) return;
  const { requests, settings, replicas, mocker: options } = cluster;
  const blockSize = options["blockSize"] as number;
  const table = new SegmentBlocks(blockSize);
  const overtakes = replicas > 1 && life.simulation.counts.held > 0;
  const isMoved = settings.downs.length > 0 || settings.networkJitterMs > 0 || overtakes;
  const holders = new Map<number, number>();
  const blocksOf = ({ index }: RequestRecord): Int32Array => {
    const { prompt, isl, osl } = requests[index]!;
    return table.blocksOf([...prompt, { answerOf: index, tokens: osl - 1 }], isl + osl - 1);
  };
  const groups = Map.groupBy(life.records, ({ sentNs }) => (isMoved ? 0 : sentNs!));
  for (const [, group] of [...groups].toSorted(([a], [b]) => a - b)) {
    for (const block of group.flatMap((record) => [...blocksOf(record)])) {
      holders.set(block, (holders.get(block) ?? 0) + 1);
    }
    for (const record of group) {
      const blocks = blocksOf(record);
      let hits = 0;
      while (hits < blocks.length && holders.get(blocks[hits]!)! > 1) hits += 1;
      const most = Math.min(hits, Math.floor((record.isl - 1) / blockSize)) * blockSize;
      holdsOf(record)((record.cachedTokens ?? 0) <= most, `no more than ${most} tokens cached`);
    }
  }
}

test.each(lives.slice(0, 80))("%s, seed %d gives the same bytes event by event", (_, seed, draw) =>
  replayable(seed, () => {
    const lines = (eventsPerCall: number): string =>
      live(draw(seed), eventsPerCall).records.map(recordLine).join("");
    expect(lines(1)).toBe(lines(1_000_000));
  }),
);

test.skipIf(only !== undefined).each(KINDS)("%s: the seeds reach what they are for", (_, draw) => {
  const reached: Record<string, number> = {};
  const add = (what: string, n: number): void => void (reached[what] = (reached[what] ?? 0) + n);
  for (const seed of seeds.slice(0, 200)) {
    const { simulation, records } = live(draw(seed), 1_000_000);
    const { held, retries, policyFaults, eventsApplied } = simulation.counts;
    add("held", held);
    add("retries", retries);
    add("policy faults", policyFaults);
    add("events", eventsApplied);
    for (const { error, cachedTokens } of records) {
      if (error) add(error.kind, 1);
      if (cachedTokens) add("hits", 1);
    }
  }
  for (const what of ["held", "retries", "policy faults", "events", "hits"]) {
    expect(reached[what] ?? 0, what).toBeGreaterThan(20);
  }
  for (const what of ["timeout", "status", "error-frame"]) {
    expect(reached[what] ?? 0, what).toBeGreaterThan(10);
  }
});
