/** What a summary does with a cell does not grow with the number of cells. */
import { expect, test } from "bun:test";
import type { RunResult } from "../../../../core/contract/result.ts";
import { compareArms } from "../../../../core/metrics/compare/compare.ts";
import { shownIn, writeHeadline } from "../../../../core/metrics/summary/headline.ts";
import { generateRun, GUIDE_SHAPE } from "../../../fixtures/results/generate-run.ts";

interface Length {
  readonly points: number;
  readonly repeats: number;
}

/** How often the work reads what a cell is: its arm, setting and repeat. */
function readsPerCell({ points, repeats }: Length, work: (run: RunResult) => unknown): number {
  const ratios = Array.from({ length: points }, (_, i) => i / points);
  const run = generateRun({ ...GUIDE_SHAPE, ratios, repeats, requests: 20, workers: 1 });
  let reads = 0;
  const count = (of: object, key: string): void => {
    const value: unknown = Reflect.get(of, key);
    const get = (): unknown => {
      reads += 1;
      return value;
    };
    Object.defineProperty(of, key, { enumerable: true, get });
  };
  for (const { cell, summary } of run.cells) {
    count(cell, "repeat");
    count(summary, "parameters");
    count(summary, "arm");
  }
  work(run);
  return reads / run.cells.length;
}

const compare = ({ cells, plan }: RunResult) => compareArms(cells, plan);
const headline = ({ summary, plan }: RunResult) => writeHeadline(summary, shownIn(plan));

for (const [name, work, few, many] of [
  ["comparisons", compare, { points: 1, repeats: 10 }, { points: 1, repeats: 40 }],
  ["comparisons", compare, { points: 10, repeats: 1 }, { points: 40, repeats: 1 }],
  ["the headline", headline, { points: 10, repeats: 1 }, { points: 40, repeats: 1 }],
] as const) {
  test(`${name} read each of four times the cells as often: ${JSON.stringify(many)}`, () => {
    const before = readsPerCell(few, work);
    expect(before).toBeGreaterThan(0);
    expect(readsPerCell(many, work)).toBeLessThanOrEqual(1.2 * before);
  });
}
