/** Each transition of the life of a request, by the commands that it gives. */
import { describe, expect, test } from "bun:test";
import type { RouteRequest } from "../../../core/contract/routing-policy.ts";
import {
  NOWHERE,
  RequestLife,
  type LifeCommands,
  type RouterError,
} from "../../../core/routing/request-life.ts";
import { NoWorkerFault } from "../../../core/routing/routing-fault.ts";

const REQUEST: RouteRequest = {
  id: 7,
  blocks: new Int32Array([1, 2]),
  isl: 40,
  osl: 3,
  stage: "aggregated",
  session: "s",
  priority: 0,
  prefixHash: (tokens) => tokens,
};

/** A life whose host does nothing but write down what it is asked for. */
function lifeOf(request = REQUEST, { isSplit = false } = {}) {
  const commands: string[] = [];
  const errors: RouterError[] = [];
  const host: LifeCommands<RouteRequest> = {
    route: () => {
      const tried = life.tried === undefined ? "" : ` without ${[...life.tried]}`;
      commands.push(`route ${life.stage}${tried}`);
    },
    send: (_, candidate, wasHeld) =>
      commands.push(`send ${life.stage} to ${candidate}${wasHeld ? ", was held" : ""}`),
    retried: () => commands.push("retried"),
    prefillEnded: () => commands.push(`prefill ended on ${life.worker}`),
    firstToken: () => commands.push("first token"),
    releaseKv: () => commands.push(`release KV on ${life.prefillWorker}`),
    policyFailed: () => commands.push("policy failed"),
    answerError: (_, error) => {
      errors.push(error);
      commands.push(`answer ${error.status}`);
    },
    breakOff: (_, message) => commands.push(`break off: ${message}`),
    cancel: () => commands.push(`cancel on ${life.worker}`),
    ended: () => commands.push("ended"),
  };
  const life = new RequestLife(request, { isSplit, commands: host });
  /** The commands since the last call. */
  const take = (): string[] => commands.splice(0);
  return { life, errors, take };
}

/** Sent to worker 3. */
function sent() {
  const { life, errors, take } = lifeOf();
  life.arrived();
  life.routed(3);
  take();
  return { life, errors, take };
}

/** Computed by prefill worker 0 and sent to decode worker 2. */
function decoding() {
  const { life, errors, take } = lifeOf(REQUEST, { isSplit: true });
  life.arrived();
  life.routed(0);
  life.prefilled();
  life.routed(2);
  take();
  return { life, errors, take };
}

const noWorker = new NoWorkerFault(REQUEST, [], []);

describe("on workers that do all of a request", () => {
  test("it is routed, sent, has its first token and ends", () => {
    const { life, take } = lifeOf();
    life.arrived();
    expect(take()).toEqual(["route aggregated"]);
    life.routed(3);
    expect(take()).toEqual(["send aggregated to 3"]);
    expect([life.worker, life.prefillWorker, life.hasToken]).toEqual([3, NOWHERE, false]);
    life.answered();
    expect(take()).toEqual([]);
    life.firstToken();
    expect([take(), life.hasToken]).toEqual([["first token"], true]);
    life.finished();
    expect([take(), life.isOver]).toEqual([["ended"], true]);
  });

  test("the policy is asked about the request itself", () => {
    expect(lifeOf().life.stageRequest).toBe(REQUEST);
  });

  test("held by the policy, it is sent when it is released", () => {
    const { life, take } = lifeOf();
    life.arrived();
    life.held();
    expect(life.isHeld).toBe(true);
    take();
    life.routed(1);
    expect([take(), life.isHeld]).toEqual([["send aggregated to 1, was held"], false]);
  });

  test("nobody can take it: 503", () => {
    const { life, errors, take } = lifeOf();
    life.arrived();
    life.unroutable(noWorker);
    expect(take()).toEqual(["route aggregated", "answer 503", "ended"]);
    expect(errors[0]).toMatchObject({ type: "no_worker_available", message: noWorker.message });
  });

  test("the policy fails, at once or while it holds the request: 500", () => {
    const { life, errors, take } = lifeOf();
    life.arrived();
    life.held();
    life.unroutable(new Error("no idea"));
    expect(take()).toEqual(["route aggregated", "policy failed", "answer 500", "ended"]);
    expect(errors[0]).toMatchObject({ type: "policy_fault", message: "no idea" });
    expect(life.isHeld).toBe(false);
  });

  test("it cannot be sent: 400", () => {
    const { life, errors, take } = sent();
    life.unsendable("a header is broken");
    expect(take()).toEqual(["answer 400", "ended"]);
    expect(errors[0]).toMatchObject({
      type: "invalid_request_error",
      message: "a header is broken",
    });
  });

  test("a worker's error is passed on, and has no first token", () => {
    const { life, take } = sent();
    life.refused();
    expect([take(), life.hasToken]).toEqual([[], true]);
    life.finished();
    expect(take()).toEqual(["ended"]);
  });

  test("a lost worker is replaced once, by another one", () => {
    const { life, errors, take } = sent();
    life.lost("w3: gone");
    expect(take()).toEqual(["retried", "route aggregated without 3"]);
    expect(life.retries).toBe(1);
    const firstTried = life.tried;
    life.routed(1);
    take();
    life.lost("w1: gone");
    expect(take()).toEqual(["answer 502", "ended"]);
    expect(errors[0]).toEqual({
      status: 502,
      type: "upstream_error",
      message: "No worker answered: w1: gone",
    });
    expect([...firstTried!]).toEqual([3]); // hosts keep the set
  });

  test("no other worker is tried for a failure that would follow it there", () => {
    const { life, take } = sent();
    life.lost("w3: malformed", false);
    expect(take()).toEqual(["answer 502", "ended"]);
  });

  test.each(["answered", "firstToken", "refused"] as const)(
    "a worker lost after %s breaks the answer off",
    (event) => {
      const { life, take } = sent();
      life[event]();
      take();
      life.lost("w3: gone");
      expect(take()).toEqual(["break off: The answer broke off: w3: gone", "ended"]);
    },
  );

  test("a client that leaves cancels the work, or takes it back from the policy", () => {
    const { life, take } = sent();
    life.aborted();
    expect(take()).toEqual(["cancel on 3", "ended"]);
    const held = lifeOf();
    held.life.arrived();
    held.life.held();
    held.take();
    held.life.aborted();
    expect([held.take(), held.life.isHeld]).toEqual([["cancel on -1", "ended"], true]);
  });

  test("nothing happens after its end", () => {
    const { life, take } = sent();
    life.finished();
    take();
    life.routed(1);
    life.unroutable(noWorker);
    life.unsendable("no");
    life.prefilled();
    life.refused();
    life.firstToken();
    life.finished();
    life.lost("gone");
    life.aborted();
    expect(take()).toEqual([]);
  });
});

