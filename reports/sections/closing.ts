/** The end of the page: every measurement, the set-up, and the command that repeats the run. */
import type { CellSummary, Quantiles } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { h, section, table } from "../drawing/dom.ts";
import { formatNumber, formatShare } from "../../core/metrics/summary/format.ts";
import type { SetupSection } from "../data/setup.ts";

/** Rows drawn before the rest is left to summary.json. */
const MAX_CELL_ROWS = 400;

export function cellsSection(data: ReportData): HTMLElement {
  const swept = data.sweep.points.length > 1;
  const sorted = [...data.cells].sort(
    (x, y) => x.point - y.point || x.arm - y.arm || x.summary.repeat - y.summary.repeat,
  );
  const head = [
    ...(swept ? ["Setting"] : []),
    "Arm",
    "Repeat",
    "TTFT mean",
    "p50",
    "p99 (ms)",
    "ITL (ms)",
    "E2E (ms)",
    "Output (tok/s)",
    "Hit share",
    "of ideal",
    "Requests",
    "Failed",
  ];
  const rows = sorted
    .slice(0, MAX_CELL_ROWS)
    .map(({ summary, point }) => [
      ...(swept ? [data.sweep.points[point]!.label] : []),
      ...cellRow(summary),
    ]);
  const whose = data.ranking === undefined ? "" : " of the arms shown above";
  const cut =
    sorted.length > MAX_CELL_ROWS || whose !== ""
      ? `The first ${Math.min(MAX_CELL_ROWS, sorted.length)} of ${sorted.length} cells${whose}; all are in summary.json.`
      : "";
  return section(
    "cells",
    "Every measurement",
    cut,
    h(
      "details",
      {},
      h("summary", {}, `${sorted.length} ${sorted.length === 1 ? "cell" : "cells"}`),
      table(head, rows),
    ),
    errors(data),
  );
}

function cellRow(summary: CellSummary): string[] {
  const figure = (quantiles: Quantiles | undefined, at: keyof Quantiles): string =>
    quantiles ? formatNumber(quantiles[at]) : "–";
  const { metrics, cache, requests } = summary;
  return [
    summary.state === "completed" ? summary.arm : `${summary.arm} (part of a cell)`,
    String(summary.repeat + 1),
    figure(metrics.ttftMs, "mean"),
    figure(metrics.ttftMs, "p50"),
    figure(metrics.ttftMs, "p99"),
    figure(metrics.itlMs, "mean"),
    figure(metrics.e2eMs, "mean"),
    formatNumber(metrics.outputTps),
    cache.cachedShare === undefined ? "–" : formatShare(cache.cachedShare),
    cache.reachedShare === undefined ? "–" : formatShare(cache.reachedShare),
    String(requests.sent),
    String(requests.failed + requests.dropped),
  ];
}

/** Failed requests of all cells, by kind and the server's message. */
function errors({ failures }: ReportData): HTMLElement | undefined {
  const { groups, stopped } = failures;
  const cut =
    stopped > 0 &&
    h("p", { class: "lead" }, `Requests in flight when the load was stopped: ${stopped}.`);
  if (groups.length === 0) return cut ? h("div", {}, cut) : undefined;
  const rows = groups.map(({ kind, message, count }) => [message, kind, formatNumber(count)]);
  const body = table(["What the server said", "Kind", "Requests"], rows);
  body.classList.add("errors");
  return h("div", {}, h("h3", {}, "Failed requests"), body, cut);
}

export function setupSection(data: ReportData): HTMLElement {
  const copy = h("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => {
    void navigator.clipboard?.writeText(data.command).then(() => (copy.textContent = "Copied"));
  });
  return section(
    "setup",
    "Set-up, and how to repeat it",
    "",
    data.command !== "" && h("div", { class: "command" }, h("code", {}, data.command), copy),
    h("div", { class: "setup" }, ...data.setup.filter(({ folded }) => !folded).map(setupCard)),
    ...data.setup.filter(({ folded }) => folded).map(foldedSetup),
  );
}

function setupCard({ title, rows }: SetupSection): HTMLElement {
  return h("div", { class: "card" }, h("h3", {}, title), rowList(rows));
}

function foldedSetup({ title, rows }: SetupSection): HTMLElement {
  return h("details", { class: "folded" }, h("summary", {}, title), rowList(rows));
}

function rowList(rows: SetupSection["rows"]): HTMLElement {
  return h(
    "dl",
    {},
    ...rows.flatMap(([label, value]) => [
      h("dt", {}, label.replace(/\.|[a-z](?=[A-Z])/g, "$&\u200b")),
      h("dd", {}, value),
    ]),
  );
}
