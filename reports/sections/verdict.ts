/** The top of the page: what was compared, which arm won and why, and whether to believe it. */
import type { Comparison, Finding } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { h } from "../drawing/dom.ts";
import { formatRatio } from "../../core/metrics/summary/format.ts";
import { turned } from "../../core/metrics/summary/headline.ts";
import { MEASURES, measureOf } from "../data/measures.ts";
import { pointKey } from "../../core/metrics/point.ts";
import { themeToggle } from "../drawing/theme.ts";

export function header(data: ReportData): HTMLElement {
  const date = new Date(data.startedAt);
  const when = Number.isNaN(date.getTime())
    ? data.startedAt
    : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const clock = {
    wall: "measured on the wall clock",
    virtual: "simulated on a virtual clock",
    both: "in part measured on the wall clock, in part simulated",
  }[data.clock];
  return h(
    "header",
    {},
    h(
      "div",
      {},
      h("p", { class: "eyebrow" }, `${data.workload} workload`),
      h(
        "h1",
        data.arms.length > MANY_ARMS || data.title.length > LONG_TITLE ? { class: "many" } : {},
        data.title,
      ),
      h(
        "p",
        { class: "meta" },
        [when, clock, data.scaleNote].filter((part) => part !== "").join(" · "),
      ),
    ),
    themeToggle(),
  );
}

/** A title of more arms, or of more characters, is set smaller. */
const MANY_ARMS = 3;
const LONG_TITLE = 45;

const STATES = {
  trusted: {
    mark: "✓",
    text: "Trusted",
    meaning: "All checks of the set-up and of the load generator passed.",
  },
  untrusted: {
    mark: "!",
    text: "Not to be trusted",
    meaning: "The run finished, but these checks failed; do not rely on its figures:",
  },
  failed: { mark: "✕", text: "Failed", meaning: "The run did not finish:" },
} as const;

export function verdictSection(data: ReportData): HTMLElement {
  const state = STATES[data.verdict.state];
  const doubts = data.verdict.reasons.filter(({ severity }) => severity === "untrusted");
  const notes = data.verdict.reasons.filter(({ severity }) => severity !== "untrusted");
  return h(
    "section",
    { id: "verdict", class: `verdict ${data.verdict.state}` },
    h(
      "div",
      { class: "state" },
      h("span", { class: "badge" }, h("b", { "aria-hidden": "true" }, state.mark), state.text),
      h(
        "span",
        { class: "meaning" },
        doubts.length === 0 && data.verdict.state !== "trusted" ? "" : state.meaning,
      ),
    ),
    doubts.length > 0 && findings(doubts),
    h(
      "p",
      { class: "headline" },
      // The sentence must not claim as much when the checks failed.
      data.verdict.state !== "trusted" &&
        data.headline.state !== "saturated" &&
        h("span", {}, "If the figures held: "),
      unbroken(data.headline.sentence),
    ),
    data.headline.why.length > 0 && h("p", { class: "why" }, unbroken(data.headline.why.join(" "))),
    tiles(data),
    notes.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `${notes.length} ${notes.length === 1 ? "note" : "notes"} worth knowing`),
        findings(notes),
      ),
  );
}

/** Keeps intervals and router names from breaking at their dashes. */
function unbroken(text: string): string {
  return text.replace(/[-–]/g, "\u2060$&\u2060");
}

/** Up to this many cells are named; the others are counted. */
const CELLS_NAMED = 6;

function findings(list: readonly Finding[]): HTMLElement {
  return h(
    "ul",
    { class: "findings" },
    ...list.map((finding) => {
      const cells = finding.cells ?? [];
      const more = cells.length > CELLS_NAMED ? ` and ${cells.length - CELLS_NAMED} more` : "";
      return h(
        "li",
        {},
        h("b", {}, finding.message),
        h("span", {}, `Try: ${finding.hint}`),
        cells.length > 0 &&
          h("small", {}, `Cells: ${cells.slice(0, CELLS_NAMED).join(", ")}${more}`),
      );
    }),
  );
}

/** Tiles for the pair of the headline at its point, one per measure. */
function tiles(data: ReportData): HTMLElement | undefined {
  const { best, rival, point } = data.headline;
  if (best === undefined || rival === undefined || point === undefined) return undefined;
  const key = pointKey(data.sweep.points[point]!.parameters);
  const shown = MEASURES.flatMap((measure) => {
    const comparison = data.comparisons.find(
      ({ a, b, metric, parameters }) =>
        measureOf(metric) === measure &&
        pointKey(parameters) === key &&
        ((a === best && b === rival) || (a === rival && b === best)),
    );
    return comparison
      ? [
          tile(
            `${measure.label}${measure.key === "outputTps" ? " tokens/s" : ""}`,
            comparison,
            best,
          ),
        ]
      : [];
  });
  const label = data.sweep.points[point]!.label;
  const caption = `${best} relative to ${rival}${label === "" ? "" : ` at ${label}`}`;
  return h("div", { class: "tiles" }, h("p", {}, caption), h("div", {}, ...shown));
}

function tile(label: string, comparison: Comparison, best: string): HTMLElement {
  const { ratio, adjusted } = turned(comparison, best);
  return h(
    "div",
    { class: "tile" },
    h("span", {}, label),
    h("b", {}, formatRatio(ratio.value)),
    h("small", {}, `${adjusted.low.toFixed(2)}–${formatRatio(adjusted.high)}`),
  );
}
