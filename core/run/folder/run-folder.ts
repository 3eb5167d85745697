/**
 * The run folder: the files of a run, enough to rebuild every report without GPUs. `run-files.ts`
 * lists them.
 *
 * Lines are appended with plain writes, so that a SIGKILL of any process loses no finished line.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { DynbenchError } from "../../base/errors.ts";
import { isFull, whyNot } from "../../base/why-not.ts";
import type {
  ClientHealth,
  Finding,
  PooledCache,
  Quantiles,
  RouterCost,
  Settled,
} from "../../contract/result.ts";
import { given } from "../../base/given.ts";
import type { Plan, PlannedCell } from "../../contract/plan.ts";
import { parsePlan } from "../../plan/saved-plan.ts";
import { LineChunks } from "./line-chunks.ts";
import { parseRecords, recordLine, type RequestRecord } from "../../contract/record.ts";
import type { WorkerRole } from "../../contract/request.ts";
import { epochMs } from "../../system/clock.ts";

/** A finished cell besides its records. */
export interface CellOutcome {
  id: string;
  state: "completed" | "aborted" | "failed";
  startedAt: string;
  workers: readonly { id: string; role: WorkerRole; blockSize: number; kvBlocks?: number }[];
  /** URLs that the load was sent to, where there were several. */
  targets?: readonly string[];
  timeScale: number;
  health?: ClientHealth;
  /** The settling load before it, where one was driven. */
  settled?: Settled;
  /** Busy part of all the machine's cores during the load, 0 to 1. */
  machineCpuShare?: number;
  /** Cores that programs outside the run kept busy during the load. */
  otherCores?: number;
  /** Times at which a process of the run did nothing, as it noticed itself. */
  pauses?: readonly { name: string; ms: number }[];
  /** Requests that the workers ended during the cell, by their own counters. */
  servedByWorkers?: number;
  routerCost?: RouterCost;
  /** Requests whose beginning the router reports as cached, where it counts them. */
  prefixesFound?: number;
  /** Virtual clock: of all decode steps; records keep only first and last token. */
  itlMs?: Quantiles;
  /** Where the load was simulated: of its requests; elsewhere they are drawn again for it. */
  idealShare?: number;
  pooled?: PooledCache;
  /** Findings of the run itself: a dead worker, a reset that could not be proved. */
  findings: Finding[];
}

export class RunFolder {
  readonly path: string;
  #records: number | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder. Fails at once where results could not be kept. */
  static create(path: string): RunFolder {
    const folder = new RunFolder(resolve(path));
    const refused = (why: string, hint: string, cause?: unknown): DynbenchError =>
      new DynbenchError("plan", `Cannot write results to ${folder.path}: ${why}`, { hint, cause });
    try {
      mkdirSync(folder.logDir, { recursive: true });
      if (existsSync(folder.file("plan.json")) || sizeOf(folder.file("records.jsonl")) > 0) {
        throw refused(
          "it already holds a run",
          "Choose another folder with --out, or go on with that run: --resume DIR",
        );
      }
      folder.#records = openSync(folder.file("records.jsonl"), "a");
    } catch (cause) {
      if (cause instanceof DynbenchError) throw cause;
      throw refused(whyNot(cause), "Choose another folder with --out", cause);
    }
    return folder;
  }

  /** A folder that an earlier run left, to read or to go on with. */
  static open(path: string): RunFolder {
    const folder = new RunFolder(resolve(path));
    if (!existsSync(join(folder.path, "plan.json"))) {
      throw new DynbenchError(
        "plan",
        `Cannot read the run ${path}: ${existsSync(folder.path) ? "it has no plan.json" : "there is no such folder"}`,
        {
          hint: "Give the folder that a run printed at its end",
        },
      );
    }
    return folder;
  }

  get name(): string {
    return basename(this.path);
  }

