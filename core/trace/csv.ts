/** Tables of comma-separated values with a head, RFC 4180 without line breaks inside fields. */
import { TraceFault } from "./trace-row.ts";

/** Reads lines of a table: the first is the head, the others give a cell by the name of its column. */
export class CsvTable {
  #columns: Map<string, number> | undefined;

  /** A row by column name; undefined for the head. Throws for a row of another width. */
  row(line: string, needed: readonly string[]): ((column: string) => string) | undefined {
    const cells = cellsOf(line);
    if (this.#columns === undefined) {
      const names = cells.map((name) => name.trim());
      const missing = needed.filter((name) => !names.includes(name));
      if (missing.length > 0) {
        throw new TraceFault(
          missing[0]!,
          `is no column of the table, which has ${names.join(", ")}`,
        );
      }
      this.#columns = new Map(names.map((name, i) => [name, i]));
      return undefined;
    }
    const columns = this.#columns;
    if (cells.length !== columns.size) {
      throw new TraceFault(
        "line",
        `must have ${columns.size} cells as the head, and has ${cells.length}`,
      );
    }
    return (column) => cells[columns.get(column) ?? -1]?.trim() ?? "";
  }
}

/** Cells of one line; quotes are taken off, doubled ones inside are one. */
export function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= line.length;) {
    if (line[at] !== '"') {
      const end = line.indexOf(",", at);
      cells.push(line.slice(at, end === -1 ? undefined : end));
      if (end === -1) break;
      at = end + 1;
      continue;
    }
    let end = line.indexOf('"', at + 1);
    while (end !== -1 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
    if (end === -1) throw new TraceFault("line", "has a quote that is not closed");
    cells.push(line.slice(at + 1, end).replaceAll('""', '"'));
    if (end + 1 >= line.length) break;
    if (line[end + 1] !== ",") throw new TraceFault("line", "has text after a closed quote");
    at = end + 2;
  }
  return cells;
}
