/**
 * How many repeats a difference would need before the run may claim it: some repeats are simulated,
 * and the intervals they would give with more of them are computed. Differences between requests are
 * simulated, disturbances of a real machine are not: live runs need as many or more.
 */
import { breather, simulateCell } from "./simulated-cell.ts";
import { log } from "../base/portable-math.ts";
import { deriveSeed } from "../base/random.ts";
import type { Engine } from "../contract/engine.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { CellResult } from "../contract/result.ts";
import type { Router } from "../contract/router.ts";
import { noiseOf, type Noise } from "../metrics/compare/noise.ts";
import { pointKey } from "../metrics/point.ts";
import { REPEATS_FOR_CLAIMS } from "../statistics/mean-interval.ts";

/** Enough to see how repeats differ. */
const REPEATS = 4;
/** Longest time for all of them. */
const BUDGET_S = 3;
const DIFFERENCES = [0.01, 0.03, 0.1, 0.3];
/** More repeats are not worth naming. */
const MOST = 1000;

export interface RepeatsNeeded {
  /** Of the noisiest primary comparison, by the difference to be claimed; left out above a thousand. */
  readonly repeats: readonly { readonly difference: number; readonly repeats?: number }[];
}

/** Undefined where nothing is compared, the plan cannot be simulated, or it takes too long. */
export async function repeatsNeeded(
  plan: Plan,
  plugins: Plugins,
): Promise<RepeatsNeeded | undefined> {
  if (plan.arms.length < 2 || !(await canSimulate(plan, plugins))) return undefined;
  const signal = AbortSignal.timeout(BUDGET_S * 1000);
  const deps = { plugins, signal, breathe: breather() };
  const results: CellResult[] = [];
  for (const cell of simulatedCells(plan)) {
    try {
      await deps.breathe(); // small cells leave the timer no turn
      const { result, fault } = await simulateCell({ ...plan, pooledBounds: false }, cell, deps);
      if (signal.aborted || fault !== undefined) return undefined;
      results.push(result);
    } catch {
      return undefined; // the run itself, or the estimate of its duration, will report why
    }
  }
  const noise = noiseOf(results, plan);
  return noise === undefined
    ? undefined
    : { repeats: DIFFERENCES.map((one) => neededFor(one, noise)) };
}

async function canSimulate({ arms }: Plan, plugins: Plugins): Promise<boolean> {
  for (const { engine, router } of arms) {
    const able =
      ((await plugins.load(engine)) as Engine).model &&
      ((await plugins.load(router)) as Router).policy;
    if (!able) return false;
  }
  return true;
}

/** The plan's first repeats; where it has fewer, the last one with other seeds. */
function simulatedCells({ cells, arms }: Plan): Plan["cells"] {
  const isShown = cells.filter(({ arm }) => arms[arm]!.twinOf === undefined);
  const first = isShown.filter(({ repeat }) => repeat === 0);
  const keyOf = (cell: PlannedCell, repeat: number): string =>
    `${repeat} ${cell.arm} ${pointKey(cell.parameters)}`;
  const known = new Map(isShown.map((cell) => [keyOf(cell, cell.repeat), cell]));
  return Array.from({ length: REPEATS }, (_, repeat) =>
    first.map((cell) => {
      const planned = known.get(keyOf(cell, repeat));
      return (
        planned ?? {
          ...cell,
          repeat,
          id: `${cell.id}+${repeat}`,
          seed: deriveSeed(cell.seed, "needed", repeat),
        }
      );
    }),
  ).flat();
}

function neededFor(difference: number, noise: Noise): RepeatsNeeded["repeats"][number] {
  const wanted = log(1 + difference);
  for (let repeats = REPEATS_FOR_CLAIMS; repeats <= MOST; repeats += 1) {
    if (noise.halfWidth(repeats) < wanted) return { difference, repeats };
  }
  return { difference };
}
