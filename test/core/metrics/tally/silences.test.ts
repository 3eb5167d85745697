import { describe, expect, test } from "bun:test";
import { Silences } from "../../../../core/metrics/tally/silences.ts";
import { okRecord } from "../example-cells.ts";

/** Answers of ten chunks 20 ms apart, each begun at `firsts`, on a worker. */
function steady(silences: Silences, worker: string, firsts: readonly number[]): void {
  for (const [i, first] of firsts.entries()) {
    silences.add(okRecord(i, { intended: first - 50, first, gaps: Array(9).fill(20) }, { worker }));
  }
}

const every = (stepMs: number, count: number, fromMs = 0): number[] =>
  Array.from({ length: count }, (_, i) => fromMs + i * stepMs);

describe("silences", () => {
  test("are times in which answers were under way and nothing came", () => {
    const silences = new Silences();
    const gaps = [...Array<number>(5).fill(20), 2000, ...Array<number>(5).fill(20)];
    silences.add(okRecord(0, { intended: 0, first: 100, gaps }));
    silences.add(okRecord(1, { intended: 0, first: 110, gaps }));
    // 200 ms and 2,200 ms are stamps, and so are 210 and 2,210: from part 250 to part 2,200.
    expect(silences.all.longest(3)).toEqual([{ fromS: 0.25, lengthMs: 1950, streams: 2 }]);
  });

  test("are none where no answer is under way", () => {
    const silences = new Silences();
    steady(silences, "worker-0", [100, 5000]);
    expect(silences.all.longest(3)).toEqual([]);
  });

  test("of one worker are none of all where another goes on", () => {
    const silences = new Silences();
    steady(silences, "worker-0", every(100, 40));
    silences.add(
      okRecord(90, { intended: 0, first: 100, gaps: [20, 1500, 20] }, { worker: "worker-1" }),
    );
    expect(silences.all.longest(1)).toEqual([]);
    expect(silences.ofWorker.get("worker-0")!.longest(1)).toEqual([]);
    expect(silences.ofWorker.get("worker-1")!.longest(1)).toEqual([
      { fromS: 0.15, lengthMs: 1450, streams: 1 },
    ]);
  });

  test("last to the end of an answer that broke off", () => {
    const silences = new Silences();
    const error = { kind: "timeout", message: "late" } as const;
    const broken = okRecord(0, { intended: 0, first: 100, gaps: [], end: 3000 });
    silences.add({ ...broken, state: "failed", error });
    expect(silences.all.longest(1)).toEqual([{ fromS: 0.15, lengthMs: 2850, streams: 1 }]);
  });
});
