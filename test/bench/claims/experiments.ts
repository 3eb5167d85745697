/** Runs of which the truth is known: equal arms, and two arms whose ratio many repeats have shown. */
import type { CellResult } from "../../../core/contract/result.ts";
import type { Plan, PlannedArm, PlannedCell } from "../../../core/contract/plan.ts";
import { deriveSeed } from "../../../core/base/random.ts";
import { compareArms, type Compared } from "../../../core/metrics/compare/compare.ts";
import { measure, virtualPlan } from "./virtual-cells.ts";

/** Options of a run, as on the command line. */
export type Options = Readonly<Record<string, unknown>>;

/** `count` arms of one router. They differ in nothing but what the router draws at random. */
export function equalArms(options: Options, count: number): Plan {
  const plan = virtualPlan({ ...options, control: "off" });
  const [original] = plan.arms as [PlannedArm];
  const arms = Array.from({ length: count }, (_, i) => ({
    ...original,
    label: `${original.label} ${i + 1}`,
  }));
  const cells = plan.cells.flatMap((cell) =>
    arms.map(({ label }, arm): PlannedCell => ({
      ...cell,
      arm,
      id: `${cell.id} ${label}`,
      routerSeed: deriveSeed(cell.seed, "arm", arm),
    })),
  );
  return { ...plan, arms, cells };
}

/** Two arms as they were typed, without a control. */
export function twoArms(options: Options): Plan {
  return virtualPlan({ ...options, control: "off" });
}

export async function cellsOf(plan: Plan): Promise<{ plan: Plan; cells: CellResult[] }> {
  const cells: CellResult[] = [];
  for (const cell of plan.cells) cells.push(await measure(plan, cell));
  return { plan, cells };
}

export async function runOf(plan: Plan): Promise<{ cells: CellResult[]; compared: Compared }> {
  const { cells } = await cellsOf(plan);
  return { cells, compared: compareArms(cells, plan) };
}

/** The cell with every TTFT `factor` times as long. */
export function slower(cell: CellResult, factor: number): CellResult {
  const { summary, points } = cell;
  const ttftMs = summary.metrics.ttftMs!;
  return {
    ...cell,
    points: { ...points, ttftMs: points.ttftMs.map((ttft) => ttft * factor) },
    summary: {
      ...summary,
      metrics: { ...summary.metrics, ttftMs: { ...ttftMs, mean: ttftMs.mean * factor } },
    },
  };
}
