/** One path for records: live, simulated and read back they leave the same. */
import { expect, test } from "bun:test";
import { watchSimulated } from "../../../core/run/cell-findings.ts";
import { CellRecorder, KeptTallies } from "../../../core/run/recorder.ts";
import { plannedRecord, recordLine, type RequestRecord } from "../../../core/contract/record.ts";
import { CellTally } from "../../../core/metrics/tally/cell-tally.ts";

function records(cell: string): RequestRecord[] {
  return Array.from({ length: 100 }, (_, index) => ({
    ...plannedRecord(cell, { index, prompt: [], isl: 10, osl: 3 }, "measured", index * 1e6),
    state: index % 7 === 0 ? ("failed" as const) : ("ok" as const),
    ...(index % 7 === 0 ? { error: { kind: "status" as const, message: `no ${index}` } } : {}),
    ...{
      sentNs: index * 1e6 + 10,
      firstTokenNs: index * 1e6 + 500,
      lastTokenNs: index * 1e6 + 900,
    },
    ...{ endNs: index * 1e6 + 1000, osl: 3, gapsNs: [200, 200], worker: `w${index % 3}` },
  }));
}

function recorder() {
  const lines: string[] = [];
  const decisions: string[] = [];
  const metered: number[] = [];
  const one = new CellRecorder({
    cell: "c",
    lines: {
      appendRecords: (text) => void lines.push(text),
      appendDecisions: (text) => void decisions.push(text),
    },
    meter: { record: ({ index }) => void metered.push(index) },
    watch: watchSimulated(),
  });
  return { one, lines, decisions, metered };
}

test("live and simulated records leave the same lines, tally, progress and findings", () => {
  const live = recorder();
  const simulated = recorder();
  for (const record of records("c")) {
    live.one.live(record, recordLine(record).trimEnd());
    expect(live.lines.at(-1)).toBe(recordLine(record)); // at once
    simulated.one.simulated(record);
  }
  expect(simulated.lines).toEqual([]);
  simulated.one.flush();
  simulated.one.flush();
  expect(simulated.lines).toEqual([live.lines.join("")]);
  expect(simulated.one.tally).toEqual(live.one.tally);
  expect(live.one.tally).toEqual(CellTally.of(records("c")));
  expect(simulated.metered).toEqual(live.metered);
  expect(live.metered.length).toBe(100);
  expect(simulated.one.findings()).toEqual(live.one.findings());
  expect(live.one.findings()).toMatchObject([{ id: "broken-answers" }]);
});

test("a simulated decision is written with its cell", () => {
  const { one, decisions } = recorder();
  one.decision({ request: 3 });
  one.flush();
  expect(decisions).toEqual(['{"cell":"c","request":3}\n']);
});

test("records that were read back are tallied by cell, however they are mixed", () => {
  const tallies = new KeptTallies(["a", "b", "empty"]);
  const [a, b, other] = ["a", "b", "other"].map(records);
  for (const [i, record] of a!.entries())
    for (const one of [record, b![i]!, other![i]!]) tallies.add(one);
  expect(tallies.take("a")).toEqual(CellTally.of(a!));
  expect(tallies.take("b")).toEqual(CellTally.of(b!));
  expect(tallies.take("empty").counts.sent).toBe(0);
  expect(tallies.take("other").counts.sent).toBe(0);
});
