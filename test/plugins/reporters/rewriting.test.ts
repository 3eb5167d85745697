/** Versions of a file before the last one take a bounded share of a run's time. */
import { expect, test } from "bun:test";
import { rewriting } from "../../../plugins/shared/reporters/rewriting.ts";

/** Cells of 10 ms, and a file whose writing takes a tenth of a millisecond a cell so far. */
async function sweep(cells: number) {
  let nowMs = 0;
  const mayWrite = rewriting(() => nowMs);
  const state = { writes: 0, writingMs: 0, cellsMs: cells * 10, lastWritten: 0 };
  for (let cell = 1; cell <= cells; cell += 1) {
    nowMs += 10;
    await mayWrite(async () => {
      nowMs += cell / 10;
      state.writes += 1;
      state.writingMs += cell / 10;
      state.lastWritten = cell;
    });
  }
  return state;
}

test("a short run has its file after every cell", async () => {
  expect(await sweep(100)).toMatchObject({ writes: 100, lastWritten: 100 });
});

test("in a long one all versions together take a second and a fiftieth of its time", async () => {
  for (const cells of [1000, 10_000, 100_000]) {
    const { writingMs, cellsMs } = await sweep(cells);
    expect(writingMs).toBeLessThan(1000 + cellsMs / 40 + cells / 10);
  }
});

test("a write that fails counts as well, and its fault is passed on", async () => {
  let nowMs = 0;
  const mayWrite = rewriting(() => nowMs);
  const failing = mayWrite(async () => {
    nowMs += 2000;
    throw new Error("full");
  });
  expect(failing).rejects.toThrow("full");
  await failing.catch(() => {});
  expect(await mayWrite(async () => {})).toBe(false);
  nowMs += 60_000;
  expect(await mayWrite(async () => {})).toBe(true);
});
