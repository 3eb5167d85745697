/** Markdown as the formatter leaves it: padded tables, and blocks between markers in pages written by hand. */

/** A table of cells in Markdown; `|` inside a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) =>
    Math.max(3, ...cells.map((row) => Bun.stringWidth(row[column]!))),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell + " ".repeat(widths[i]! - Bun.stringWidth(cell))).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

/** Several names as code: `--a`, `--b`. */
export function code(...names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

const MARKED = /<!-- generated: ([^>]*?) -->\n[\s\S]*?<!-- \/generated -->/g;

/** Rewrites what stands between `<!-- generated: NAME -->` and `<!-- /generated -->`. */
export function fillMarked(page: string, block: (name: string) => string): string {
  return page.replace(
    MARKED,
    (_, name: string) => `<!-- generated: ${name} -->\n\n${block(name)}\n\n<!-- /generated -->`,
  );
}

/** Names of the blocks of a page. */
export function markedNames(page: string): string[] {
  return [...page.matchAll(MARKED)].map(([, name]) => name!);
}

const HEADER = "<!-- Made by `npm run docs`. Do not edit: change the code and run it again. -->";

/** A page of which nothing is written by hand. */
export function generatedPage(title: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, HEADER, ...parts].join("\n\n")}\n`;
}
