/**
 * Requirements for every routing policy, bundled or not: call `routingPolicyConformance` in a test
 * file of your own. Clusters, loads and faults are drawn from seeds; a failure prints its seed.
 */
import { describe, expect, test } from "bun:test";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import type { WorkerRole } from "../../core/contract/request.ts";
import {
  HOLD,
  type Candidate,
  type RouteRequest,
  type RoutingPolicy,
} from "../../core/contract/routing-policy.ts";
import { PolicyHost } from "../../core/routing/host.ts";
import { testLiveAsVirtual } from "./live-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "./sample-routing.ts";

const SEEDS = 40;
const EVENTS = 250;

/** Declares the tests. `make` gives a fresh policy each time. */
export function routingPolicyConformance(name: string, make: () => RoutingPolicy): void {
  describe(`routing policy ${name}`, () => {
    test("picks an eligible candidate through deaths, revivals, retries and aborts", () => {
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const workers = 1 + randomStream(seed, "workers").int(12);
        live(make(), { seed, candidates: clusterOf(workers) });
      }
    });

    test("the same seed and events give the same picks", () => {
      for (let seed = 0; seed < 5; seed += 1) {
        const cluster = { seed, candidates: clusterOf(8) };
        expect(live(make(), cluster)).toEqual(live(make(), cluster));
      }
    });

    test("one candidate gets everything", () => {
      const picks = live(make(), { seed: 1, candidates: clusterOf(1), deaths: false });
      expect(new Set(picks.filter((pick) => pick !== HOLD))).toEqual(new Set([0]));
    });

    test("a hundred candidates are no trouble", () => {
      expect(live(make(), { seed: 2, candidates: clusterOf(100) }).length).toBeGreaterThan(0);
    });

    test("the last one alive gets everything", () => {
      const host = hostOf(make(), clusterOf(5), randomStream(3));
      for (const dead of [0, 1, 2, 4]) host.setAlive(dead, false, 0);
      for (let id = 0; id < 20; id += 1) {
        const request = requestOf(id, { blocks: blocksFrom(10 * (id % 3), 4) });
        expect([3, HOLD]).toContain(host.route(request, id));
      }
    });

    test("a prompt shorter than a block is routed", () => {
      const host = hostOf(make(), clusterOf(4), randomStream(4));
      for (let id = 0; id < 10; id += 1) {
        const pick = host.route(requestOf(id, { blocks: [], isl: 1 + id }), id);
        expect([0, 1, 2, 3, HOLD]).toContain(pick);
      }
    });

    test("prefill and decode picks stay among workers of that role", () => {
      const candidates = [...clusterOf(3, "prefill"), ...clusterOf(2, "decode", 3)];
      for (let seed = 0; seed < 10; seed += 1) live(make(), { seed, candidates });
    });

    test("is asked for each stage with what that stage's workers carry", () => {
      const candidates = [...clusterOf(2, "prefill"), ...clusterOf(2, "decode", 2)];
      const host = hostOf(checkingStages(make()), candidates, randomStream(11));
      for (let id = 0; id < 30; id += 1) {
        const blocks = blocksFrom(100 * (id % 5), 6);
        for (const stage of ["prefill", "decode"] as const) {
          const picked = host.route(requestOf(id, { blocks, stage }), id);
          if (picked === HOLD) return;
          expect(candidates[picked]!.role).toBe(stage);
          // A prefill is over, for its router too, before a decode worker is looked for.
          if (stage === "prefill") host.ended(id, id, stage);
        }
        if (id % 3 > 0) host.ended(id - 1, id, "decode");
      }
    });

    test("a worker already tried is not picked again", () => {
      const host = hostOf(make(), clusterOf(3), randomStream(6));
      const request = requestOf(1, { blocks: blocksFrom(0, 4) });
      const tried = new Set<number>();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const pick = host.route(request, attempt, tried);
        if (pick === HOLD) return;
        expect(tried.has(pick)).toBe(false);
        tried.add(pick);
      }
    });

    test("keeps nothing of the view after a pick", () => {
      const cluster = { seed: 7, candidates: clusterOf(6) };
      expect(live(takingViewsBack(make()), cluster)).toEqual(live(make(), cluster));
    });

    test("a reset forgets everything learnt", () => {
      const random = randomStream(8);
      const used = hostOf(make(), clusterOf(4), random);
      play(used, randomStream(9), { deaths: false });
      used.reset();
      const fresh = hostOf(make(), clusterOf(4), random.split("reset", 1));
      const again = { deaths: false };
      expect(play(used, randomStream(10), again)).toEqual(play(fresh, randomStream(10), again));
    });

    testLiveAsVirtual(make);
  });
}

interface Cluster {
  readonly seed: number;
  readonly candidates: readonly Candidate[];
  readonly deaths?: boolean;
}

