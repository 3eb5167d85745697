import { describe, expect, test } from "bun:test";
import { HOLD, randomStream, type RoutingPolicy } from "dynbench";
import { HostJournal, idsOf, runsOf, type HostEvent } from "../../../core/routing/host-journal.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { picksOf } from "../../simulation/asked-again.ts";

test("runs of consecutive ids are written as first and length", () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([7, 8, 9, 3, 4, 12])).toEqual([7, 3, 3, 2, 12, 1]);
  expect(runsOf([5, 5, 6])).toEqual([5, 1, 5, 2]);
  for (const ids of [[], [7, 8, 9, 3, 4, 12], [5, 5, 6], [9, 8, 7]]) {
    expect([...idsOf(runsOf(ids))]).toEqual(ids);
  }
});

describe("a host that gets the same calls", () => {
  const candidates = ["a", "b", "c"].map((workerId, index) => {
    return { index, workerId, rank: 0, role: "aggregated" as const };
  });
  /** At most one request a worker, the emptiest cache first, chance among equals. */
  const oneEach = (): RoutingPolicy => ({
    reads: ["overlap"],
    index: { source: "events" },
    pick: (_request, { eligible, requests, overlapBlocks, random }) => {
      const free = eligible.filter((worker) => requests[worker] === 0);
      if (free.length === 0) return HOLD;
      const least = Math.min(...free.map((worker) => overlapBlocks[worker]!));
      const equal = free.filter((worker) => overlapBlocks[worker] === least);
      return equal[random.int(equal.length)]!;
    },
  });

  test("picks the same, through holds, retries, deaths, cache changes and a reset", () => {
    const events: HostEvent[] = [];
    const live: [number, string][] = [];
    const took = (id: number, candidate: number): void => {
      if (candidate !== HOLD) live.push([id, candidates[candidate]!.workerId]);
    };
    const host = new PolicyHost({
      policy: oneEach(),
      candidates,
      blockSize: 4,
      random: randomStream(3, "gateway", 0),
      onRelease: ({ id }, candidate) => took(id, candidate),
      onFault: () => {},
      journal: new HostJournal((event) => events.push(event)),
    });
    const request = (id: number) => ({
      ...{ id, isl: 9, osl: 5, priority: 0, stage: "aggregated" as const },
      blocks: Int32Array.of(0, 1),
      prefixHash: () => 0,
    });
    const route = (id: number, nowNs: number, tried?: Set<number>): void =>
      took(id, host.route(request(id), nowNs, tried));
    route(0, 5);
    host.reset();
    live.length = 0;
    host.stored(1, [0, 1, 5], 10);
    for (const id of [1, 2, 3, 4, 5]) route(id, 20 + id);
    expect(host.heldRequests).toBe(2);
    host.checkHeld(30);
    host.firstToken(1, 40);
    host.setAlive(2, false, 50);
    host.ended(1, 60);
    host.removed(1, [0, 1], 70);
    host.cleared(1, 71);
    host.setAlive(2, true, 80);
    route(2, 90, new Set([0]));
    host.ended(3, 100);
    expect(live.length).toBe(6);
    const random = randomStream(3, "gateway", 0);
    const again = picksOf(events, { policy: oneEach(), candidates, blockSize: 4, random });
    expect(again.map(({ request: id, worker }) => [id, worker] as [number, string])).toEqual(live);
  });
});
