/** The main table: one row per setting and arm, its repeats pooled, within 100 columns. */
import type { RunResult } from "dynbench/report";
import { clipNames, pad, WIDTH, type Paint } from "../../shared/reporters/text.ts";
import { FIGURE_HEAD, resultRows } from "../../shared/reporters/result-rows.ts";

const GAP = 2;
/** Names give way first when the figures need the room. */
const NAMES_LEAST = 6;

/** A longer table scrolls the rest of the results away. */
const MAX_ROWS = 120;

/** Lines with a header; times in ms, means unless the header names a percentile. */
export function mainTable(run: RunResult, paint: Paint, order?: readonly number[]): string[] {
  const { swept, rows: all } = resultRows(run, order);
  const rows = all.slice(0, MAX_ROWS);
  const more = all.length - rows.length;
  const namesOf = (setting: string, arm: string) => (swept === "" ? [arm] : [setting, arm]);
  const names = namesOf(swept, "router");
  const figureWidths = FIGURE_HEAD.map((head, i) =>
    widest([head, ...rows.map(({ figures }) => figures[i]!)]),
  );
  const nameWidths = fitNames(
    names.map((head, i) => widest([head, ...rows.map((row) => namesOf(row.setting, row.arm)[i]!)])),
    WIDTH - figureWidths.reduce((sum, width) => sum + width + GAP, 0),
  );
  const columns = names.map((head, i) =>
    clipNames([head, ...rows.map((row) => namesOf(row.setting, row.arm)[i]!)], nameWidths[i]!),
  );
  const line = (first: readonly string[], figures: readonly string[]): string =>
    [
      ...first.map((text, i) => pad(text, nameWidths[i]!, "left")),
      ...figures.map((text, i) => pad(text, figureWidths[i]!, "right")),
    ].join(" ".repeat(GAP));
  let before: string | undefined;
  return [
    paint(
      "dim",
      line(
        columns.map(([head]) => head!),
        FIGURE_HEAD,
      ),
    ),
    ...rows.map(({ setting, figures }, i) => {
      const first = columns.map((column) => column[i + 1]!);
      // A setting is named once, above its arms.
      if (swept !== "" && setting === before) first[0] = "";
      before = setting;
      return line(first, figures);
    }),
    ...(more > 0 ? [`and ${more} more rows, in results.md`] : []),
  ];
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => Bun.stringWidth(text)));
}

/** The widest name column shrinks until all fit. */
function fitNames(widths: readonly number[], room: number): number[] {
  const fitted = [...widths];
  const used = (): number =>
    fitted.reduce((sum, width) => sum + width, 0) + GAP * (fitted.length - 1);
  while (used() > room && Math.max(...fitted) > NAMES_LEAST) {
    fitted[fitted.indexOf(Math.max(...fitted))]! -= 1;
  }
  return fitted;
}
