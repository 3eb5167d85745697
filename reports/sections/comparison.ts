/** Ratios with their intervals: a group per pair of arms, a row per setting, a column per measure. */
import type { Comparison } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { groupedTable, h, section } from "../drawing/dom.ts";
import { formatRatio } from "../../core/metrics/summary/format.ts";
import { formatDifference, MEASURES, measureOf, type Measure } from "../data/measures.ts";
import { claimFor, isOpen } from "../../core/metrics/compare/claim.ts";
import { metricOf, metricWords, type MetricKey } from "../../core/metrics/definitions.ts";
import { controlSentence } from "../../core/metrics/summary/headline.ts";
import { pointKey } from "../../core/metrics/point.ts";

/** With more pairs, only the first ones are shown at once; the others open on request. */
const PAIRS_AT_ONCE = 4;
const PAIRS_OPEN = 2;

interface Pair {
  a: string;
  b: string;
}

export function comparisonSection(data: ReportData): HTMLElement | undefined {
  const pairs = pairsOf(data);
  const first = data.comparisons[0];
  if (!first) return undefined;
  const lead = leadOf(data.comparisons);
  const open = pairs.length > PAIRS_AT_ONCE ? PAIRS_OPEN : pairs.length;
  const rest = pairs.slice(open);
  return section(
    "comparisons",
    "Differences and their intervals",
    lead,
    pairTable(data, pairs.slice(0, open)),
    rest.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `${rest.length} more ${rest.length === 1 ? "pair" : "pairs"} of arms`),
        pairTable(data, rest),
      ),
    ...notes(data).map((text) => h("p", { class: "aside" }, text)),
  );
}

/** What the intervals are, and when a difference is coloured. */
function leadOf(comparisons: readonly Comparison[]): string {
  const percent = `${Math.round(comparisons[0]!.confidence * 100)}\u00a0%`;
  const primary = comparisons.find(({ role }) => role === "primary");
  const over = (role: Comparison["role"]): number =>
    Math.max(...comparisons.filter((one) => one.role === role).map((one) => one.adjusted.over), 0);
  if (comparisons.every(isOpen)) {
    return `Ratio, its ${percent} interval within this run, and the difference. With so few repeats nothing is claimed: another run may differ.`;
  }
  const first =
    primary === undefined
      ? ""
      : ` The primary metric is ${metricWords(primary.metric)}: its claims hold together over ${over("primary")} comparisons, those of the others over ${over("secondary")}.`;
  return `Ratio, its ${percent} interval, adjusted for how much is compared, on a log scale around 1×, and the difference.${first} Filled and coloured: a claim, because the interval excludes 1×.`;
}

/** The control's result, and metrics without an interval. */
function notes({ control, notCompared }: ReportData): string[] {
  const missing = notCompared.map(({ metric, why }) => `${metricWords(metric)} ${why}`);
  return [
    ...(control === undefined ? [] : [controlSentence(control)]),
    ...(missing.length === 0 ? [] : [`Without an interval: ${missing.join("; ")}.`]),
  ];
}

/** The headline's pair first. */
function pairsOf({ comparisons, headline }: ReportData): Pair[] {
  const shown = comparisons.filter(isShown);
  const pairs = [...new Map(shown.map(({ a, b }) => [JSON.stringify([a, b]), { a, b }])).values()];
  const isHeadline = ({ a, b }: Pair): boolean =>
    [a, b].includes(headline.best ?? "") && [a, b].includes(headline.rival ?? "");
  return [...pairs.filter(isHeadline), ...pairs.filter((pair) => !isHeadline(pair))];
}

function pairTable(data: ReportData, pairs: readonly Pair[]): HTMLElement {
  const of = (pair: Pair): Comparison[] =>
    data.comparisons.filter(({ a, b }) => a === pair.a && b === pair.b);
  const all = pairs.flatMap(of);
  const known = columnsOf(all);
  const reach = Math.max(
    ...all.flatMap(({ adjusted }) => [adjusted.high, 1 / adjusted.low]).filter(Number.isFinite),
  );
  const head = [
    data.sweep.points.length > 1 ? "Setting" : "",
    ...known.map(
      ({ label, lowerIsBetter }) => `${label} (${lowerIsBetter ? "lower" : "higher"} is better)`,
    ),
  ];
  const groups = pairs.map((pair) => {
    const own = of(pair);
    const key = (metric: string, parameters: Comparison["parameters"]): string =>
      `${metric} ${pointKey(parameters)}`;
    const places = new Map(own.map((one) => [key(one.metric, one.parameters), one]));
    return {
      title: `${pair.b} / ${pair.a}`,
      note: `${own[0]!.method}, n = ${own[0]!.n} ${own[0]!.unitOfN}`,
      rows: data.sweep.points.flatMap((point) => {
        const cells = known.map((measure) => {
          const comparison = places.get(key(measure.metric, point.parameters));
          return comparison ? ratioCell(comparison, measure, reach) : "–";
        });
        return cells.every((cell) => cell === "–") ? [] : [[point.label, ...cells]];
      }),
    };
  });
  const body = groupedTable(head, groups);
  body.classList.add("comparison");
  return body;
}

/** The page's measures, and the primary metric before them where it is none of these. */
function columnsOf(all: readonly Comparison[]): Column[] {
  const shown = all.filter(isShown);
  const metrics = [...new Set(shown.map(({ metric }) => metric))];
  const measures = MEASURES.flatMap((measure) => {
    const metric = metrics.find((one) => measureOf(one) === measure);
    return metric === undefined ? [] : [{ ...measure, metric }];
  });
  const others = metrics.filter((metric) => measureOf(metric) === undefined);
  return [...others.map((metric) => columnOf(metric, shown)), ...measures];
}

/** A metric that the page does not draw. */
function columnOf(metric: string, all: readonly Comparison[]): Column {
  const key = metric.split(".")[0] as MetricKey;
  return {
    metric,
    label: metricWords(metric),
    unit: all.find((one) => one.metric === metric)!.unit,
    lowerIsBetter: metricOf(key).better === "lower",
  };
}

function isShown({ metric, role }: Comparison): boolean {
  return role === "primary" || measureOf(metric) !== undefined;
}

type Column = Omit<Measure, "key"> & { readonly metric: string };

function ratioCell(comparison: Comparison, measure: Column, reach: number): HTMLElement {
  const { b, ratio, adjusted, difference } = comparison;
  const claim = claimFor(comparison, b);
  return h(
    "div",
    { class: `ratio ${claim === "none" ? "unsure" : claim}` },
    h("b", {}, formatRatio(ratio.value)),
    h("span", {}, `${adjusted.low.toFixed(2)}–${adjusted.high.toFixed(2)}`),
    forest({ value: ratio.value, low: adjusted.low, high: adjusted.high }, reach),
    h("small", {}, formatDifference(difference.value, measure)),
  );
}

/** The interval on a log scale around 1, where a halving is as wide as a doubling. */
function forest(ratio: Comparison["ratio"], reach: number): HTMLElement {
  const half = Math.log(Math.max(reach, 1.05));
  const at = (value: number): number =>
    50 + (50 * Math.max(-half, Math.min(half, Math.log(value)))) / half;
  const range = h("i", { class: "range" });
  range.style.left = `${at(ratio.low)}%`;
  range.style.width = `${at(ratio.high) - at(ratio.low)}%`;
  const dot = h("i", { class: "dot" });
  dot.style.left = `${at(ratio.value)}%`;
  return h("div", { class: "forest", "aria-hidden": "true" }, range, dot);
}
