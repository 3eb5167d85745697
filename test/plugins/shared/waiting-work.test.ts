import { expect, test } from "bun:test";
import { WaitingWork } from "../../../plugins/shared/waiting-work.ts";
import { requestOf } from "../../conformance/sample-routing.ts";

test("a request counts from its dispatch to its first token or end, once", () => {
  const work = new WaitingWork();
  const [a, b] = [requestOf(0, { blocks: [] }), requestOf(1, { blocks: [] })];
  work.add(a, 2, 0.1);
  work.add(b, 2, 0.2);
  expect([work.at(0), work.at(9)]).toEqual([0, 0]);
  work.remove(a, 2);
  work.remove(a, 2);
  expect(work.at(2)).toBeCloseTo(0.2);
  work.remove(b, 2);
  expect(work.at(2)).toBe(0);
});

test("prefill and decode of a request wait apart", () => {
  const work = new WaitingWork();
  const prefill = requestOf(0, { blocks: [], stage: "prefill" });
  const decode = requestOf(0, { blocks: [], stage: "decode" });
  work.add(prefill, 0, 5);
  work.add(decode, 1, 7);
  work.remove(decode, 1);
  expect([work.at(0), work.at(1)]).toEqual([5, 0]);
  work.clear();
  expect(work.at(0)).toBe(0);
});
