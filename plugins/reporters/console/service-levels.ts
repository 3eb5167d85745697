/** What the console prints about limits kept: by arm where `--slo` sets limits, by tier where the load has tiers. */
import {
  meanFairness,
  tierRows,
  type CellResult,
  type RunResult,
  type TierRow,
} from "dynbench/report";
import { settingOf, sweptKeys } from "../../shared/reporters/result-rows.ts";
import { clip, figure, percent, plain, WIDTH } from "../../shared/reporters/text.ts";

/** More lines hide the rest; all are in summary.json. */
const MAX_LINES = 24;

/** Each tier's latencies, limits kept and hits, one line a tier of an arm at a setting. */
export function tierBlock(run: RunResult): string[] {
  const cells = run.cells.filter(({ summary }) => summary.tiers !== undefined);
  if (cells.length === 0) return [];
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const groups = Map.groupBy(cells, ({ cell }) => {
    const setting =
      keys.length === 0 ? "" : ` at ${keys.join(" ")} ${settingOf(cell.parameters, keys)}`;
    return `${plain(run.plan.arms[cell.arm]!.label)}${setting}`;
  });
  const lines = [...groups].flatMap(([title, repeats]) => groupLines(title, repeats));
  const more = lines.length - MAX_LINES;
  return [
    "By tier, mean TTFT and E2E in ms, with 95 % intervals of the mean TTFT:",
    ...lines.slice(0, MAX_LINES),
    ...(more > 0 ? [`  and ${more} more lines, in summary.json`] : []),
  ];
}

function groupLines(title: string, repeats: readonly CellResult[]): string[] {
  const summaries = repeats.map(({ summary }) => summary);
  const fairness = meanFairness(summaries);
  const alike =
    fairness === undefined
      ? ""
      : `: mean TTFT max/min ${fairness.maxOverMin.toFixed(2)}, Jain ${fairness.jain.toFixed(3)}`;
  return [
    clip(`  ${title}${alike}`, WIDTH),
    ...tierRows(summaries).map((row) => clip(`    ${tierLine(row)}`, WIDTH)),
  ];
}

function tierLine({ name, priority, requests, ...row }: TierRow): string {
  const label = plain(priority === undefined ? name : `${name} (${priority})`);
  const parts = [
    `${label.padEnd(14)} ${String(requests.ok).padStart(6)} ok`,
    ...(requests.failed > 0 ? [`${requests.failed} failed`] : []),
    ...(row.ttftMs === undefined ? [] : [`TTFT ${meanText(row.ttftMs)}`]),
    ...(row.ttftP99Ms === undefined ? [] : [`p99 ${figure(row.ttftP99Ms)}`]),
    ...(row.e2eMs === undefined ? [] : [`E2E ${figure(row.e2eMs.value)}`]),
    ...(row.sloShare === undefined
      ? row.cachedShare === undefined
        ? []
        : [`hits ${percent(row.cachedShare)}`]
      : [`SLO kept ${percent(row.sloShare)}`]),
  ];
  return parts.join("  ");
}

function meanText({ value, low, high }: NonNullable<TierRow["ttftMs"]>): string {
  if (low === undefined || high === undefined) return figure(value);
  return `${figure(value)} (${figure(low)}–${figure(high)})`;
}

const NAMES = { ttftMs: "TTFT", tpotMs: "TPOT", e2eMs: "E2E" } as const;

/** The share of requests that kept the limits of `--slo`, one line an arm at a setting. */
export function sloBlock(run: RunResult): string[] {
  const cells = run.cells.filter(({ summary }) => summary.sloShare !== undefined);
  if (cells.length === 0) return [];
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const groups = Map.groupBy(cells, ({ cell }) => {
    const setting = keys.length === 0 ? "" : `${settingOf(cell.parameters, keys)}  `;
    return `${setting}${plain(run.plan.arms[cell.arm]!.label)}`;
  });
  const limits = Object.entries(cells[0]!.cell.load.slo!).map(
    ([key, limitMs]) => `${NAMES[key as keyof typeof NAMES]} ${figure(limitMs)} ms`,
  );
  return [
    `Requests that kept ${limits.join(", ")}:`,
    ...[...groups].slice(0, MAX_LINES).map(([name, repeats]) => {
      const sum = repeats.reduce((total, { summary }) => total + summary.sloShare!, 0);
      return clip(`  ${name}  ${percent(sum / repeats.length)}`, WIDTH);
    }),
  ];
}