  get logDir(): string {
    return join(this.path, "logs");
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** The content of standard input, where the plan reads it. */
  get stdinFile(): string {
    return this.file("stdin");
  }

  /** Its form is checked, and no more: to report a run its plugins need not be there. */
  readPlan(): Plan {
    return parsePlan(this.storedPlan(), this.file("plan.json"));
  }

  /** The content of plan.json, as foreign as any file. */
  storedPlan(): unknown {
    return this.#readJson("plan.json");
  }

  readFacts(): Record<string, unknown> {
    return existsSync(this.file("facts.json"))
      ? (this.#readJson("facts.json") as Record<string, unknown>)
      : {};
  }

  /** Outcomes of the cells that are over; a cut last line is ignored. */
  readOutcomes(): CellOutcome[] {
    return [...this.#wholeLines("cells.jsonl")].flatMap(({ text }) =>
      this.#read("cells.jsonl", () => {
        const lines = text.split("\n").filter((line) => line !== "");
        return lines.map((line) => JSON.parse(line) as CellOutcome);
      }),
    );
  }

  /** The records one after another; no more than a piece of the file is in memory. */
  *records(): Generator<RequestRecord, void> {
    for (const { text, firstLine } of this.#wholeLines("records.jsonl")) {
      yield* this.#read("records.jsonl", () => parseRecords(text, firstLine));
    }
  }

  /** Appends whole record lines. A full disk is the end of the run: a figure of half the requests lies. */
  appendRecords(lines: string | Uint8Array): void {
    this.#write("records.jsonl", (path) => {
      this.#records ??= openSync(path, "a");
      // What is written to a file that was removed is nowhere.
      if (fstatSync(this.#records).nlink === 0) throw REMOVED;
      writeAll(this.#records, lines);
    });
  }

  /** Appends lines of `decisions.jsonl`, where no gateway writes them. */
  appendDecisions(lines: string | Uint8Array): void {
    this.#write("decisions.jsonl", (path) => appendFileSync(path, lines));
  }

  appendOutcome(outcome: CellOutcome): void {
    this.#write("cells.jsonl", (path) => appendFileSync(path, `${JSON.stringify(outcome)}\n`));
  }

  /** Appends lines of `metrics.jsonl`; figures do not rest on them, so a full disk only loses them. */
  appendMetrics(lines: string): void {
    try {
      appendFileSync(this.file("metrics.jsonl"), lines);
    } catch {
      // the same disk holds the records, whose loss is reported
    }
  }

  /**
   * Leaves the given cells alone in the folder: every other starts afresh, cut lines included.
   * `onRecord` gets each record that is kept.
   */
  keepCells(outcomes: readonly CellOutcome[], onRecord: (record: RequestRecord) => void): void {
    const ids = new Set(outcomes.map(({ id }) => id));
    this.close();
    this.#rewrite("records.jsonl", function* (folder) {
      for (const record of folder.records()) {
        if (!ids.has(record.cell)) continue;
        onRecord(record);
        yield recordLine(record);
      }
    });
    this.#rewrite("cells.jsonl", function* () {
      for (const outcome of outcomes) yield `${JSON.stringify(outcome)}\n`;
    });
    if (!existsSync(this.file("metrics.jsonl"))) return;
    this.#rewrite("metrics.jsonl", function* (folder) {
      for (const { text } of folder.#wholeLines("metrics.jsonl")) {
        for (const line of text.split("\n")) {
          const cell = CELL_OF_LINE.exec(line)?.[1]; // a cut line is not of any
          if (cell !== undefined && ids.has(JSON.parse(cell) as string)) yield `${line}\n`;
        }
      }
    });
  }

  writeJson(name: string, value: unknown): void {
    this.#write(name, (path) => writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`));
  }

  close(): void {
    if (this.#records !== undefined) closeSync(this.#records);
    this.#records = undefined;
  }

  #write(name: string, write: (path: string) => void): void {
    const path = this.file(name);
    guardWrite(path, this.path, () => write(path));
  }

  /** Puts lines in the place of a file, which may be read for it. */
  #rewrite(name: string, lines: (folder: RunFolder) => Iterable<string>): void {
    this.#write(name, (path) =>
      writeBeside(path, (unfinished) => {
        const file = openSync(unfinished, "w");
        try {
          const chunks = new LineChunks((text) => writeAll(file, text));
          for (const line of lines(this)) chunks.add(line);
          chunks.flush();
        } finally {
          closeSync(file);
        }
      }),
    );
  }

  /** Pieces of a file, each of whole lines; a last line without its newline is left out. */
  *#wholeLines(name: string): Generator<{ text: string; firstLine: number }, void> {
    if (!existsSync(this.file(name))) return;
    const file = this.#read(name, () => openSync(this.file(name), "r"));
    try {
      let firstLine = 1;
      let rest: Uint8Array = new Uint8Array(0);
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES);
        const length = this.#read(name, () => readSync(file, piece));
        if (length === 0) return;
        const bytes = Buffer.concat([rest, piece.subarray(0, length)]);
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        rest = bytes.subarray(end);
        const text = bytes.toString("utf8", 0, end);
        if (text !== "") yield { text, firstLine };
        firstLine += text.split("\n").length - 1;
      }
    } finally {
      closeSync(file);
    }
  }

  #read<T>(name: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw new DynbenchError("plan", `Cannot read ${this.file(name)}: ${whyNot(cause)}`, {
        cause,
      });
    }
  }

  #readJson(name: string): unknown {
    return this.#read(name, () => JSON.parse(readFileSync(this.file(name), "utf8")));
  }
}

