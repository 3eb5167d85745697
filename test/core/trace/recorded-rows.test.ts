import { expect, test } from "bun:test";
import { plannedRecord } from "../../../core/contract/record.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";
import { recordedRows } from "../../../core/trace/recorded-rows.ts";

const request = (index: number, own: number): RequestSpec => ({
  index,
  prompt: [
    { content: 0, tokens: 10 },
    { content: own, tokens: 4 },
  ],
  isl: 14,
  osl: 5,
});

test("answered requests become rows, in the order of sending, with their sharing", () => {
  const requests = [request(0, 1), request(1, 2), request(2, 1), request(3, 3)];
  const records = requests.map((spec) => ({
    ...plannedRecord("cell", spec, "measured", 1000),
    state: "ok" as const,
    osl: 5,
    startNs: 9e6 - spec.index * 1e6,
  }));
  const lost = { ...records[3]!, state: "failed" as const };
  const rows = recordedRows(
    new Map(requests.map((spec) => [spec.index, spec])),
    [...records.slice(0, 3), lost],
    8,
  );
  // Sent: 2, 1, 0. Blocks of 8: the first is shared by all; the second, partial one by 2 and 0.
  expect(rows.map(({ atMs }) => atMs)).toEqual([0, 1, 2]);
  expect(rows.map(({ blocks }) => blocks)).toEqual([
    [0, 1],
    [0, 2],
    [0, 1],
  ]);
  expect(rows[0]).toMatchObject({ isl: 14, osl: 5 });
});
