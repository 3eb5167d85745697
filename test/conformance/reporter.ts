/**
 * Requirements for every reporter: the suite of bundled and outside reporters. A reporter that passes
 * fails before the run where it can, loses no result that it received, and never ends the run.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync } from "node:fs";
import { mkdtemp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DynbenchError, v } from "dynbench";
import type { CellResult, Progress, Reporter, ReporterContext, RunResult } from "dynbench/report";

export interface ReporterSuite {
  readonly reporter: Reporter<any>;
  /** A finished run of at least two cells. */
  readonly run: RunResult;
  /** For reporters of files: the option with the path, and what they write by default in the run folder. */
  readonly file?: {
    readonly option: string;
    readonly written: string;
    /** Values in the file that must come from a reported cell. */
    readonly cellsIn: (text: string) => number;
  };
  /** Writes the summary to stdout with `--json`; all others must leave stdout alone then. */
  readonly ownsStdout?: boolean;
}

export function testReporter(suite: ReporterSuite): void {
  const { reporter, run } = suite;
  describe(`reporter ${reporter.name}`, () => {
    test("has defaults for every option and refuses unknown ones", () => {
      expect(v.safeParse(reporter.options, {}).success).toBe(true);
      expect(v.safeParse(reporter.options, { noSuchOption: 1 }).success).toBe(false);
    });

    test("hears a whole run", async () => {
      await inFolder(async (runDir) => {
        const handle = await openReporter(suite, runDir);
        for (const cell of run.cells) {
          handle.progress?.(progressOf(run));
          await handle.cell?.(cell);
        }
        await handle.end?.(run, []);
      });
    });

    test("ends a run that was interrupted before its first cell, and one cut short", async () => {
      for (const cells of [0, 1]) {
        await inFolder(async (runDir) => {
          const handle = await openReporter(suite, runDir);
          handle.progress?.(progressOf(run));
          await handle.end?.(interrupted(run, cells), []);
        });
      }
    });

    test("leaves stdout to the summary with --json", async () => {
      await inFolder(async (runDir) => {
        const stdout = sink();
        const handle = await openReporter(suite, runDir, { json: true, stdout });
        handle.progress?.(progressOf(run));
        await handle.cell?.(run.cells[0]!);
        expect(stdout.text()).toBe("");
        await handle.end?.(run, []);
        if (suite.ownsStdout) expect(JSON.parse(stdout.text())).toEqual(run.summary);
        else expect(stdout.text()).toBe("");
      });
    });
  });
  if (suite.file) {
    testFile(suite, suite.file);
    testDisk(suite, suite.file);
  }
}

/** When its disk fails, a reporter reports an error and loses no result that it received. */
function testDisk(suite: ReporterSuite, file: NonNullable<ReporterSuite["file"]>): void {
  const { reporter, run } = suite;
  const [first, second] = run.cells as [CellResult, CellResult];
  const cellsIn = async (runDir: string): Promise<number> =>
    file.cellsIn(await Bun.file(join(runDir, file.written)).text());

  describe(`disk of reporter ${reporter.name}`, () => {
    test("whose folder has gone is told in an error, and has it all again once the folder is back", async () => {
      await inFolder(async (runDir) => {
        const handle = await openReporter(suite, runDir);
        await handle.cell?.(first);
        await rm(runDir, { recursive: true });
        const isWritten = (): boolean => existsSync(join(runDir, file.written));
        await eitherOr(() => handle.cell?.(second), isWritten);
        await mkdir(join(runDir, dirname(file.written)), { recursive: true });
        await handle.end?.(interrupted(run, 2), []);
        expect(await cellsIn(runDir)).toBe(2);
      });
    });

    const isLinux = process.platform === "linux";
    const full = isLinux ? test : test.skip;
    full("that is full is told in an error, and costs nothing once there is room", async () => {
      await inFolder(async (runDir) => {
        const handle = await openReporter(suite, runDir);
        await handle.cell?.(first);
        const path = join(runDir, file.written);
        await rm(path);
        await symlink("/dev/full", path);
        // Who writes beside it and renames has never met the full disk.
        const isWritten = (): boolean => !lstatSync(path).isSymbolicLink();
        await eitherOr(() => handle.cell?.(second), isWritten);
        await rm(path, { force: true });
        await handle.end?.(interrupted(run, 2), []);
        expect(await cellsIn(runDir)).toBe(2);
      });
    });
  });
}

