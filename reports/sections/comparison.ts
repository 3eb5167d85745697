/** Ratios with their intervals: one row per setting and pair of arms, one column per measure. */
import type { Comparison } from "../../core/metrics/result.ts";
import type { ReportData } from "../data.ts";
import { h, section, table } from "../dom.ts";
import { formatRatio } from "../format.ts";
import { formatMeasure, MEASURES, measureOf, type Measure } from "../measures.ts";
import { parametersKey } from "../sweep.ts";

export function comparisonSection(data: ReportData): HTMLElement | undefined {
  const pairs = pairsOf(data.comparisons);
  const first = data.comparisons[0];
  if (!first) return undefined;
  const known = MEASURES.filter((measure) =>
    data.comparisons.some(({ metric }) => measureOf(metric) === measure),
  );
  const reach = Math.max(
    ...data.comparisons.flatMap(({ ratio }) => [ratio.high, 1 / ratio.low]).filter(Number.isFinite),
  );
  const swept = data.sweep.points.length > 1;
  const rows = pairs.flatMap(({ a, b }) =>
    data.sweep.points.flatMap((point) => {
      const cells = known.map((measure) => {
        const comparison = data.comparisons.find(
          (one) =>
            one.a === a &&
            one.b === b &&
            measureOf(one.metric) === measure &&
            parametersKey(one.parameters) === parametersKey(point.parameters),
        );
        return comparison ? ratioCell(comparison, measure, reach) : "–";
      });
      if (cells.every((cell) => cell === "–")) return [];
      return [[...(swept ? [point.label] : []), `${b} / ${a}`, ...cells]];
    }),
  );
  const head = [
    ...(swept ? ["Setting"] : []),
    "Arms",
    ...known.map(
      ({ label, lowerIsBetter }) => `${label} (${lowerIsBetter ? "lower" : "higher"} is better)`,
    ),
  ];
  const percent = Math.round(first.confidence * 100);
  const lead = `Ratio of means with its ${percent} % interval; difference below. Filled marks: the interval excludes 1×. Method: ${first.method} (n = ${first.n} ${first.unitOfN}).`;
  const body = table(head, rows);
  body.classList.add("comparison");
  return section("comparisons", "How much, how surely", lead, body);
}

function pairsOf(comparisons: readonly Comparison[]): { a: string; b: string }[] {
  return [...new Map(comparisons.map(({ a, b }) => [JSON.stringify([a, b]), { a, b }])).values()];
}

function ratioCell(
  { ratio, difference }: Comparison,
  measure: Measure,
  reach: number,
): HTMLElement {
  const sure = ratio.high < 1 || ratio.low > 1;
  const better = ratio.value < 1 === measure.lowerIsBetter;
  const sign = difference.value > 0 ? "+" : "−";
  return h(
    "div",
    { class: `ratio ${sure ? (better ? "better" : "worse") : "unsure"}` },
    h("b", {}, formatRatio(ratio.value)),
    h("span", {}, `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`),
    forest(ratio, reach),
    h("small", {}, `${sign}${formatMeasure(Math.abs(difference.value), measure)}`),
  );
}

/** The interval on a log scale around 1, as wide for a halving as for a doubling. */
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
