import { expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import { HOLD, type Candidate, type RoutingPolicy } from "../../../core/contract/routing-policy.ts";
import { MAX_HELD, MAX_HOLD_NS } from "../../../core/routing/hold-queue.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { NoWorkerFault, PolicyFault } from "../../../core/routing/routing-fault.ts";
import { BLOCK_SIZE, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

/** At most one request in flight per worker; everything else waits. */
const oneEach: RoutingPolicy = {
  reads: [],
  pick: (_request, { eligible, requests }) => eligible.find((w) => requests[w] === 0) ?? HOLD,
};

const request = (id: number, stage: "aggregated" | "prefill" | "decode" = "aggregated") =>
  requestOf(id, { blocks: [], isl: 1, stage });

function hostOf(policy: RoutingPolicy, candidates: readonly Candidate[] = clusterOf(2)) {
  const released: string[] = [];
  const faults: unknown[] = [];
  const host = new PolicyHost({
    policy,
    policyName: "one-each",
    candidates,
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
    onRelease: ({ id, stage }, candidate) => released.push(`${id} ${stage} to ${candidate}`),
    onFault: (_request, error) => faults.push(error),
  });
  return { host, released, faults };
}

test("held requests are released in order of arrival, by the event that frees a worker", () => {
  const { host, released } = hostOf(oneEach);
  expect([1, 2, 3, 4].map((id) => host.route(request(id), id))).toEqual([0, 1, HOLD, HOLD]);
  expect(host.heldRequests).toBe(2);
  host.firstToken(1, 5);
  expect(released).toEqual([]);
  host.ended(2, 6);
  expect(released).toEqual(["3 aggregated to 1"]);
  host.ended(1, 7);
  expect(released).toEqual(["3 aggregated to 1", "4 aggregated to 0"]);
  expect([...host.view.requests]).toEqual([1, 1]);
  expect(host.heldRequests).toBe(0);
});

test("a new request does not overtake, even when it could be served", () => {
  const picky: RoutingPolicy = { reads: [], pick: ({ id }) => (id === 1 ? HOLD : 0) };
  const { host } = hostOf(picky);
  expect(host.route(request(1), 0)).toBe(HOLD);
  expect(host.route(request(2), 0)).toBe(HOLD);
  host.ended(1, 1); // its client went away
  expect([...host.view.requests]).toEqual([1, 0]);
});

test("held decode picks do not wait behind held prefill picks, and are released on their own", () => {
  const { host, released } = hostOf(oneEach, [
    ...clusterOf(1, "prefill"),
    ...clusterOf(1, "decode", 1),
  ]);
  host.route(request(1, "prefill"), 0);
  expect(host.route(request(2, "prefill"), 0)).toBe(HOLD);
  expect(host.route(request(1, "decode"), 0)).toBe(1);
  expect(host.route(request(3, "decode"), 0)).toBe(HOLD);
  host.ended(1, 1, "decode");
  expect(released).toEqual(["3 decode to 1"]);
  expect(host.heldRequests).toBe(1);
});

test("a worker that comes back gets the held requests", () => {
  const { host, released } = hostOf(oneEach);
  host.setAlive(1, false, 0);
  host.route(request(1), 1);
  host.route(request(2), 2);
  host.setAlive(1, true, 3);
  expect(released).toEqual(["2 aggregated to 1"]);
});

test("when the last worker dies, held requests fail with the reason", () => {
  const { host, faults } = hostOf(oneEach, clusterOf(1));
  host.route(request(1), 0);
  host.route(request(2), 0);
  host.setAlive(0, false, 1);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toBeInstanceOf(NoWorkerFault);
  expect(host.heldRequests).toBe(0);
});

test("a request is held up to the time limit", () => {
  const { host, faults } = hostOf({ reads: [], pick: () => HOLD });
  expect(host.holdDeadlineNs).toBe(Infinity);
  host.route(request(1), 5);
  host.route(request(2), 6);
  expect(host.holdDeadlineNs).toBe(5 + MAX_HOLD_NS);
  host.checkHeld(4 + MAX_HOLD_NS);
  expect(faults).toHaveLength(0);
  host.checkHeld(5 + MAX_HOLD_NS);
  expect(faults).toHaveLength(1);
  expect((faults[0] as PolicyFault).message).toContain(
    'Cannot route request 1: policy "one-each" held it for 60 s',
  );
  expect(host.heldRequests).toBe(1);
});

test("requests are held up to the limit of their number", () => {
  const { host } = hostOf({ reads: [], pick: () => HOLD });
  for (let id = 0; id < MAX_HELD; id += 1) host.route(request(id), 0);
  expect(() => host.route(request(MAX_HELD), 0)).toThrow("holds 16384 requests already");
});

test("a policy that throws while asked again fails that request only", () => {
  let isBroken = false;
  const policy: RoutingPolicy = {
    reads: [],
    pick: ({ id }, view) => {
      if (isBroken && id === 2) throw new Error("broken");
      return view.requests[0] === 0 ? 0 : HOLD;
    },
  };
  const { host, released, faults } = hostOf(policy);
  for (const id of [1, 2, 3]) host.route(request(id), 0);
  isBroken = true;
  host.ended(1, 1);
  expect(faults).toHaveLength(1);
  expect(released).toEqual(["3 aggregated to 0"]);
});

test("events caused by a release are handled before the call returns", () => {
  const order: number[] = [];
  const host = new PolicyHost({
    policy: oneEach,
    candidates: clusterOf(1),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
    onRelease: ({ id }) => {
      order.push(id);
      host.ended(id, 10); // refused at once
    },
    onFault: () => {},
  });
  for (const id of [1, 2, 3, 4]) host.route(request(id), id);
  host.ended(1, 9);
  expect(order).toEqual([2, 3, 4]);
  expect([...host.view.requests]).toEqual([0]);
});

test("a policy that holds fails on a host that cannot release", () => {
  const host = new PolicyHost({
    policy: { reads: [], pick: () => HOLD },
    policyName: "holder",
    candidates: clusterOf(1),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
  });
  expect(() => host.route(request(1), 0)).toThrow(
    'policy "holder" held it, which this host does not allow',
  );
});

test("a reset drops held requests", () => {
  const { host, released } = hostOf(oneEach, clusterOf(1));
  host.route(request(1), 0);
  host.route(request(2), 0);
  host.reset();
  expect(host.heldRequests).toBe(0);
  expect(host.route(request(3), 1)).toBe(0);
  expect(released).toEqual([]);
});

const urgent = (id: number, priority: number) => ({ ...request(id), priority });

/** The same, by priority. */
const byPriority: RoutingPolicy = { ...oneEach, urgency: ({ priority }) => priority };

test("more urgent requests are released first, equal ones in order of arrival", () => {
  const { host, released } = hostOf(byPriority, clusterOf(1));
  [0, 1, 5, 1, 5].forEach((priority, id) => host.route(urgent(id, priority), id));
  for (const id of [0, 2, 4, 1, 3]) host.ended(id, 10 + id);
  expect(released.map((text) => text[0])).toEqual(["2", "4", "1", "3"]);
});

test("a new request is picked at once when it is more urgent than all held ones", () => {
  // The second worker takes only what is urgent.
  const picky: RoutingPolicy = {
    ...byPriority,
    pick: ({ priority }, { requests }) =>
      requests[0] === 0 ? 0 : priority > 1 && requests[1] === 0 ? 1 : HOLD,
  };
  const { host } = hostOf(picky);
  expect([0, 1, 1].map((priority, id) => host.route(urgent(id, priority), id))).toEqual([
    ...[0, HOLD, HOLD],
  ]);
  expect(host.route(urgent(3, 2), 3)).toBe(1);
  expect(host.route(urgent(4, 2), 4)).toBe(HOLD);
});

test("the least urgent request fails after a minute, however many are released before it", () => {
  const { host, released, faults } = hostOf(byPriority, clusterOf(1));
  host.route(urgent(0, 9), 0);
  host.route(urgent(1, 0), 1);
  host.route(urgent(2, 9), 30e9);
  expect(host.holdDeadlineNs).toBe(1 + MAX_HOLD_NS);
  host.checkHeld(1 + MAX_HOLD_NS);
  expect(faults.map(String)).toEqual([expect.stringContaining("held it for 60 s")]);
  expect(host.holdDeadlineNs).toBe(30e9 + MAX_HOLD_NS);
  host.ended(0, 70e9);
  expect(released).toEqual(["2 aggregated to 0"]);
});

test("an urgency that is not a number is a fault of the policy", () => {
  const { host } = hostOf({ ...oneEach, urgency: () => NaN }, clusterOf(1));
  host.route(request(1), 0);
  expect(() => host.route(request(2), 1)).toThrow('in "urgency" threw RangeError');
});
