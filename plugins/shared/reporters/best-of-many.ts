/**
 * What a terminal shows of many arms: the best ones and the reference. `results.md` and the report have
 * them all. Pure.
 */
import { MANY_ARMS, metricWords, rankArms, referenceArm, type RunResult } from "dynbench/report";
import { plain } from "./text.ts";

/** Of the best. */
const SHOWN = 10;

export interface BestOfMany {
  readonly run: RunResult;
  /** Indices of the shown arms, best first; undefined where all are shown, in the order of the plan. */
  readonly order?: readonly number[];
  /** Which arms these are; empty where all are shown. */
  readonly note: string;
}

export function bestOfMany(run: RunResult): BestOfMany {
  const { arms, primary } = run.plan;
  if (run.sideBySide !== undefined || arms.length < MANY_ARMS) return { run, note: "" };
  const places = new Map(arms.map(({ label }, arm) => [label, arm]));
  const labels = arms.map(({ label }) => label);
  const ranked = rankArms(run.summary.cells, labels, primary).map((label) => places.get(label)!);
  const reference = referenceArm([...arms.keys()], arms);
  const order = [...new Set([...ranked.slice(0, SHOWN), reference])];
  const shown = new Set(order);
  const names = new Set(order.map((arm) => labels[arm]!));
  const isShown = (label: string): boolean => names.has(label);
  const { comparisons } = run.summary;
  return {
    run: {
      ...run,
      cells: run.cells.filter(({ cell }) => shown.has(cell.arm)),
      summary: {
        ...run.summary,
        comparisons: comparisons.filter(({ a, b }) => isShown(a) && isShown(b)),
      },
    },
    order,
    note: plain(
      `The best ${Math.min(SHOWN, ranked.length)} of ${arms.length} arms by ${metricWords(primary)}, and ${labels[reference]!}; results.md has them all.`,
    ),
  };
}
