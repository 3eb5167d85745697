/** Loads and clusters that are not as planned, on which a setting must not fall behind. Pure. */
import type { Plan, PlannedCell } from "../contract/plan.ts";
import { NO_DELAYS } from "../plan/sim-options.ts";

export interface Scenario {
  readonly name: string;
  /** What it changes. */
  of(cell: PlannedCell): { readonly cell: PlannedCell; readonly sim?: NonNullable<Plan["sim"]> };
}

const MORE = 1.2;
const LESS = 0.8;
/** A busy event plane; on an idle one events take some milliseconds. */
const LATE_EVENTS_MS = 250;

export function scenarios({ plan }: { plan: Pick<Plan, "sim"> }): Scenario[] {
  const sim = plan.sim ?? NO_DELAYS;
  return [
    { name: "20 % less load", of: (cell) => ({ cell: loaded(cell, LESS) }) },
    { name: "20 % more load", of: (cell) => ({ cell: loaded(cell, MORE) }) },
    {
      name: `events ${LATE_EVENTS_MS} ms late`,
      of: (cell) => ({ cell, sim: { ...sim, eventDelayMs: sim.eventDelayMs + LATE_EVENTS_MS } }),
    },
    {
      name: "one worker gone",
      of: (cell) => ({ cell, sim: { ...sim, downs: [...sim.downs, { worker: 0, fromS: 0 }] } }),
    },
  ];
}

/** An open loop sends at another rate, a closed one keeps another number in flight. */
function loaded(cell: PlannedCell, factor: number): PlannedCell {
  const { load, workload } = cell;
  if (load.rateRps !== undefined) {
    return { ...cell, load: { ...load, rateRps: load.rateRps * factor } };
  }
  if (load.arrival === "trace") {
    const speedup = ((workload.options["arrivalSpeedup"] as number | undefined) ?? 1) * factor;
    const options = { ...workload.options, arrivalSpeedup: speedup };
    return { ...cell, workload: { ...workload, options } };
  }
  const concurrency = Math.max(1, Math.round((load.concurrency ?? 1) * factor));
  return { ...cell, load: { ...load, concurrency } };
}
