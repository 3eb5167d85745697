/** The options of `dynbench tune` beside those of a run. */
import * as v from "valibot";
import { PRIMARY_METRICS, type PrimaryMetric } from "../contract/plan.ts";
import type { Fault } from "../base/errors.ts";
import { typedMetric } from "../plan/run-options.ts";
import type { Budget } from "./tune.ts";

export const TuneOptions = v.strictObject({
  objective: v.optional(
    v.pipe(
      v.picklist(PRIMARY_METRICS.map(typedMetric)),
      v.description("The metric to improve, as in --primary"),
    ),
    "ttft.mean",
  ),
  subjectTo: v.optional(
    v.pipe(
      v.string(),
      v.description("Limits that a setting must keep: tpot.p99<50, or several with commas"),
    ),
  ),
  budget: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "How long to tune: 60s, 5m, or 800cells, which gives the same result on every machine",
      ),
    ),
    "60s",
  ),
  over: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description(
        "Vary this option as well: engine.maxNumBatchedTokens=2048..16384, queue-policy=fcfs,wspt",
      ),
    ),
    [],
  ),
});

export type TuneOptions = v.InferOutput<typeof TuneOptions>;

const BUDGET = /^(\d+(?:\.\d+)?)(s|m|h|cells?)$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

export function parseBudget(text: string, faults: Fault[]): Budget {
  const [, amount, unit] = BUDGET.exec(text) ?? [];
  if (unit !== undefined && Number(amount) > 0) {
    if (unit.startsWith("cell")) return { cells: Math.floor(Number(amount)) };
    return { seconds: Number(amount) * SECONDS[unit]! };
  }
  faults.push({
    path: "tune.budget",
    message: `expected a time or a number of cells, got "${text}"`,
    hint: "--budget 60s, --budget 5m or --budget 800cells",
  });
  return { cells: 0 };
}

export function metricTyped(typed: string): PrimaryMetric {
  return PRIMARY_METRICS.find((name) => typedMetric(name) === typed)!;
}
