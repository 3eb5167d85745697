import { describe, expect, test } from "bun:test";
import { Slots } from "../../../core/workload/slots.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";

const spec = (more: Partial<RequestSpec> = {}): RequestSpec => ({
  index: 0,
  prompt: [],
  isl: 0,
  osl: 1,
  ...more,
});

describe("slots", () => {
  test("are spread over lanes, and the longest free is taken first", () => {
    const slots = new Slots({ slots: 3, lanes: 2, unit: "requests" });
    expect([slots.free(0), slots.free(1)]).toEqual([2, 1]);
    slots.taken(0, spec());
    slots.taken(0, spec());
    slots.ended(0, spec(), 50);
    slots.ended(0, spec(), 70);
    expect([slots.taken(0, spec()), slots.taken(0, spec())]).toEqual([50, 70]);
  });

  test("of sessions are kept until the session's last request has ended", () => {
    const slots = new Slots({ slots: 1, lanes: 1, unit: "sessions" });
    const opening = spec({ session: "a", sessionRequests: 3 });
    const turn = spec({ session: "a", after: { request: 0, thinkMs: 5 } });
    expect(slots.isCarried(opening)).toBe(false);
    expect(slots.isCarried(turn)).toBe(true);
    slots.taken(0, opening);
    slots.ended(0, opening, 10);
    expect(slots.free(0)).toBe(0);
    slots.taken(0, turn);
    slots.taken(0, turn);
    slots.ended(0, turn, 20);
    expect(slots.free(0)).toBe(0);
    slots.ended(0, turn, 30);
    expect(slots.taken(0, spec())).toBe(30);
  });

  test("counted in requests keep no state", () => {
    const slots = new Slots({ slots: 1, lanes: 1, unit: undefined });
    expect(slots.isCarried(spec({ session: "a", after: { request: 0, thinkMs: 0 } }))).toBe(false);
  });

  test("a turn of a session that an earlier phase opened frees nothing", () => {
    const slots = new Slots({ slots: 1, lanes: 1, unit: "sessions" });
    const turn = spec({ session: "old", after: { request: 0, thinkMs: 0 } });
    slots.taken(0, turn);
    slots.ended(0, turn, 10);
    expect(slots.free(0)).toBe(1);
  });
});
