/**
 * The one path of a cell's records, live and simulated: each is written to the run folder, tallied,
 * counted for progress and looked at for findings as it comes, and then forgotten. What stays of a
 * request are its numbers in the tally's columns.
 */
import type { Finding } from "../contract/result.ts";
import { recordLine, type RequestRecord } from "../contract/record.ts";
import { CellTally } from "../metrics/tally/cell-tally.ts";
import type { RecordWatch } from "./cell-findings.ts";
import { LineChunks } from "./folder/line-chunks.ts";

/** Where a cell's lines go: the run folder, or a part of its own. */
export interface CellLines {
  appendRecords(lines: string): void;
  appendDecisions(lines: string): void;
}

interface RecorderOptions {
  readonly cell: string;
  /** Left out where records are not kept. */
  readonly lines?: CellLines;
  readonly meter?: { record(record: RequestRecord): void };
  readonly watch: RecordWatch;
}

export class CellRecorder {
  readonly tally = new CellTally();
  readonly #options: RecorderOptions;
  readonly #records: LineChunks;
  readonly #decisions: LineChunks;

  constructor(options: RecorderOptions) {
    const { lines } = options;
    this.#options = options;
    this.#records = new LineChunks((chunk) => lines?.appendRecords(chunk));
    this.#decisions = new LineChunks((chunk) => lines?.appendDecisions(chunk));
  }

  /** A simulated record; its line is written with others, `flush` at the latest. */
  simulated(record: RequestRecord): void {
    if (this.#options.lines !== undefined) this.#records.add(recordLine(record));
    this.#take(record);
  }

  /** A record of a live request, written at once as the load process wrote it: whatever dies next loses none. */
  live(record: RequestRecord, line: string): void {
    this.#options.lines?.appendRecords(`${line}\n`);
    this.#take(record);
  }

  /** What a simulated router saw and chose; a gateway writes its own. */
  decision(decision: object): void {
    this.#decisions.add(`${JSON.stringify({ cell: this.#options.cell, ...decision })}\n`);
  }

  flush(): void {
    this.#records.flush();
    this.#decisions.flush();
  }

  findings(): readonly Finding[] {
    return this.#options.watch.findings();
  }

  #take(record: RequestRecord): void {
    this.tally.add(record);
    this.#options.meter?.record(record);
    this.#options.watch.add(record);
  }
}

/** Tallies of some cells, from the records that a run left. */
export class KeptTallies {
  readonly #cells: ReadonlySet<string>;
  readonly #tallies = new Map<string, CellTally>();

  constructor(cells: Iterable<string>) {
    this.#cells = new Set(cells);
  }

  /** Records of other cells are passed over. */
  readonly add = (record: RequestRecord): void => {
    if (!this.#cells.has(record.cell)) return;
    const tally = this.#tallies.get(record.cell) ?? new CellTally();
    this.#tallies.set(record.cell, tally);
    tally.add(record);
  };

  /** The tally of a cell, which is not kept any longer: the columns of many cells are large. */
  take(cell: string): CellTally {
    const tally = this.#tallies.get(cell) ?? new CellTally();
    this.#tallies.delete(cell);
    return tally;
  }
}