const REMOVED = new Error("the file was removed");

/** A file is read in pieces of this size; a line may be longer. */
const PIECE_BYTES = 1 << 20;
const NEWLINE = 10;

/** Whole lines of `metrics.jsonl`, with the cell as JSON writes it. */
const CELL_OF_LINE = /^\{"cell":("(?:[^"\\]|\\.)*"),.*\}$/;

/** `runs/2026-03-01T09-30-00-prefix`, with a counter where that is taken. */
export function defaultRunPath(workload: string, nowEpochMs: number): string {
  const time = new Date(nowEpochMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const base = join("runs", `${time}-${workload}`);
  for (let n = 2; ; n += 1) {
    const path = n === 2 ? base : `${base}-${n - 1}`;
    if (!existsSync(path) || isEmptyFolder(path)) return path;
  }
}

/** Writes a file of a run. What cannot be written is reported with the way to go on. */
export function guardWrite(path: string, runDir: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    if (cause instanceof DynbenchError) throw cause; // a file that it was made from is damaged
    const isRemoved = cause === REMOVED || !existsSync(runDir);
    const why = isRemoved ? "it was removed during the run" : whyNot(cause);
    const mend = isFull(cause) ? "Free some space" : "Mend that";
    throw new DynbenchError("load", `Cannot write ${path}: ${why}`, {
      cause,
      hint: isRemoved
        ? "Run it again, and leave its folder in place until it has ended"
        : `What was written is kept. ${mend} and go on: dynbench run --resume ${runDir}`,
    });
  }
}

/** The outcome of a cell as it starts: failed, until the cell has ended otherwise. */
export function startedOutcome(
  cell: PlannedCell,
  on: { workers: CellOutcome["workers"]; timeScale: number | undefined },
): CellOutcome {
  return {
    id: cell.id,
    state: "failed",
    startedAt: new Date(epochMs()).toISOString(),
    workers: on.workers.map(({ id, role, blockSize, kvBlocks }) => ({
      id,
      role,
      blockSize,
      ...given({ kvBlocks }),
    })),
    timeScale: on.timeScale ?? 1,
    findings: [],
  };
}

/** Writes beside the target and renames: a reader sees the old file or the new one, never half. */
export function writeAtomically(path: string, text: string): void {
  writeBeside(path, (unfinished) => writeFileSync(unfinished, text));
}

function writeBeside(path: string, write: (unfinished: string) => void): void {
  const unfinished = `${path}.part`;
  try {
    write(unfinished);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function writeAll(file: number, lines: string | Uint8Array): void {
  const bytes = typeof lines === "string" ? Buffer.from(lines) : lines;
  for (let written = 0; written < bytes.length;) {
    written += writeSync(file, bytes, written);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function isEmptyFolder(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}
