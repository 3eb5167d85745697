/**
 * What must hold between the rows of a trace: times never go back, and either all rows have one or
 * none has.
 */
import { TraceFault, type TraceRow } from "./trace-row.ts";

export class RowOrder {
  #previousMs: number | undefined;
  #rows = 0;

  /** Throws a `TraceFault` when the row cannot follow those before it. */
  follow(row: TraceRow): void {
    const { atMs } = row;
    const previousMs = this.#previousMs;
    if (this.#rows > 0 && (atMs === undefined) !== (previousMs === undefined)) {
      throw new TraceFault(
        "timestamp",
        atMs === undefined
          ? "is missing, and earlier rows have one"
          : "is there, and earlier rows have none",
      );
    }
    if (atMs !== undefined && previousMs !== undefined && atMs < previousMs) {
      throw new TraceFault("timestamp", `goes back: ${atMs} ms comes after ${previousMs} ms`);
    }
    this.#previousMs = atMs;
    this.#rows += 1;
  }
}