describe("on split workers", () => {
  test("it is routed twice: a decode worker is picked when the prompt is computed", () => {
    const { life, take } = lifeOf(REQUEST, { isSplit: true });
    life.arrived();
    life.routed(0);
    expect(take()).toEqual(["route prefill", "send prefill to 0"]);
    life.prefilled();
    expect(take()).toEqual(["prefill ended on 0", "route decode"]);
    expect([life.worker, life.prefillWorker]).toEqual([NOWHERE, 0]);
    life.routed(2);
    life.answered();
    life.firstToken();
    life.finished();
    // The decode worker read the KV, and released it.
    expect(take()).toEqual(["send decode to 2", "first token", "ended"]);
  });

  test("the policy sees the stage, and all else of the request", () => {
    const { stageRequest } = decoding().life;
    const { prefixHash: _, ...same } = REQUEST;
    expect(stageRequest).toMatchObject({ ...same, stage: "decode" });
    expect(stageRequest.prefixHash(12)).toBe(12);
  });

  test("a prefill worker that keeps no KV ends it", () => {
    const { life, errors, take } = lifeOf(REQUEST, { isSplit: true });
    life.arrived();
    life.routed(0);
    take();
    life.prefilled("p0 answered without KV");
    expect(take()).toEqual(["prefill ended on 0", "answer 502", "ended"]);
    expect(errors[0]!.message).toBe("p0 answered without KV");
  });

  test("a lost prefill worker is replaced", () => {
    const { life, take } = lifeOf(REQUEST, { isSplit: true });
    life.arrived();
    life.routed(0);
    life.lost("p0: gone");
    take();
    life.routed(1);
    life.prefilled();
    expect(take()).toEqual(["send prefill to 1", "prefill ended on 1", "route decode"]);
  });

  test("a lost decode worker releases the KV and starts the request again, without the lost ones of each stage", () => {
    const { life, take } = decoding();
    life.lost("d2: gone");
    expect(take()).toEqual(["retried", "release KV on 0", "route prefill"]);
    expect([life.worker, life.prefillWorker]).toEqual([NOWHERE, NOWHERE]);
    life.routed(0);
    life.lost("p0: gone");
    expect(take()).toEqual(["send prefill to 0", "retried", "route prefill without 0"]);
    life.routed(1);
    life.prefilled();
    expect(take().at(-1)).toBe("route decode without 2");
    life.routed(3);
    take();
    life.lost("d3: gone");
    expect(take()).toEqual(["answer 502", "release KV on 1", "ended"]);
  });

  test.each([
    ["refuses", (life: RequestLife<RouteRequest>) => life.refused(), ["release KV on 0"]],
    [
      "cannot be sent it",
      (life) => life.unsendable("no"),
      ["answer 400", "release KV on 0", "ended"],
    ],
    [
      "fails for good",
      (life) => life.lost("d2", false),
      ["answer 502", "release KV on 0", "ended"],
    ],
    ["loses its client", (life) => life.aborted(), ["cancel on 2", "release KV on 0", "ended"]],
  ] as [string, (life: RequestLife<RouteRequest>) => void, string[]][])(
    "a decode worker %s: the KV is released",
    (_, happens, wanted) => {
      const { life, take } = decoding();
      happens(life);
      expect(take()).toEqual(wanted);
    },
  );

  test("no decode worker is there: the KV is released", () => {
    const { life, take } = lifeOf(REQUEST, { isSplit: true });
    life.arrived();
    life.routed(0);
    life.prefilled();
    take();
    life.unroutable(noWorker);
    expect(take()).toEqual(["answer 503", "release KV on 0", "ended"]);
  });

  test.each(["answered", "firstToken"] as const)(
    "after %s the KV needs no release, however it ends",
    (event) => {
      for (const end of ["finished", "aborted", "lost"] as const) {
        const { life, take } = decoding();
        life[event]();
        life[end]("gone");
        expect(take().join("; ")).not.toContain("release");
      }
    },
  );

  test("the KV is released once", () => {
    const { life, take } = decoding();
    life.refused();
    life.aborted();
    expect(take()).toEqual(["release KV on 0", "cancel on 2", "ended"]);
  });
});