/** It was written, or an error says why not. */
async function eitherOr(tell: () => unknown, isWritten: () => boolean): Promise<void> {
  let fault: unknown;
  try {
    await tell();
  } catch (error) {
    fault = error;
  }
  if (fault === undefined) expect(isWritten()).toBe(true);
  else expect((fault as Error).message).not.toBe("");
}

function testFile(suite: ReporterSuite, file: NonNullable<ReporterSuite["file"]>): void {
  const { reporter, run } = suite;
  describe(`file of reporter ${reporter.name}`, () => {
    test("has the cells measured so far after each of them, and no other file beside it", async () => {
      await inFolder(async (runDir) => {
        const handle = await openReporter(suite, runDir);
        for (const [index, cell] of run.cells.entries()) {
          await handle.cell?.(cell);
          const text = await Bun.file(join(runDir, file.written)).text();
          expect(file.cellsIn(text)).toBe(index + 1);
        }
        await handle.end?.(run, []);
        expect(file.cellsIn(await Bun.file(join(runDir, file.written)).text())).toBe(
          run.cells.length,
        );
        const left = await readdir(runDir, { recursive: true });
        expect(left.filter((name) => name.includes("tmp"))).toEqual([]);
      });
    });

    test("is refused before the run where it cannot be", async () => {
      await inFolder(async (runDir) => {
        await writeFile(join(runDir, "plain"), "");
        await mkdir(join(runDir, "taken", file.written), { recursive: true });
        const bad = ["plain/below"];
        if (!file.written.includes("/")) bad.push(`taken/${file.written}`);
        for (const path of bad) {
          const opened = openReporter(suite, runDir, {}, { [file.option]: path });
          const fault = await opened.then(() => undefined).catch((error: unknown) => error);
          expect(fault).toBeInstanceOf(DynbenchError);
          expect((fault as DynbenchError).code).toBe("plan");
          expect((fault as DynbenchError).hint).toBeDefined();
        }
      });
    });
  });
}

/** Opens with the schema's defaults, and files rewritten after every cell. */
export async function openReporter(
  suite: Pick<ReporterSuite, "reporter" | "run">,
  runDir: string,
  context: Partial<ReporterContext> = {},
  raw: Record<string, unknown> = {},
) {
  const { reporter, run } = suite;
  const eager = "rewriteEveryS" in reporter.options.entries ? { rewriteEveryS: 0 } : {};
  const options = v.parse(reporter.options, { ...eager, ...raw });
  return reporter.open(options, run.plan, {
    runDir,
    log: { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} },
    stdout: sink(),
    stderr: sink(),
    color: false,
    json: false,
    ...context,
  });
}

/** A stream that keeps what was written. */
export function sink(isTTY = false, columns = 80) {
  const written: string[] = [];
  return {
    isTTY,
    columns,
    write: (text: string): void => void written.push(text),
    text: (): string => written.join(""),
    writes: written,
  };
}

export async function inFolder(work: (runDir: string) => Promise<void>): Promise<void> {
  const runDir = await mkdtemp(join(tmpdir(), "dynbench-reporter-"));
  try {
    await work(runDir);
  } finally {
    await rm(runDir, { recursive: true, force: true });
  }
}

export function progressOf(run: RunResult): Progress {
  const cell = run.plan.cells[0]!;
  return {
    cell,
    arm: run.plan.arms[cell.arm]!.label,
    cellIndex: 0,
    cellCount: run.plan.cells.length,
    phase: "load",
    done: 3,
    failed: 1,
    inFlight: 2,
    total: 200,
    elapsedS: 1.5,
    etaS: undefined,
    ttftMsMean: 12.5,
    outputTps: undefined,
  };
}

/** The result of a run that was stopped after `cells` cells. */
export function interrupted(run: RunResult, cells: number): RunResult {
  const kept = run.cells.slice(0, cells);
  const verdict: RunResult["summary"]["verdict"] = {
    state: "failed",
    reasons: [
      {
        id: "interrupted",
        severity: "untrusted",
        message: "The run was interrupted",
        hint: "run it again",
      },
    ],
  };
  const summaries = kept.map(({ summary }) => ({ ...summary, state: "aborted" as const }));
  return {
    ...run,
    cells: kept,
    summary: { ...run.summary, verdict, cells: summaries, comparisons: [] },
  };
}
