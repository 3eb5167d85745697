import { describe, expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import type {
  Candidate,
  RouteRequest,
  RoutingPolicy,
} from "../../../core/contract/routing-policy.ts";
import { PolicyHost, type PolicyHostOptions } from "../../../core/routing/host.ts";
import { NoWorkerFault, PolicyFault } from "../../../core/routing/routing-fault.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

/** Makes the picks that the test sets. */
function scripted(...picks: number[]): RoutingPolicy {
  return {
    reads: ["overlap", "activeBlocks"],
    index: { source: "events" },
    pick: () => picks.shift()!,
  };
}

function hostOf(
  policy: RoutingPolicy,
  more: Partial<PolicyHostOptions> & { candidates?: readonly Candidate[] } = {},
): PolicyHost {
  return new PolicyHost({
    policy,
    policyName: "scripted",
    candidates: clusterOf(2),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
    ...more,
  });
}

/** All loads of a host, as plain arrays. */
function loads({ view }: PolicyHost): Record<string, number[]> {
  return {
    requests: [...view.requests],
    prefillTokens: [...view.prefillTokens],
    activeBlocks: [...view.activeBlocks],
  };
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const nothing = { requests: [0, 0], prefillTokens: [0, 0], activeBlocks: [0, 0] };

describe("accounts", () => {
  test("a request counts from dispatch to end, its uncached tokens until its first token", () => {
    const host = hostOf(scripted(0, 0));
    host.stored(0, blocksFrom(0, 15), 0);
    // 1000 tokens are 15 full blocks of 64 and 40 tokens; all 15 are cached: 1000 − 960 = 40 to prefill.
    host.route(requestOf(1, { blocks: blocksFrom(0, 15), isl: 1000 }), 1);
    host.route(requestOf(2, { blocks: blocksFrom(50, 4), isl: 300 }), 2);
    expect(loads(host)).toEqual({
      requests: [2, 0],
      prefillTokens: [340, 0],
      activeBlocks: [19, 0],
    });
    host.firstToken(1, 3);
    host.firstToken(1, 4);
    expect(loads(host)).toEqual({
      requests: [2, 0],
      prefillTokens: [300, 0],
      activeBlocks: [19, 0],
    });
    host.ended(2, 5); // without a first token
    expect(loads(host)).toEqual({ requests: [1, 0], prefillTokens: [0, 0], activeBlocks: [15, 0] });
    host.ended(1, 6);
    host.ended(1, 7);
    expect(loads(host)).toEqual(nothing);
  });

  test("blocks shared by requests in flight count once; a new request adds its own only", () => {
    const added: number[][] = [];
    const policy: RoutingPolicy = {
      reads: ["activeBlocks"],
      pick: (_request, view) => {
        added.push([...view.addedBlocks]);
        return 0;
      },
    };
    const host = hostOf(policy);
    const shared = blocksFrom(0, 10);
    host.route(requestOf(1, { blocks: [...shared, 100, 101] }), 0);
    host.route(requestOf(2, { blocks: [...shared, 200] }), 0);
    expect([...host.view.activeBlocks]).toEqual([13, 0]);
    host.route(requestOf(3, { blocks: [...shared, 100, 300] }), 0);
    // On worker 0: 10 shared and block 100 are active already.
    expect(added).toEqual([
      [12, 12],
      [1, 11],
      [1, 12],
    ]);
    host.ended(1, 1);
    // 101 goes; 100 stays with request 3.
    expect([...host.view.activeBlocks]).toEqual([13, 0]);
    host.ended(3, 1);
    host.ended(2, 1);
    expect([...host.view.activeBlocks]).toEqual([0, 0]);
  });

  test("a decode worker has nothing to prefill and holds its own copies", () => {
    const candidates = [...clusterOf(1, "prefill"), ...clusterOf(1, "decode", 1)];
    const host = hostOf(scripted(0, 1, 0, 1), { candidates });
    for (const id of [1, 2]) {
      host.route(requestOf(id, { blocks: blocksFrom(0, 10), stage: "prefill" }), 0);
      host.route(requestOf(id, { blocks: blocksFrom(0, 10), stage: "decode" }), 0);
    }
    expect(loads(host)).toEqual({
      requests: [2, 2],
      prefillTokens: [1280, 0],
      activeBlocks: [10, 20],
    });
    host.ended(1, 1, "prefill");
    expect(loads(host)).toEqual({
      requests: [1, 2],
      prefillTokens: [640, 0],
      activeBlocks: [10, 20],
    });
    host.ended(1, 2);
    host.ended(2, 2);
    expect(loads(host)).toEqual(nothing);
  });

  test("a retry moves the request completely to the other worker", () => {
    const told: string[] = [];
    const policy: RoutingPolicy = {
      ...scripted(0, 1),
      dispatched: ({ id }, candidate) => told.push(`${id} to ${candidate}`),
      ended: ({ id }, candidate) => told.push(`${id} off ${candidate}`),
    };
    const host = hostOf(policy);
    const request = requestOf(1, { blocks: blocksFrom(0, 3) });
    host.route(request, 0);
    host.route(request, 1, new Set([0]));
    expect(host.view.eligible).toEqual([1]);
    expect(loads(host)).toEqual({
      requests: [0, 1],
      prefillTokens: [0, 192],
      activeBlocks: [0, 3],
    });
    expect(told).toEqual(["1 to 0", "1 off 0", "1 to 1"]);
  });

  test("data that a policy does not read is not kept", () => {
    const policy: RoutingPolicy = { reads: [], pick: () => 0 };
    const host = hostOf(policy);
    expect([host.needsBlocks, host.needsEvents]).toEqual([false, false]);
    host.stored(0, blocksFrom(0, 3), 0);
    host.route(requestOf(1, { blocks: blocksFrom(0, 3), isl: 200 }), 0);
    expect(host.cachedBlocks(0)).toBe(0);
    expect(loads(host)).toEqual({
      requests: [1, 0],
      prefillTokens: [200, 0],
      activeBlocks: [0, 0],
    });
  });
});

describe("workers that die", () => {
  test("lose their accounts and their cache, and are not eligible until they are back", () => {
    const host = hostOf(scripted(0, 1, 1, 0));
    host.stored(0, blocksFrom(0, 3), 0);
    host.stored(1, blocksFrom(0, 2), 0);
    host.route(requestOf(1, { blocks: blocksFrom(0, 3), isl: 200 }), 1);
    host.setAlive(0, false, 2);
    expect(loads(host)).toEqual(nothing);
    expect([host.cachedBlocks(0), host.cachedBlocks(1)]).toEqual([0, 2]);
    host.route(requestOf(2, { blocks: blocksFrom(0, 3) }), 3);
    expect(host.view.eligible).toEqual([1]);
    expect([...host.view.overlapBlocks]).toEqual([0, 2]);
    host.ended(1, 4); // the late end of a request that died with it
    expect([...host.view.requests]).toEqual([0, 1]);
    host.setAlive(0, true, 5);
    host.route(requestOf(3, { blocks: [], isl: 1 }), 6);
    expect(host.view.eligible).toEqual([0, 1]);
  });

  test("lose the predictions about them", () => {
    const host = hostOf({
      reads: ["overlap"],
      index: { source: "predicted", ttlMs: 1000 },
      pick: () => 0,
    });
    const blocks = blocksFrom(0, 3);
    host.route(requestOf(1, { blocks }), 0);
    host.route(requestOf(2, { blocks }), 1);
    expect([...host.view.overlapBlocks]).toEqual([3, 0]);
    host.setAlive(0, false, 2);
    host.setAlive(0, true, 3);
    host.route(requestOf(3, { blocks }), 4);
    expect([...host.view.overlapBlocks]).toEqual([0, 0]);
    host.route(requestOf(4, { blocks }), 5);
    host.route(requestOf(5, { blocks }), 5 + 1e9); // the time to live after the last use
    expect([...host.view.overlapBlocks]).toEqual([0, 0]);
  });

  test("lose all of it even where the policy fails at the first notification", () => {
    const told: number[] = [];
    const policy = scripted(0, 0, 1);
    const host = hostOf({
      ...policy,
      ended({ id }) {
        told.push(id);
        throw new Error("not now");
      },
    });
    host.stored(0, blocksFrom(0, 4), 0);
    for (const id of [1, 2]) host.route(requestOf(id, { blocks: blocksFrom(0, 4), isl: 256 }), id);
    expect(errorOf(() => host.setAlive(0, false, 3)).message).toContain("not now");
    expect(told).toEqual([1, 2]);
    expect(loads(host)).toEqual(nothing);
    expect(host.cachedBlocks(0)).toBe(0);
  });

  test("cause a clear error when no worker is left to try", () => {
    const host = hostOf(scripted(0));
    host.setAlive(1, false, 0);
    const request = requestOf(7, { blocks: [], isl: 5 });
    const error = errorOf(() => host.route(request, 1, new Set([0])));
    expect(error).toBeInstanceOf(NoWorkerFault);
    expect(error.message).toBe(
      "Cannot route request 7: no worker is left to try (alive: 0 = worker-0; known: 2)",
    );
  });
});

describe("a policy at fault", () => {
  const request = requestOf(3, { blocks: blocksFrom(0, 2) });

  test.each([
    [9, "returned 9, which is no candidate"],
    [-2, "returned -2, which is no candidate"],
    [0.5, "returned 0.5, which is no candidate"],
    [NaN, "returned NaN, which is no candidate"],
    ["0" as unknown as number, "returned 0, but worker-0 was tried already"],
    [1, "returned 1, but worker-1 is dead"],
    [2, "returned 2, but worker-2 is a decode worker"],
  ])("that picks %p is named with what it did", (pick, did) => {
    const candidates = [...clusterOf(2), ...clusterOf(1, "decode", 2)];
    const host = hostOf(scripted(pick), { candidates });
    host.setAlive(1, false, 0);
    const error = errorOf(() => host.route(request, 1)) as PolicyFault;
    expect(error).toBeInstanceOf(PolicyFault);
    expect(error.message).toContain(`Cannot route request 3: policy "scripted" ${did}`);
    expect(error.message).toContain("(could be picked: 0 = worker-0)");
    expect(loads(host).requests).toEqual([0, 0, 0]);
  });

  test("that picks a worker already tried is named", () => {
    const host = hostOf(scripted(0));
    expect(errorOf(() => host.route(request, 1, new Set([0]))).message).toContain(
      "returned 0, but worker-0 was tried already (could be picked: 1 = worker-1)",
    );
  });

  test("that throws is named, with its message and its error as the cause", () => {
    const cause = new TypeError("x is undefined");
    const policy: RoutingPolicy = {
      reads: [],
      pick: () => {
        throw cause;
      },
    };
    const error = errorOf(() => hostOf(policy).route(request, 0));
    expect(error.message).toContain('policy "scripted" threw TypeError: x is undefined');
    expect(error.cause).toBe(cause);
  });

  test("that throws at the dispatch books nothing", () => {
    const policy: RoutingPolicy = {
      ...scripted(0),
      dispatched: () => {
        throw new Error("no");
      },
    };
    const host = hostOf(policy);
    expect(errorOf(() => host.route(request, 0)).message).toContain(
      'in "dispatched" threw Error: no',
    );
    expect(loads(host)).toEqual(nothing);
  });

  test("gets an error when the host gives it a block without an id", () => {
    const host = hostOf(scripted(0));
    expect(() => host.route(requestOf(1, { blocks: [4, -1] }), 0)).toThrow("has no id");
  });
});

test("a probe times look-up and score separately", () => {
  let now = 0;
  const policy: RoutingPolicy = {
    reads: [],
    pick: () => {
      now += 7;
      return 0;
    },
  };
  const host = hostOf(policy, { probeNs: () => (now += 2) });
  host.route(requestOf(1, { blocks: [], isl: 1 }), 0);
  // Stamps at 2 and 4, then 7 in the policy, then a stamp at 13.
  expect(host.lastCost).toEqual({ lookupNs: 2, scoreNs: 9 });
});

test("requests sent by a synchronised router count as if sent by this one", () => {
  const host = hostOf(scripted(1));
  // 4 blocks of 64 are cached there: 300 − 256 = 44 to prefill.
  const request = requestOf(1, { blocks: blocksFrom(0, 4), isl: 300 });
  host.adopt(request, { candidate: 0, overlapBlocks: 4 }, 1);
  expect(loads(host)).toEqual({ requests: [1, 0], prefillTokens: [44, 0], activeBlocks: [4, 0] });
  host.ended(1, 2);
  expect(loads(host)).toEqual(nothing);
});

test("a reset clears loads, index and draws, and keeps which workers are alive", () => {
  const draws: number[] = [];
  const policy: RoutingPolicy = {
    ...scripted(),
    pick: (_request: RouteRequest, view) => {
      draws.push(view.random.uint32());
      return 0;
    },
  };
  const host = hostOf(policy);
  host.stored(0, blocksFrom(0, 3), 0);
  host.route(requestOf(1, { blocks: blocksFrom(0, 3) }), 0);
  host.setAlive(1, false, 0);
  host.reset();
  expect(loads(host)).toEqual(nothing);
  expect(host.cachedBlocks(0)).toBe(0);
  host.route(requestOf(1, { blocks: blocksFrom(0, 3) }), 1);
  expect([...host.view.overlapBlocks]).toEqual([0, 0]);
  expect(host.view.eligible).toEqual([0]);
  expect(draws[1]).not.toBe(draws[0]);
});
