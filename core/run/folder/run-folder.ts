/**
 * The run folder: what a run leaves behind, and enough to rebuild every report without GPUs.
 * Its files are listed in `run-files.ts`.
 *
 * Lines are appended with plain writes, so that a SIGKILL of any process loses no finished line.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { DynbenchError } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import type {
  ClientHealth,
  Finding,
  PooledCache,
  Quantiles,
  RouterCost,
} from "../../contract/result.ts";
import type { Plan } from "../../contract/plan.ts";
import { parsePlan } from "../../plan/saved-plan.ts";
import { parseRecords, type RequestRecord } from "../../contract/record.ts";
import type { WorkerRole } from "../../contract/request.ts";

/** What is known of a finished cell besides its records. */
export interface CellOutcome {
  id: string;
  state: "completed" | "aborted" | "failed";
  startedAt: string;
  workers: readonly { id: string; role: WorkerRole; blockSize: number; kvBlocks?: number }[];
  /** URLs that the load was sent to, where there were several. */
  targets?: readonly string[];
  timeScale: number;
  health?: ClientHealth;
  /** Busy part of all the machine's cores during the load, 0 to 1. */
  machineCpuShare?: number;
  routerCost?: RouterCost;
  /** Requests for which the router says that it found a beginning cached, where it tells. */
  prefixesFound?: number;
  /** Virtual clock: of all decode steps; records keep only first and last token. */
  itlMs?: Quantiles;
  /** Where the load was simulated: of its requests; elsewhere they are drawn again for it. */
  idealShare?: number;
  pooled?: PooledCache;
  /** What the run itself noticed: a dead worker, a reset that could not be proved. */
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

  /** What came on standard input, where the plan reads it. */
  get stdinFile(): string {
    return this.file("stdin");
  }

  readPlan(): Plan {
    return parsePlan(this.#readJson("plan.json"), this.file("plan.json"));
  }

  readFacts(): Record<string, unknown> {
    return existsSync(this.file("facts.json"))
      ? (this.#readJson("facts.json") as Record<string, unknown>)
      : {};
  }

  /** Outcomes of the cells that are over; a cut last line is ignored. */
  readOutcomes(): CellOutcome[] {
    return this.#readLines("cells.jsonl", (text) => {
      const lines = text.split("\n").slice(0, -1);
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CellOutcome);
    });
  }

  readRecords(): RequestRecord[] {
    return this.#readLines("records.jsonl", parseRecords);
  }

  /** Appends whole record lines. A full disk is the end of the run: a figure of half the requests lies. */
  appendRecords(lines: string): void {
    this.#write("records.jsonl", (path) => {
      this.#records ??= openSync(path, "a");
      const bytes = Buffer.from(lines);
      for (let written = 0; written < bytes.length;) {
        written += writeSync(this.#records, bytes, written);
      }
    });
  }

  /** Appends lines of `decisions.jsonl`, where no gateway writes them. */
  appendDecisions(lines: string): void {
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
      // records are written beside it, and tell
    }
  }

  /** Leaves the given cells alone in the folder: every other starts afresh, cut lines included. */
  keepCells(outcomes: readonly CellOutcome[]): void {
    const ids = new Set(outcomes.map(({ id }) => id));
    const lines = (items: readonly object[]): string =>
      items.map((item) => `${JSON.stringify(item)}\n`).join("");
    const records = this.readRecords().filter(({ cell }) => ids.has(cell));
    this.close();
    this.#write("records.jsonl", (path) => writeAtomically(path, lines(records)));
    this.#write("cells.jsonl", (path) => writeAtomically(path, lines(outcomes)));
    const metrics = this.#readLines("metrics.jsonl", (text) =>
      text.split("\n").flatMap((line) => {
        const cell = CELL_OF_LINE.exec(line)?.[1]; // a cut line is not of any
        return cell !== undefined && ids.has(JSON.parse(cell) as string) ? [`${line}\n`] : [];
      }),
    );
    if (metrics.length > 0 || existsSync(this.file("metrics.jsonl"))) {
      this.#write("metrics.jsonl", (path) => writeAtomically(path, metrics.join("")));
    }
  }

  writeJson(name: string, value: unknown): void {
    this.#write(name, (path) => writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`));
  }

  close(): void {
    if (this.#records !== undefined) closeSync(this.#records);
    this.#records = undefined;
  }

  #write(name: string, write: (path: string) => void): void {
    try {
      write(this.file(name));
    } catch (cause) {
      throw new DynbenchError("load", `Cannot write ${this.file(name)}: ${whyNot(cause)}`, {
        cause,
        hint: `What was written is kept. Free some space and go on: dynbench run --resume ${this.path}`,
      });
    }
  }

  #readLines<T>(name: string, parse: (text: string) => T[]): T[] {
    if (!existsSync(this.file(name))) return [];
    try {
      return parse(readFileSync(this.file(name), "utf8"));
    } catch (cause) {
      throw new DynbenchError("plan", `Cannot read ${this.file(name)}: ${whyNot(cause)}`, {
        cause,
      });
    }
  }

  #readJson(name: string): unknown {
    try {
      return JSON.parse(readFileSync(this.file(name), "utf8"));
    } catch (cause) {
      throw new DynbenchError("plan", `Cannot read ${this.file(name)}: ${whyNot(cause)}`, {
        cause,
      });
    }
  }
}

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

/** Writes beside the target and renames: a reader sees the old file or the new one, never half. */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.part`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function isEmptyFolder(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}
