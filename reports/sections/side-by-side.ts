/** Several runs, router by router: each setting as measured in every run, with the ratio to the first run. */
import type { CellSummary } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { h, section, table } from "../drawing/dom.ts";
import { RUNS_DIFFER } from "../../core/metrics/summary/run-differences.ts";
import { formatNumber, formatRatio, formatShare } from "../../core/metrics/summary/format.ts";
import { mean, meanOf, MEASURES } from "../data/measures.ts";

export function sideBySideSection(data: ReportData): HTMLElement | undefined {
  const { sideBySide } = data;
  if (!sideBySide) return undefined;
  const swept = data.sweep.points.length > 1;
  const rows = data.sweep.points.flatMap((point, index) =>
    sideBySide.routers.flatMap(({ label, arms }) => {
      const runs = arms.map((arm) => (arm === null ? [] : cellsOf(data, arm, index)));
      // A setting of a single run has nothing to compare; its figures are further down.
      if (runs.filter(({ length }) => length > 0).length < 2) return [];
      const first = runs.find(({ length }) => length > 0)!;
      return runs.flatMap((cells, run) => {
        if (cells.length === 0) return [];
        const isFirst = cells === first;
        return [
          [
            ...(swept ? [isFirst ? point.label : ""] : []),
            isFirst ? label : "",
            `${sideBySide.runs[run]!} (${cells.length}\u00a0×)`,
            ...figures(cells, isFirst ? undefined : first),
          ],
        ];
      });
    }),
  );
  if (rows.length === 0) return undefined;
  const head = [
    ...(swept ? ["Setting"] : []),
    "Router",
    "Run (repeats)",
    ...MEASURES.map(({ label, unit }) => `${label} (${unit})`),
    "Hit share",
  ];
  const difference = data.verdict.reasons.find(({ id }) => id === RUNS_DIFFER);
  const lead =
    `Means over the repeats of each run; the ratio is to ${sideBySide.runs[0]!}. Settings that only one run measured are left out here.` +
    (difference === undefined ? "" : ` ${difference.message}.`);
  const body = table(head, rows);
  body.classList.add("comparison");
  return section("side-by-side", "The runs side by side", lead, body);
}

function cellsOf(data: ReportData, arm: number, point: number): CellSummary[] {
  return data.cells
    .filter((cell) => cell.arm === arm && cell.point === point)
    .map(({ summary }) => summary);
}

function figures(
  cells: readonly CellSummary[],
  first: readonly CellSummary[] | undefined,
): (HTMLElement | string)[] {
  const measured = MEASURES.map(({ key }) => {
    const of = (all: readonly CellSummary[]) => mean(all.map((cell) => meanOf(cell, key)));
    const [value, reference] = [of(cells), first && of(first)];
    return figure(value === undefined ? "–" : formatNumber(value), value, reference);
  });
  const share = (all: readonly CellSummary[]) => mean(all.map(({ cache }) => cache.cachedShare));
  const hit = share(cells);
  return [...measured, hit === undefined ? "–" : formatShare(hit)];
}

function figure(
  text: string,
  value: number | undefined,
  reference: number | undefined,
): HTMLElement | string {
  if (value === undefined || reference === undefined || !(reference > 0)) return text;
  return h("span", { class: "beside" }, h("small", {}, formatRatio(value / reference)), text);
}