/** A drawn life of a cluster; returns every pick. */
function live(policy: RoutingPolicy, { seed, candidates, deaths = true }: Cluster): number[] {
  const host = hostOf(policy, candidates, randomStream(seed, "policy"));
  try {
    return play(host, randomStream(seed, "events"), { deaths });
  } catch (cause) {
    throw new Error(`seed ${seed}, ${candidates.length} candidates`, { cause });
  }
}

/** The host throws when a pick is not an eligible candidate, so every run checks the picks. */
function play(host: PolicyHost, random: RandomStream, options: { deaths: boolean }): number[] {
  const { candidates } = host.view;
  const isSplit = candidates[0]!.role !== "aggregated";
  const stages: WorkerRole[] = isSplit ? ["prefill", "decode"] : ["aggregated"];
  const inFlight: RouteRequest[] = [];
  const picks: number[] = [];
  for (let event = 0; event < EVENTS; event += 1) {
    const nowNs = event * 1e9;
    const draw = random.int(12);
    const someone = random.int(candidates.length);
    if (draw < 5) {
      const blocks = [...drawnBlocks(random), ...blocksFrom(100_000 + 50 * event, random.int(3))];
      for (const stage of stages) {
        const request = requestOf(event, { blocks, isl: 3000, stage });
        picks.push(host.route(request, nowNs));
        inFlight.push(request);
      }
    } else if (draw < 8 && inFlight.length > 0) {
      const [{ id, stage }] = inFlight.splice(random.int(inFlight.length), 1) as [RouteRequest];
      if (draw < 7) host.firstToken(id, nowNs, stage);
      host.ended(id, nowNs, stage);
    } else if (draw === 8 && inFlight.length > 0) {
      const request = inFlight[random.int(inFlight.length)]!;
      if (aliveOf(host, request.stage).some((index) => index !== someone)) {
        picks.push(host.route(request, nowNs, new Set([someone])));
      }
    } else if (draw === 9) {
      host.stored(someone, drawnBlocks(random), nowNs);
    } else if (draw === 10) {
      host.removed(someone, drawnBlocks(random), nowNs);
    } else if (options.deaths) {
      const isLast = host.isAlive(someone) && aliveOf(host, candidates[someone]!.role).length === 1;
      if (!isLast) host.setAlive(someone, !host.isAlive(someone), nowNs);
    }
  }
  return picks;
}

/** The opening of one of six contents. */
function drawnBlocks(random: RandomStream): number[] {
  return blocksFrom(1000 * random.int(6), random.int(40));
}

function aliveOf(host: PolicyHost, role: WorkerRole): number[] {
  return host.view.candidates
    .filter((candidate) => candidate.role === role && host.isAlive(candidate.index))
    .map((candidate) => candidate.index);
}

function hostOf(
  policy: RoutingPolicy,
  candidates: readonly Candidate[],
  random: RandomStream,
): PolicyHost {
  return new PolicyHost({
    policy,
    candidates,
    random,
    blockSize: BLOCK_SIZE,
    onRelease: () => {},
    onFault: (_request, error) => {
      throw error;
    },
  });
}

/** The same policy, with a check of the views that it gets in each stage. */
function checkingStages(policy: RoutingPolicy): RoutingPolicy {
  return {
    ...policy,
    pick(request, view) {
      for (const index of view.eligible) {
        expect(view.candidates[index]!.role).toBe(request.stage);
        // A decode worker is sent the prompt's KV, and holds it apart for each request.
        if (request.stage !== "decode") continue;
        expect(view.prefillTokens[index]).toBe(0);
        if (policy.reads.includes("activeBlocks")) {
          expect(view.addedBlocks[index]).toBe(request.blocks.length);
        }
      }
      return policy.pick(request, view);
    },
  };
}

/** The same policy, given a copy of the view that is invalidated after the pick. */
function takingViewsBack(policy: RoutingPolicy): RoutingPolicy {
  return {
    reads: policy.reads,
    ...(policy.index === undefined ? {} : { index: policy.index }),
    dispatched: (...event) => policy.dispatched?.(...event),
    firstToken: (...event) => policy.firstToken?.(...event),
    ended: (...event) => policy.ended?.(...event),
    pick(request, view) {
      const columns = {
        requests: view.requests.slice(),
        prefillTokens: view.prefillTokens.slice(),
        overlapBlocks: view.overlapBlocks.slice(),
        activeBlocks: view.activeBlocks.slice(),
        addedBlocks: view.addedBlocks.slice(),
        scores: view.scores.slice(),
      };
      const eligible = [...view.eligible];
      const lent = Proxy.revocable({ ...view, ...columns, eligible }, {});
      const picked = policy.pick(request, lent.proxy);
      lent.revoke();
      for (const column of Object.values(columns)) column.fill(-7);
      eligible.length = 0;
      return picked;
    },
  };
}
