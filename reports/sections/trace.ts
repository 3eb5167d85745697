/** The analysis of one trace: figures, lengths, arrivals, sharing, and cache hits over cache size. */
import type { Quantiles } from "../../core/contract/result.ts";
import { barChart } from "../charts/bars.ts";
import { cacheCurvesChart } from "../charts/cache-curves.ts";
import { histogramChart } from "../charts/histogram.ts";
import { lineChart } from "../charts/lines.ts";
import { h, section, table } from "../drawing/dom.ts";
import { formatNumber, formatShare, formatTokens } from "../../core/metrics/summary/format.ts";
import type { ChartCards } from "./standing.ts";
import type { NamedAnalysis } from "../data/trace-data.ts";

export function traceSections(trace: NamedAnalysis, cards: ChartCards): HTMLElement[] {
  return [
    figures(trace),
    h(
      "section",
      {},
      h("h2", {}, "Lengths"),
      lengthTable(trace),
      h("div", { class: "pair" }, ...lengthCharts(trace).map((spec) => cards.chart(spec))),
    ),
    ...(trace.arrivals?.meanRps === undefined ? [] : [arrivalsSection(trace, cards)]),
    ...(trace.cache === undefined ? [] : [sharingSection(trace, cards)]),
  ];
}

function figures(trace: NamedAnalysis): HTMLElement {
  const { arrivals, sharing, totalBlocks, distinctBlocks, blockSize } = trace;
  const whole = (value: number): string => value.toLocaleString("en-US");
  const tiles: [label: string, value: string, note: string][] = [
    ["Rows", whole(trace.rows), ""],
    ...(arrivals?.meanRps === undefined
      ? []
      : ([
          ["Time span", `${formatNumber(arrivals.spanS)}\u00a0s`, ""],
          ["Mean rate", `${formatNumber(arrivals.meanRps)}\u00a0/s`, ""],
        ] satisfies [string, string, string][])),
    ...(totalBlocks === 0
      ? []
      : ([
          ["Blocks", whole(totalBlocks), `of ${whole(blockSize)} tokens`],
          ["Distinct blocks", whole(distinctBlocks), formatShare(distinctBlocks / totalBlocks)],
          ["Ideal hit share", formatShare(sharing.tokenHitShare!), "of all prompt tokens"],
        ] satisfies [string, string, string][])),
  ];
  return h(
    "section",
    { class: "verdict" },
    h("p", { class: "headline" }, gist(trace)),
    h("p", { class: "why" }, trace.file),
    h(
      "div",
      { class: "tiles" },
      h(
        "div",
        {},
        ...tiles.map(([label, value, note]) =>
          h(
            "div",
            { class: "tile" },
            h("span", {}, label),
            h("b", {}, value),
            h("small", {}, note),
          ),
        ),
      ),
    ),
  );
}

function gist({ arrivals, sharing, totalBlocks }: NamedAnalysis): string {
  const shared =
    totalBlocks === 0
      ? "It has no hash ids, so its sharing is unknown."
      : `One unbounded cache would serve ${formatShare(sharing.tokenHitShare!)} of its prompt tokens: no router can do better.`;
  const timed =
    arrivals === undefined ? " It has no times: replay it with a closed loop or a rate." : "";
  return shared + timed;
}

const COLUMNS = ["mean", "std", "min", "p25", "p50", "p75", "max"] as const;

/** The rows and columns of `datagen analyze`. */
function lengthTable({ sharing }: NamedAnalysis): HTMLElement {
  const rows: [string, Quantiles | undefined][] = [
    ["Input length", sharing.isl],
    ["Context length", sharing.contextTokens],
    ["Unique prompt length", sharing.uniqueTokens],
    ["Output length", sharing.osl],
    ["Theoretical hit rate", sharing.rowHitShare],
  ];
  return h(
    "div",
    { class: "comparison" },
    table(
      ["", "Mean", "Std", "Min", "p25", "Median", "p75", "Max"],
      rows.flatMap(([name, quantiles]) =>
        quantiles === undefined ? [] : [[name, ...COLUMNS.map((key) => digits(quantiles[key]))]],
      ),
    ),
  );
}

/** As many digits as `dynbench trace analyze` prints. */
function digits(value: number): string {
  return Number(value.toPrecision(7)).toLocaleString("en-US", { maximumSignificantDigits: 7 });
}

function lengthCharts({ lengths }: NamedAnalysis) {
  const chart = (title: string, of: keyof NamedAnalysis["lengths"]) =>
    histogramChart(lengths[of], {
      title,
      subtitle: "rows by length; four bins to a doubling, logarithmic axis",
      xLabel: "Tokens",
      yLabel: "Rows",
    });
  return [chart("Input length", "isl"), chart("Output length", "osl")];
}

function arrivalsSection({ arrivals }: NamedAnalysis, cards: ChartCards): HTMLElement {
  const { spanS, bucketS, rowsPerBucket } = arrivals!;
  const peak = Math.max(...rowsPerBucket) / bucketS;
  return section(
    "",
    "Arrivals",
    `${formatNumber(arrivals!.meanRps!)} rows/s over ${formatNumber(spanS)} s; ` +
      `at most ${formatNumber(peak)} rows/s over ${formatNumber(bucketS)} s.`,
    cards.chart(
      lineChart(
        [{ label: "rows/s", arm: 1, endS: spanS, values: rowsPerBucket.map((n) => n / bucketS) }],
        {
          title: "Request rate over time",
          subtitle: `rows per second, means over ${formatNumber(bucketS)} s`,
          xLabel: "Time since the first row (s)",
          yLabel: "Rows per second",
        },
      ),
    ),
  );
}

/** `dynbench trace analyze` prints more; a chart of all would be higher than its neighbour. */
const SHOWN_BRANCHES = 6;

function sharingSection(trace: NamedAnalysis, cards: ChartCards): HTMLElement {
  const { sharing, blockSize, roots } = trace;
  const [all] = roots.filter(({ rows }) => rows === trace.rows);
  const branches = roots.filter((root) => root !== all).slice(0, SHOWN_BRANCHES);
  return section(
    "",
    "Sharing",
    `Hit share of one unbounded cache, in the order of the rows: ` +
      `${sharing.tokenHitShare!.toFixed(6)} of all prompt tokens, ` +
      `${sharing.blockHitShare!.toFixed(6)} of all blocks, ` +
      `${sharing.rowHitShare!.mean.toFixed(6)} as the mean of the rows' shares.`,
    h(
      "div",
      { class: "pair" },
      cards.chart(
        cacheCurvesChart(trace.cache!, {
          title: "Hit share over cache size",
          subtitle:
            "one cache pooled over all workers, in the order of the rows: reuse distance as a hit share",
          blockSize,
          unbounded: sharing.tokenHitShare!,
        }),
      ),
      branches.length > 0 &&
        cards.chart(
          barChart(
            branches.map(({ rows, blocks }, i) => ({
              label: `${i + 1}. ${formatTokens(blocks * blockSize)} tokens`,
              arm: 2,
              repeats: [rows],
            })),
            {
              title: "Most common prefixes",
              subtitle:
                (all === undefined
                  ? ""
                  : `all rows begin with the same ${formatTokens(all.blocks * blockSize)} tokens; `) +
                "top of the sharing tree: rows that begin with the same so many tokens",
              xLabel: "Rows",
            },
          ),
        ),
    ),
  );
}
