/**
 * Many arms as a ranking: a row for each arm and setting with its pooled figures, and what tells the
 * arms apart as dimensions, for the columns of a table and the axes of charts. Pure.
 */
import { given } from "../../core/base/given.ts";
import type { CellResult, CellSummary, Comparison, RunResult } from "../../core/contract/result.ts";
import { claimFor, type ArmClaim } from "../../core/metrics/compare/claim.ts";
import { COMPARABLE } from "../../core/metrics/compare/compared.ts";
import { metricOf, metricWords } from "../../core/metrics/definitions.ts";
import { pointKey } from "../../core/metrics/point.ts";
import { referenceArm } from "../../core/metrics/reference-arm.ts";
import { rankArms } from "../../core/metrics/summary/headline.ts";
import {
  axisLabel,
  type Parameters,
  type ParameterValue,
  type Sweep,
} from "../../core/metrics/summary/sweep.ts";
import { MANY_ARMS, variedOptions } from "../../core/metrics/summary/varied-options.ts";
import { mean, meanOf } from "./measures.ts";
import { roundTo5 } from "./thin.ts";

/** Of these the other sections show the details, and of the reference. */
const SHOWN_BEST = 5;

export interface Ranking {
  /** All labels, in the order of the plan. */
  arms: string[];
  /** The first dimensions are options of the arms, in `values` of each arm; the others are swept. */
  dimensions: Dimension[];
  values: (ParameterValue | null)[][];
  /** The swept parameters of each setting. */
  points: Parameters[];
  primary: { metric: string; words: string; unit: string; lowerIsBetter: boolean };
  /** By setting, best first. */
  rows: RankedRow[];
  reference: number;
}

export interface Dimension {
  label: string;
  /** Of the swept parameter; undefined for an option of the arms. */
  parameter?: string;
  /** Sorted where all are numbers, else in the order of the plan. */
  values: ParameterValue[];
  numeric: boolean;
}

/** Means over the repeats; left out where they are unknown. */
export interface RankedRow {
  arm: number;
  point: number;
  /** From 1; the same figure has the same rank. */
  rank: number;
  /** The primary metric of each repeat. */
  primary: number[];
  outputTps: number[];
  ttftMs?: number;
  ttftP99Ms?: number;
  itlMs?: number;
  e2eMs?: number;
  hitShare?: number;
  failed: number;
  /** No arm is better for sure. */
  mayBeBest?: true;
  /** Against the reference, by the primary metric. */
  against?: { ratio: number; low: number; high: number; claim: ArmClaim };
}

/** Undefined for fewer arms, and for several runs, which are shown side by side. */
export function rankingOf(run: RunResult, sweep: Sweep): Ranking | undefined {
  const { arms, primary } = run.plan;
  if (run.sideBySide !== undefined || arms.length < MANY_ARMS) return undefined;
  const { key, read } = COMPARABLE.find(({ name }) => name === primary)!;
  const { unit, better } = metricOf(key);
  const lowerIsBetter = better !== "higher";
  const varied = variedOptions(arms);
  const swept = sweptDimensions(sweep);
  return {
    arms: arms.map(({ label }) => label),
    dimensions: [...varied.map(({ label, values }) => dimensionOf(label, values)), ...swept],
    values: arms.map((_, arm) => varied.map(({ values }) => values[arm]!)),
    points: sweep.points.map(({ parameters }) => parameters),
    primary: { metric: primary, words: metricWords(primary), unit, lowerIsBetter },
    rows: rowsOf(run, sweep, { read, lowerIsBetter }),
    reference: referenceArm([...arms.keys()], arms),
  };
}

/** The arms that sections with a line or a bar for each show: the best ones over all settings, and the reference. */
export function shownArms({ plan, summary }: RunResult, { arms, reference }: Ranking): number[] {
  const best = rankArms(summary.cells, arms, plan.primary).slice(0, SHOWN_BEST);
  const places = new Map(arms.map((label, arm) => [label, arm]));
  const shown = new Set(best.map((label) => places.get(label)!)).add(reference);
  return [...shown].sort((x, y) => x - y);
}

