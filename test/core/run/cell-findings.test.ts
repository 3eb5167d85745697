/** Findings from records about a set-up that differs from its label. */
import { describe, expect, test } from "bun:test";
import { watchLive, watchSimulated } from "../../../core/run/cell-findings.ts";
import type { RequestRecord } from "../../../core/contract/record.ts";

const record = (more: Partial<RequestRecord>): RequestRecord => ({
  ...{ cell: "c", index: 0, phase: "measured", state: "ok", intendedNs: 0, endNs: 1e9 },
  ...{ isl: 10, oslRequested: 2, osl: 2, headersNs: 0, firstTokenNs: 5e6 },
  ...more,
});
const split = [
  { id: "prefill-0", role: "prefill" },
  { id: "decode-0", role: "decode" },
] as const;
const whole = [{ id: "worker-0", role: "aggregated" }] as const;

type Place = Parameters<typeof watchLive>[0];
const cellFindings = (records: readonly RequestRecord[], place: Place) => {
  const watch = watchLive(place);
  for (const each of records) watch.add(each);
  return watch.findings();
};

describe("roles", () => {
  const ids = (records: RequestRecord[], workers: Place["workers"]) =>
    cellFindings(records, { workers, connection: "keep-alive" }).map(({ id }) => id);

  test("both are found", () => {
    expect(ids([record({ worker: "decode-0", prefillWorker: "prefill-0" })], split)).toEqual([]);
    expect(ids([record({ worker: "worker-0" })], whole)).toEqual([]);
  });

  test("one that no answer names is reported, whatever failed requests name", () => {
    const failed = record({ state: "failed", worker: "decode-0", prefillWorker: "prefill-0" });
    const [finding] = cellFindings([record({ worker: "decode-0" }), failed], {
      ...{ workers: split, connection: "per-request" },
    });
    expect(finding).toMatchObject({ id: "role-unseen", severity: "untrusted" });
    expect(finding!.message).toStartWith("No answer names a prefill worker");
  });
});

test("only a router that gets the groups is labelled so", () => {
  const place = { workers: whole, connection: "keep-alive" } as const;
  expect(cellFindings([record({})], place)).toEqual([]);
  expect(cellFindings([record({})], { ...place, keyHeader: "x-session-id" })).toMatchObject([
    { id: "told-group", severity: "note", message: expect.stringContaining("x-session-id") },
  ]);
});

describe("a delayed acknowledgement", () => {
  const idsOf = (records: RequestRecord[], connection: "keep-alive" | "per-request") =>
    cellFindings(records, { workers: whole, connection }).map(({ id }) => id);
  const quick = record({ firstTokenNs: 5e6, lastTokenNs: 15e6, gapsNs: [5e6, 5e6], endNs: 15e6 });
  /** The first token after its headers, the second after the first, the end after the last. */
  const held = [
    { ...quick, firstTokenNs: 43e6, lastTokenNs: 53e6, endNs: 53e6 },
    { ...quick, gapsNs: [43e6, 0], lastTokenNs: 48e6, endNs: 48e6 },
    { ...quick, endNs: 58e6 },
  ];

  test("is recognised wherever it delays an answer", () => {
    for (const each of held) expect(idsOf([each, quick], "keep-alive")).toEqual(["ack-stall"]);
    expect(idsOf(held, "keep-alive")).toEqual(["ack-stall"]);
  });

  test("is not reported where few answers have such a wait, or connections are new", () => {
    expect(idsOf([held[0]!, quick, quick], "keep-alive")).toEqual([]);
    expect(idsOf(held, "per-request")).toEqual([]);
    expect(idsOf([], "keep-alive")).toEqual([]);
  });

  test("is not the pace of a slow engine", () => {
    const slow = { ...quick, gapsNs: [42e6, 43e6, 42e6], lastTokenNs: 132e6, endNs: 132e6 };
    expect(idsOf([slow], "keep-alive")).toEqual([]);
  });

  test("has its bounds", () => {
    const at = (ms: number) => idsOf([{ ...quick, gapsNs: [ms * 1e6] }], "keep-alive").length;
    expect([39.4, 39.5, 47, 47.1].map(at)).toEqual([0, 1, 1, 0]);
  });
});

test("answers that broke off in a simulation are counted, but for warm-up and those without a gap", () => {
  const watch = watchSimulated();
  expect(watch.findings()).toEqual([]);
  for (const change of [
    {},
    { state: "failed" },
    { state: "aborted", osl: 5 },
    { state: "failed", phase: "warmup" },
    { state: "failed", osl: 1 },
  ] as const) {
    watch.add(record(change));
  }
  expect(watch.findings()).toMatchObject([
    { id: "broken-answers", message: expect.stringContaining("2 answers that broke off") },
  ]);
});
