/**
 * Which arm is faster and how surely: ratios of mean TTFT with their intervals,
 * one grid for each arm that others are compared with. Pure.
 */
import type { Comparison } from "dynbench/report";
import { plain } from "./text.ts";
import { compareSettings, settingOf, sweptKeys } from "./result-rows.ts";

/** Settings downwards and arms across; arms downwards where there is but one setting. */
export interface Grid {
  /** What is compared with what, and on which ground. */
  title: string;
  corner: string;
  head: readonly string[];
  names: readonly string[];
  rows: readonly (readonly (Comparison | undefined)[])[];
}

/** One for each reference; none without comparisons of mean TTFT. */
export function comparisonGrids(comparisons: readonly Comparison[]): Grid[] {
  const ttft = comparisons.filter(({ metric }) => metric === "ttftMs.mean");
  return [...Map.groupBy(ttft, ({ a }) => a)].map(([a, against]) => ({
    title: plain(`Mean TTFT against ${a}, below 1 is faster (${basis(against)})${doubt(against)}:`),
    ...gridOf(against),
  }));
}

function basis(all: readonly Comparison[]): string {
  const { confidence } = all[0]!;
  const counts = [
    ...new Set(
      all.map(({ n, unitOfN }) =>
        unitOfN === "repeats"
          ? `t over ${n} repeats`
          : `bootstrap over ${n} requests, this run only`,
      ),
    ),
  ];
  return `${Math.round(confidence * 100)} % interval, ${counts.join(" or ")}`;
}

function doubt(all: readonly Comparison[]): string {
  return all.every(isSure) ? "" : ", ? where that includes 1";
}

function gridOf(all: readonly Comparison[]): Omit<Grid, "title"> {
  const keys = sweptKeys(all.map(({ parameters }) => parameters));
  const sorted = all.toSorted((x, y) => compareSettings(x.parameters, y.parameters, keys));
  const settings = [...new Set(sorted.map(({ parameters }) => settingOf(parameters, keys)))];
  const arms = [...new Set(all.map(({ b }) => b))];
  const find = (setting: string, arm: string): Comparison | undefined =>
    sorted.find(({ parameters, b }) => b === arm && settingOf(parameters, keys) === setting);
  if (keys.length === 0) {
    const rows = arms.map((arm) => [find(settings[0]!, arm)]);
    return { corner: "", head: [""], names: arms, rows };
  }
  const rows = settings.map((setting) => arms.map((arm) => find(setting, arm)));
  return { corner: keys.join(" "), head: arms, names: settings, rows };
}

/** `0.61 (0.55–0.67)`; an interval with 1 in it is marked, for the difference may be none. */
export function ratioText(comparison: Comparison | undefined): string {
  if (comparison === undefined) return "–";
  const { value, low, high } = comparison.ratio;
  const unsure = isSure(comparison) ? "" : " ?";
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})${unsure}`;
}

export function isSure({ ratio }: Comparison): boolean {
  return ratio.high < 1 || ratio.low > 1;
}
