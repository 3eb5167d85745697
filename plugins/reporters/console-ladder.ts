/**
 * Where cache hits were lost, in one line an arm: what any router could have found, what was lost
 * and why, what was found. Shown at the setting that has most to find, for routers that look at caches.
 */
import { meanLadder, type CellResult, type RunResult } from "dynbench";
import { settingOf, sweptKeys } from "./result-rows.ts";
import { clipMiddle, pad, percent, plain, wrap } from "./console-text.ts";

const HEAD = ["possible", "in no cache", "other worker", "not found", "found"];
const GAP = 2;
const NAME_LENGTH = 24;
/** More arms than this would be a second table; the report has them all. */
const MAX_ARMS = 8;

export function ladderBlock(run: RunResult): string[] {
  const known = run.cells.filter(({ summary }) => summary.cache.presentShare !== undefined);
  if (known.length === 0) return [];
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const settings = Map.groupBy(known, ({ cell }) => settingOf(cell.parameters, keys));
  const [setting, cells] = [...settings].reduce((most, one) =>
    idealOf(one[1]) > idealOf(most[1]) ? one : most,
  );
  const arms = [...Map.groupBy(cells, ({ cell }) => cell.arm)].sort(([a], [b]) => a - b);
  const rows = arms
    .slice(0, MAX_ARMS)
    .map(([arm, own]) => [
      clipMiddle(plain(run.plan.arms[arm]!.label), NAME_LENGTH),
      ...sharesOf(own),
    ]);
  const first = Math.max(...rows.map(([name]) => Bun.stringWidth(name!)));
  const line = ([name, ...figures]: readonly string[]): string =>
    [
      pad(name!, first, "left"),
      ...figures.map((text, i) => pad(text, HEAD[i]!.length, "right")),
    ].join(" ".repeat(GAP));
  const at = keys.length === 0 ? "" : ` at ${keys.join(" ")} ${setting}`;
  return [
    ...wrap(
      `Prompt tokens any router could find cached${at}, where they were lost, what was found:`,
      "  ",
    ),
    line(["", ...HEAD]),
    ...rows.map(line),
  ];
}

function idealOf(cells: readonly CellResult[]): number {
  return mean(cells.map(({ summary }) => summary.cache.idealShare));
}

function sharesOf(cells: readonly CellResult[]): string[] {
  const { ideal, losses, found } = meanLadder(cells.map(({ summary }) => summary.cache))!;
  return [percent(ideal), ...losses.map(({ share }) => lossText(share)), percent(found)];
}

/** A loss that is none, because more was found than expected, has a plus. */
function lossText(share: number): string {
  const text = percent(Math.abs(share));
  if (text === "0 %") return text;
  return `${share > 0 ? "−" : "+"}${text}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
