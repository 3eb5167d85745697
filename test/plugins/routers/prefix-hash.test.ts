import { expect, test } from "bun:test";
import { v } from "dynbench";
import { prefixHash } from "../../../plugins/routers/prefix-hash.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { randomStream } from "../../../core/base/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";
import { BLOCK_SIZE, blocksFrom, clusterOf, requestOf } from "../../conformance/sample-routing.ts";

const defaults = v.parse(prefixHash.options, {});

routingPolicyConformance("prefix-hash", () => prefixHash.policy!(defaults));

function hostOf(options: object, workers: number): PolicyHost {
  return new PolicyHost({
    policy: prefixHash.policy!(v.parse(prefixHash.options, options)),
    candidates: clusterOf(workers),
    blockSize: BLOCK_SIZE,
    random: randomStream(0),
  });
}

/** The worker of an idle cluster for each of `count` prefixes of 4 blocks. */
function homes(host: PolicyHost, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const home = host.route(requestOf(i, { blocks: blocksFrom(10 * i, 4) }), 0);
    host.ended(i, 0);
    return home;
  });
}

test("equal prefixes go to one worker, whatever follows them", () => {
  const host = hostOf({}, 8);
  const [home] = homes(host, 1);
  for (let id = 1; id < 20; id += 1) {
    expect(host.route(requestOf(id, { blocks: [0, 1, 2, 3, 1000 + id] }), 0)).toBe(home!);
    host.ended(id, 0);
  }
});

test("no worker gets more than its bounded share of one popular prefix", () => {
  const host = hostOf({ loadFactor: 1.25 }, 8);
  for (let id = 0; id < 20; id += 1) host.route(requestOf(id, { blocks: blocksFrom(0, 4) }), 0);
  // ceil(1.25 · 20 / 8) = 4.
  expect(Math.max(...host.view.requests)).toBe(4);
});

test("prefixes spread over the workers about evenly", () => {
  const counts = new Array<number>(8).fill(0);
  for (const home of homes(hostOf({}, 8), 4000)) counts[home]! += 1;
  // 500 each; shares of a ring with 160 points differ by about 8 %, draws by 4 %.
  for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(150);
});

test("a worker that dies moves only its own prefixes, and gets them back", () => {
  const host = hostOf({}, 8);
  const before = homes(host, 500);
  host.setAlive(3, false, 0);
  const without = homes(host, 500);
  expect(without.includes(3)).toBe(false);
  for (let i = 0; i < 500; i += 1) if (before[i] !== 3) expect(without[i]).toBe(before[i]);
  host.setAlive(3, true, 0);
  expect(homes(host, 500)).toEqual(before);
});
