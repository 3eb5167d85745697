/** The share of requests that kept the limits of `--slo`, one line an arm at a setting. */
import type { RunResult } from "dynbench";
import { settingOf, sweptKeys } from "./result-rows.ts";
import { clip, figure, percent, plain, WIDTH } from "./console-text.ts";

const MAX_LINES = 24;
const NAMES = { ttftMs: "TTFT", tpotMs: "TPOT", e2eMs: "E2E" } as const;

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
