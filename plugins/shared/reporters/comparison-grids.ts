/**
 * Which arm is better by the primary metric and how surely: ratios with their adjusted intervals, one
 * grid for each arm that others are compared with. Pure.
 */
import { MANY_ARMS, metricWords, type Comparison } from "dynbench/report";
import { plain } from "./text.ts";
import { compareSettings, settingOf, sweptKeys } from "./result-rows.ts";

/** Settings downwards and arms across; arms downwards where there is but one setting, or many arms. */
export interface Grid {
  /** What is compared with what, and on which ground. */
  title: string;
  corner: string;
  head: readonly string[];
  names: readonly string[];
  rows: readonly (readonly (Comparison | undefined)[])[];
}

/** One for each reference; none without comparisons of the primary metric. */
export function comparisonGrids(comparisons: readonly Comparison[]): Grid[] {
  const primary = comparisons.filter(({ role }) => role === "primary");
  return [...Map.groupBy(primary, ({ a }) => a)].map(([a, against]) => ({
    title: plain(`${capital(metricWords(against[0]!.metric))} against ${a}, ${basis(against)}:`),
    ...gridOf(against),
  }));
}

function capital(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function basis(all: readonly Comparison[]): string {
  const { confidence, adjusted } = all[0]!;
  const [percent, repeats] = [`${Math.round(confidence * 100)} %`, repeatsOf(all)];
  if (all.every(({ unitOfN }) => unitOfN === "requests")) {
    return `${percent} interval within this run; one repeat decides nothing`;
  }
  const together = adjusted.over === 1 ? "" : ` of ${adjusted.over} comparisons together`;
  return `${percent} interval${together}, ${repeats}; * is a claim`;
}

function repeatsOf(all: readonly Comparison[]): string {
  const counts = [...new Set(all.filter(({ unitOfN }) => unitOfN === "repeats").map(({ n }) => n))];
  return `${counts.join(" or ")} repeats`;
}

function gridOf(all: readonly Comparison[]): Omit<Grid, "title"> {
  const keys = sweptKeys(all.map(({ parameters }) => parameters));
  const sorted = all.toSorted((x, y) => compareSettings(x.parameters, y.parameters, keys));
  const settings = [...new Set(sorted.map(({ parameters }) => settingOf(parameters, keys)))];
  const arms = [...new Set(all.map(({ b }) => b))];
  const key = (setting: string, arm: string): string => JSON.stringify([setting, arm]);
  const places = new Map(
    sorted.map((one) => [key(settingOf(one.parameters, keys), one.b), one] as const),
  );
  const find = (setting: string, arm: string): Comparison | undefined =>
    places.get(key(setting, arm));
  if (keys.length === 0 || arms.length >= MANY_ARMS) {
    const rows = arms.map((arm) => settings.map((setting) => find(setting, arm)));
    return { corner: keys.join(" "), head: settings, names: arms, rows };
  }
  const rows = settings.map((setting) => arms.map((arm) => find(setting, arm)));
  return { corner: keys.join(" "), head: arms, names: settings, rows };
}

/** `0.61 (0.55–0.67) *`: the adjusted interval, and a star where it is a claim. */
export function ratioText(comparison: Comparison | undefined): string {
  if (comparison === undefined) return "–";
  const { ratio, adjusted, claim } = comparison;
  const star = claim === "none" ? "" : " *";
  return `${ratio.value.toFixed(2)} (${adjusted.low.toFixed(2)}–${adjusted.high.toFixed(2)})${star}`;
}
