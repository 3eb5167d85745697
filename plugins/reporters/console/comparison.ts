/** The comparisons as blocks of lines, within 100 columns. */
import { claimFor, type Comparison } from "dynbench/report";
import { comparisonGrids, ratioText, type Grid } from "../../shared/reporters/comparison-grids.ts";
import { clipNames, pad, plain, WIDTH, wrap, type Paint } from "../../shared/reporters/text.ts";

const GAP = 2;
/** Longer names are cut: figures matter more here. */
const NAME_LENGTH = 24;

/** Rows of one block; more scroll the results away. */
const MAX_SETTINGS = 40;

/** A block of lines per reference; none without comparisons of the primary metric. */
export function comparisonBlocks(comparisons: readonly Comparison[], paint: Paint): string[][] {
  return comparisonGrids(comparisons).map((grid) => [
    ...wrap(grid.title, "  "),
    ...draw({ ...grid, rows: grid.rows.slice(0, MAX_SETTINGS) }, paint),
    ...(grid.rows.length > MAX_SETTINGS
      ? [`and ${grid.rows.length - MAX_SETTINGS} more, in results.md`]
      : []),
  ]);
}

/** As many columns beside each other as fit, the rest below. */
function draw(grid: Grid, paint: Paint): string[] {
  const short = (all: readonly string[]): string[] => clipNames(all.map(plain), NAME_LENGTH);
  const [corner, ...names] = short([grid.corner, ...grid.names]);
  const heads = short(grid.head);
  const first = Math.max(...[corner!, ...names].map((name) => Bun.stringWidth(name)));
  const widths = heads.map((head, i) =>
    Math.max(
      ...[head, ...grid.rows.map((row) => ratioText(row[i]))].map((text) => Bun.stringWidth(text)),
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
    const head = heads.slice(from, to).map((name, i) => pad(name, widths[from + i]!, "left"));
    if (head.some((name) => name.trim() !== "")) lines.push(paint("dim", line(corner!, head)));
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

function colourOf(comparison: Comparison | undefined): "green" | "red" | "dim" {
  if (comparison === undefined) return "dim";
  const claim = claimFor(comparison, comparison.b);
  return claim === "none" ? "dim" : claim === "better" ? "green" : "red";
}
