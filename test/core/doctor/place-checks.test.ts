/** What the doctor makes of the addresses of this machine. */
import { expect, test } from "bun:test";
import { loopbackChecks } from "../../../core/doctor/place-checks.ts";

const states = (ipv4?: string, ipv6?: string) =>
  loopbackChecks(ipv4, ipv6).map(({ state }) => state);

test("loopback is in the way of every run where neither version connects", () => {
  const down = "the network is unreachable";
  expect(states()).toEqual(["ok", "ok"]);
  expect(states(undefined, down)).toEqual(["ok", "note"]);
  expect(states(down)).toEqual(["warning", "ok"]);
  expect(states(down, down)).toEqual(["fault", "note"]);
  expect(loopbackChecks(down, down)[0]).toMatchObject({
    found: down,
    next: expect.stringContaining("ip link set lo up"),
  });
});