function sweptDimensions({ points }: Sweep): Dimension[] {
  const keys = [...new Set(points.flatMap(({ parameters }) => Object.keys(parameters)))];
  return keys
    .map((key) => ({
      ...dimensionOf(
        axisLabel(key),
        points.map(({ parameters }) => parameters[key] ?? null),
      ),
      parameter: key,
    }))
    .filter(({ values }) => values.length > 1);
}

function dimensionOf(label: string, all: readonly (ParameterValue | null)[]): Dimension {
  const values = [...new Set(all)].filter((value) => value !== null);
  const numeric = values.every((value) => typeof value === "number");
  return { label, values: numeric ? values.toSorted((a, b) => a - b) : values, numeric };
}

interface RankedBy {
  read: (cell: CellSummary) => number | undefined;
  lowerIsBetter: boolean;
}

function rowsOf(run: RunResult, sweep: Sweep, by: RankedBy): RankedRow[] {
  const places = new Map(sweep.points.map(({ parameters }, i) => [pointKey(parameters), i]));
  const pointOf = (cell: CellResult): number => places.get(pointKey(cell.cell.parameters))!;
  const against = comparedWithReference(run, places);
  const best = new Set(
    (run.summary.best ?? []).flatMap(({ parameters, arms }) =>
      arms.map((arm) => rowKey(arm, places.get(pointKey(parameters))!)),
    ),
  );
  return [...Map.groupBy(run.cells, pointOf)]
    .toSorted(([x], [y]) => x - y)
    .flatMap(([point, atPoint]) => {
      const rows = [...Map.groupBy(atPoint, ({ cell }) => cell.arm)].map(([arm, cells]) => {
        const key = rowKey(run.plan.arms[arm]!.label, point);
        return {
          ...{ arm, point, rank: 0, ...figuresOf(cells, by.read) },
          ...(best.has(key) ? { mayBeBest: true as const } : {}),
          ...given({ against: against.get(key) }),
        };
      });
      return ranked(rows, by.lowerIsBetter);
    });
}

function rowKey(label: string, point: number): string {
  return `${point} ${label}`;
}

function figuresOf(cells: readonly CellResult[], read: RankedBy["read"]) {
  const all = cells.map(({ summary }) => summary);
  const each = (of: RankedBy["read"]): number[] =>
    all.flatMap((summary) => of(summary) ?? []).map(roundTo5);
  const over = (of: RankedBy["read"]): number | undefined => mean(each(of));
  return {
    primary: each(read),
    outputTps: each(({ metrics }) => metrics.outputTps),
    failed: all.reduce((sum, { requests }) => sum + requests.failed + requests.dropped, 0),
    ...given({
      ttftMs: over((summary) => meanOf(summary, "ttftMs")),
      ttftP99Ms: over(({ metrics }) => metrics.ttftMs?.p99),
      itlMs: over((summary) => meanOf(summary, "itlMs")),
      e2eMs: over((summary) => meanOf(summary, "e2eMs")),
      hitShare: over(({ cache }) => cache.cachedShare),
    }),
  };
}

/** Best first; arms without the figure come last. */
function ranked(rows: RankedRow[], lowerIsBetter: boolean): RankedRow[] {
  const score = ({ primary }: RankedRow): number => {
    const value = mean(primary);
    return value === undefined ? Number.MAX_VALUE : lowerIsBetter ? value : -value;
  };
  const sorted = rows.toSorted((x, y) => score(x) - score(y) || x.arm - y.arm);
  sorted.forEach((row, i) => {
    const before = sorted[i - 1];
    row.rank = before !== undefined && score(before) === score(row) ? before.rank : i + 1;
  });
  return sorted;
}

function comparedWithReference(
  { plan, summary }: RunResult,
  places: ReadonlyMap<string, number>,
): Map<string, RankedRow["against"]> {
  const { label } = plan.arms[referenceArm([...plan.arms.keys()], plan.arms)]!;
  const own = summary.comparisons.filter(({ role, a }) => role === "primary" && a === label);
  return new Map(
    own.map((comparison) => {
      const { b, parameters, ratio, adjusted } = comparison;
      return [
        rowKey(b, places.get(pointKey(parameters))!),
        { ratio: ratio.value, ...endsOf(adjusted), claim: claimFor(comparison, b) },
      ];
    }),
  );
}

function endsOf({ low, high }: Comparison["adjusted"]): { low: number; high: number } {
  return { low, high };
}
