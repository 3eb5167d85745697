/**
 * Who is faster and how surely, as short as it can be said: ratios of mean TTFT with their intervals,
 * one table for each arm that others are compared with.
 */
import type { Comparison } from "dynbench";
import { compareSettings, settingOf, sweptKeys } from "./console-table.ts";
import { clipMiddle, pad, plain, WIDTH, wrap, type Paint } from "./console-text.ts";

const GAP = 2;
/** Longer names are cut: figures matter more here. */
const NAME_LENGTH = 24;

/** A block of lines per reference; none without comparisons of mean TTFT. */
export function comparisonBlocks(comparisons: readonly Comparison[], paint: Paint): string[][] {
  const ttft = comparisons.filter(({ metric }) => metric === "ttftMs.mean");
  return [...Map.groupBy(ttft, ({ a }) => a)].map(([a, against]) => [
    ...wrap(
      plain(`Mean TTFT against ${a}, below 1 is faster (${basis(against)})${doubt(against)}:`),
      "  ",
    ),
    ...table(against, paint),
  ]);
}

function basis(all: readonly Comparison[]): string {
  const { confidence } = all[0]!;
  const counts = [
    ...new Set(
      all.map(({ n, unitOfN }) =>
        unitOfN === "repeats"
          ? `t over ${n} repeats`
          : `bootstrap over ${n} requests, this run only`,
      ),
    ),
  ];
  return `${Math.round(confidence * 100)} % interval, ${counts.join(" or ")}`;
}

function doubt(all: readonly Comparison[]): string {
  return all.every(isSure) ? "" : ", ? where that includes 1";
}

/** Settings downwards and arms across; arms downwards where there is but one setting. */
function table(all: readonly Comparison[], paint: Paint): string[] {
  const keys = sweptKeys(all.map(({ parameters }) => parameters));
  const sorted = all.toSorted((x, y) => compareSettings(x.parameters, y.parameters, keys));
  const settings = [...new Set(sorted.map(({ parameters }) => settingOf(parameters, keys)))];
  const arms = [...new Set(all.map(({ b }) => b))];
  const find = (setting: string, arm: string): Comparison | undefined =>
    sorted.find(({ parameters, b }) => b === arm && settingOf(parameters, keys) === setting);
  if (keys.length === 0) {
    const rows = arms.map((arm) => [find(settings[0]!, arm)]);
    return draw({ corner: "", head: [""], names: arms, rows }, paint);
  }
  const rows = settings.map((setting) => arms.map((arm) => find(setting, arm)));
  return draw({ corner: keys.join(" "), head: arms, names: settings, rows }, paint);
}

interface Grid {
  corner: string;
  head: readonly string[];
  names: readonly string[];
  rows: readonly (readonly (Comparison | undefined)[])[];
}

/** As many columns beside each other as fit, the rest below. */
function draw(grid: Grid, paint: Paint): string[] {
  const short = (name: string): string => clipMiddle(plain(name), NAME_LENGTH);
  const names = grid.names.map(short);
  const first = Math.max(...[short(grid.corner), ...names].map((name) => Bun.stringWidth(name)));
  const widths = grid.head.map((head, i) =>
    Math.max(
      ...[short(head), ...grid.rows.map((row) => ratioText(row[i]))].map((text) =>
        Bun.stringWidth(text),
      ),
    ),
  );
  const lines: string[] = [];
  for (let from = 0; from < widths.length;) {
    let to = from + 1;
    const width = (end: number): number =>
      first + widths.slice(from, end).reduce((sum, one) => sum + one + GAP, 0);
    while (to < widths.length && width(to + 1) <= WIDTH) to += 1;
    const line = (name: string, cells: readonly string[]): string =>
      [pad(name, first, "left"), ...cells].join(" ".repeat(GAP)).trimEnd();
    const head = grid.head
      .slice(from, to)
      .map((name, i) => pad(short(name), widths[from + i]!, "left"));
    if (head.some((name) => name.trim() !== ""))
      lines.push(paint("dim", line(short(grid.corner), head)));
    grid.rows.forEach((row, i) => {
      const cells = row
        .slice(from, to)
        .map((one, k) => paint(colourOf(one), pad(ratioText(one), widths[from + k]!, "left")));
      lines.push(line(names[i]!, cells));
    });
    from = to;
  }
  return lines;
}

/** `0.61 (0.55–0.67)`; an interval with 1 in it is marked, for the difference may be none. */
function ratioText(comparison: Comparison | undefined): string {
  if (comparison === undefined) return "–";
  const { value, low, high } = comparison.ratio;
  const unsure = isSure(comparison) ? "" : " ?";
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})${unsure}`;
}

function colourOf(comparison: Comparison | undefined): "green" | "red" | "dim" {
  if (comparison === undefined || !isSure(comparison)) return "dim";
  return comparison.ratio.value < 1 ? "green" : "red";
}

function isSure({ ratio }: Comparison): boolean {
  return ratio.high < 1 || ratio.low > 1;
}
