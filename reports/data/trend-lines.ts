/**
 * Lines over a swept parameter, or over an option in which many arms differ. Arms that are alike in
 * all else make a line. A few lines are named by what differs between them; of more, that of the best
 * arm is named and the others are pale. Arms without such an option are levels. Pure.
 */
import type { Axis, ParameterValue } from "../../core/metrics/summary/sweep.ts";
import { mean } from "./measures.ts";
import type { RankedRow, Ranking } from "./ranking.ts";

export interface TrendLine {
  label: string;
  /** Colour and marker; undefined: a bound, drawn dashed and grey. */
  arm: number | undefined;
  /** Per value of the axis, the figure of each repeat; empty where there is none. */
  repeats: number[][];
}

/** A line without a name: for each of its points the index of a value of the axis, and the figure. */
export type PaleLine = readonly { readonly x: number; readonly y: number }[];

/** Numbers with a larger spread are drawn on a logarithmic axis. */
const X_LOG_SPREAD = 16;

/**
 * Numbers at their values, those that span decades at their logarithms, with a zero one step before
 * the smallest. What is no number, or below zero, at equal distances in their order.
 */
export function positions({ values, numeric }: Pick<Axis, "values" | "numeric">): number[] {
  const numbers = values.map(Number);
  if (!numeric) return numbers.map((_, i) => i);
  const logs = numbers.filter((value) => value > 0).map(Math.log10);
  const [first, last] = [Math.min(...logs), Math.max(...logs)];
  if (!(last - first > Math.log10(X_LOG_SPREAD))) return numbers;
  if (numbers.some((value) => value < 0)) return numbers.map((_, i) => i);
  const step = (last - first) / (logs.length - 1);
  return numbers.map((value) => (value === 0 ? first - step : Math.log10(value)));
}

/** More lines cannot be told apart by colour. */
const NAMED_LINES = 8;
/** More levels would cover the lines. */
const LEVELS = 2;

export interface OptionLines {
  lines: TrendLine[];
  behind: PaleLine[];
  /** What a line is. */
  what: string;
}

interface Line {
  /** A value for each dimension, null for that of the axis. */
  place: (ParameterValue | null)[];
  points: { x: number; values: readonly number[]; mean: number; arm: number }[];
}

export function optionLines(
  ranking: Ranking,
  of: {
    readonly over: number;
    readonly point: number;
    readonly lower: boolean;
    pick(row: RankedRow): readonly number[];
  },
): OptionLines {
  const { dimensions } = ranking;
  const { parameter, values } = dimensions[of.over]!;
  const shown = ranking.rows.filter((row) => parameter !== undefined || row.point === of.point);
  const lines = new Map<string, Line>();
  const levels: TrendLine[] = [];
  for (const row of shown) {
    const known = of.pick(row);
    if (known.length === 0) continue;
    const place = placeOf(ranking, row);
    const x = values.indexOf(place[of.over] as ParameterValue);
    if (x === -1) {
      if (levels.length < LEVELS)
        levels.push(levelOf(ranking.arms[row.arm]!, known, values.length));
      continue;
    }
    place[of.over] = null;
    const key = JSON.stringify(place);
    const line = lines.get(key) ?? { place, points: [] };
    lines.set(key, line);
    line.points.push({ x, values: known, mean: mean(known)!, arm: row.arm });
  }
  const all = inOrder([...lines.values()], ranking);
  for (const { points } of all) points.sort((a, b) => a.x - b.x);
  const named = namedLines(all, of.lower);
  const labels = labelsOf(named, all, ranking);
  const isAll = named.length === all.length;
  return {
    lines: [
      ...named.map(({ points }, i) => ({
        label: labels[i]!,
        arm: i,
        repeats: values.map((_, x) =>
          points.flatMap((point) => (point.x === x ? point.values : [])),
        ),
      })),
      ...levels,
    ],
    behind: all
      .filter((line) => !named.includes(line))
      .map(({ points }) => points.map(({ x, mean: y }) => ({ x, y }))),
    what: isAll
      ? "arms of a line are alike in all else"
      : `each of ${all.length} lines: arms that are alike in all else; in colour, the line of the best arm`,
  };
}

/** In the order of their values, so that a line keeps its colour whatever its rank. */
function inOrder(lines: readonly Line[], { dimensions }: Ranking): Line[] {
  const places = dimensions.map(({ values }) => new Map(values.map((value, i) => [value, i])));
  const at = (line: Line, i: number): number => places[i]!.get(line.place[i]!) ?? -1;
  return lines.toSorted((a, b) => {
    const differing = places.findIndex((_, i) => at(a, i) !== at(b, i));
    return differing === -1 ? 0 : at(a, differing) - at(b, differing);
  });
}

/** Values of an arm's options and of the setting, in the order of the dimensions. */
function placeOf({ dimensions, values, points }: Ranking, row: RankedRow): Line["place"] {
  return dimensions.map(({ parameter }, i) =>
    parameter === undefined ? values[row.arm]![i]! : (points[row.point]![parameter] ?? null),
  );
}

function levelOf(label: string, known: readonly number[], length: number): TrendLine {
  return { label, arm: undefined, repeats: Array.from({ length }, () => [...known]) };
}

/** All lines where these are few and lines at all; else the one with the best point. */
function namedLines(all: readonly Line[], lower: boolean): Line[] {
  const isLine = all.some(({ points }) => points.length > 1);
  if (all.length <= NAMED_LINES && isLine) return [...all];
  const bestOf = ({ points }: Line): number => {
    const means = points.map((point) => point.mean);
    return lower ? Math.min(...means) : -Math.max(...means);
  };
  return all.toSorted((a, b) => bestOf(a) - bestOf(b)).slice(0, 1);
}

/** By the dimensions in which the lines differ. */
function labelsOf(named: readonly Line[], all: readonly Line[], { dimensions }: Ranking): string[] {
  const differing = [...dimensions.keys()].filter(
    (i) => new Set(all.map(({ place }) => place[i])).size > 1,
  );
  return named.map(({ place }) => {
    const parts = differing.flatMap((i) => {
      const value = place[i];
      if (value === null || value === undefined) return [];
      const { label } = dimensions[i]!;
      return [typeof value === "string" ? value : `${label.toLowerCase()} ${value}`];
    });
    if (parts.length > 0) return parts.join(", ");
    const router = place.find((value) => typeof value === "string");
    return typeof router === "string" ? router : "all arms";
  });
}
