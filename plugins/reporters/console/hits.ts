/**
 * What the console prints about cache hits: where they were lost, one line an arm, and what one
 * pooled cache would serve.
 */
import { meanLadder, type CellResult, type RunResult } from "dynbench/report";
import { settingOf, sweptKeys } from "../../shared/reporters/result-rows.ts";
import { clipNames, pad, percent, plain, wrap } from "../../shared/reporters/text.ts";

const HEAD = ["possible", "in no cache", "other worker", "not found", "found"];
const GAP = 2;
const NAME_LENGTH = 24;
/** More arms than this would be a second table; the report has them all. */
const MAX_ARMS = 8;

/**
 * What any router could have found in caches, what was lost and why, what was found. Shown at the
 * setting that has most to find, for routers that look at caches.
 */
export function ladderBlock(run: RunResult): string[] {
  const known = run.cells.filter(({ summary }) => summary.cache.presentShare !== undefined);
  if (known.length === 0) return [];
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const settings = Map.groupBy(known, ({ cell }) => settingOf(cell.parameters, keys));
  const [setting, cells] = [...settings].reduce((most, one) =>
    idealOf(one[1]) > idealOf(most[1]) ? one : most,
  );
  const arms = [...Map.groupBy(cells, ({ cell }) => cell.arm)].sort(([a], [b]) => a - b);
  const shown = arms.slice(0, MAX_ARMS);
  const names = clipNames(
    shown.map(([arm]) => plain(run.plan.arms[arm]!.label)),
    NAME_LENGTH,
  );
  const rows = shown.map(([, own], i) => [names[i]!, ...sharesOf(own)]);
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

/** More capacities than this are a sweep of their own: all are in summary.json. */
const MAX_CAPACITIES = 8;

/** Shares that one cache as large as all workers' together would serve, where the requests come from a file. */
export function pooledBlock({ summary }: RunResult): string[] {
  const capacities = new Map(
    summary.cells.flatMap(({ cache: { pooled, idealShare } }) =>
      pooled === undefined
        ? []
        : [[`${pooled.blocks} ${pooled.minShare.toFixed(3)}`, { ...pooled, idealShare }] as const],
    ),
  );
  if (capacities.size === 0) return [];
  return [
    "Share of prompt tokens that one cache as large as all workers' together serves:",
    ...[...capacities.values()]
      .slice(0, MAX_CAPACITIES)
      .map(
        ({ blocks, lruShare, minShare, idealShare }) =>
          `  ${blocks.toLocaleString("en-US")} blocks: ${lruShare.toFixed(3)} with LRU, at most ` +
          `${minShare.toFixed(3)} (MIN); without a bound ${idealShare.toFixed(3)}`,
      ),
  ];
}
