import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defaultRunPath,
  RunFolder,
  type CellOutcome,
} from "../../../../core/run/folder/run-folder.ts";
import { plannedRecord, recordLine, type RequestRecord } from "../../../../core/contract/record.ts";
import { planOf } from "../../plan/sample-plugins.ts";

const root = mkdtempSync(join(tmpdir(), "dynbench-folder-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(root, `${(count += 1)}`);

const outcome = (id: string): CellOutcome => ({
  ...{ id, state: "completed", startedAt: "2026-01-01T00:00:00.000Z" },
  ...{ workers: [], timeScale: 1, findings: [] },
});
const record = (cell: string, index: number): string =>
  recordLine(plannedRecord(cell, { index, prompt: [], isl: 0, osl: 1 }, "measured", 0));

const recordsOf = (folder: RunFolder): RequestRecord[] => [...folder.records()];

/** A folder of two cells, of which the first is over; both files end in a cut line. */
function killed(): string {
  const path = fresh();
  const folder = RunFolder.create(path);
  folder.writeJson("plan.json", planOf());
  folder.appendRecords(record("a", 0) + record("a", 1));
  folder.appendOutcome(outcome("a"));
  folder.appendRecords(record("b", 0));
  folder.close();
  appendFileSync(join(path, "records.jsonl"), record("b", 1).slice(0, -5));
  appendFileSync(join(path, "cells.jsonl"), '{"id":"b","sta');
  return path;
}

describe("a folder that cannot be written", () => {
  const faultOf = (write: () => void): { message: string; hint: string } => {
    try {
      write();
    } catch (error) {
      return error as { message: string; hint: string };
    }
    throw new Error("it was written");
  };

  test("because it was removed is reported as such with the next record, not as a full disk", () => {
    const path = fresh();
    const folder = RunFolder.create(path);
    folder.appendRecords(record("a", 0));
    rmSync(path, { recursive: true });
    for (const write of [
      () => folder.appendRecords(record("a", 1)),
      () => folder.appendOutcome(outcome("a")),
      () => folder.writeJson("facts.json", {}),
    ]) {
      const { message, hint } = faultOf(write);
      expect(message).toEndWith(": it was removed during the run");
      expect(hint).toBe("Run it again, and leave its folder in place until it has ended");
    }
  });

  test("because a folder is in the place of a file keeps what was written, and asks for no space", () => {
    const path = fresh();
    const folder = RunFolder.create(path);
    mkdirSync(join(path, "cells.jsonl"));
    const { message, hint } = faultOf(() => folder.appendOutcome(outcome("a")));
    expect(message).toEndWith("cells.jsonl: it is a folder");
    expect(hint).toBe(
      `What was written is kept. Mend that and go on: dynbench run --resume ${path}`,
    );
  });
});

describe("a new folder", () => {
  test("is made with its parents, and returns what was written", () => {
    const folder = RunFolder.create(join(fresh(), "deep/er"));
    folder.writeJson("plan.json", planOf());
    folder.appendRecords(record("a", 0));
    folder.appendRecords(record("a", 1));
    folder.appendOutcome(outcome("a"));
    expect(folder.readPlan()).toEqual(planOf());
    expect(recordsOf(folder).map(({ index }) => index)).toEqual([0, 1]);
    expect(folder.readOutcomes()).toEqual([outcome("a")]);
    expect(folder.readFacts()).toEqual({});
  });

  test("is refused where there is a run, or records of one", () => {
    const path = killed();
    expect(() => RunFolder.create(path)).toThrow("it already holds a run");
    rmSync(join(path, "plan.json"));
    expect(() => RunFolder.create(path)).toThrow("it already holds a run");
  });

  test("is refused where there is a file, and accepted where there is an empty folder", () => {
    const path = fresh();
    writeFileSync(path, "");
    const why = /^Cannot write results to .*: part of the path is a file, not a folder$/;
    expect(() => RunFolder.create(path)).toThrow(why);
    expect(() => RunFolder.create(join(path, "below"))).toThrow(why);
    const empty = fresh();
    mkdirSync(empty);
    expect(recordsOf(RunFolder.create(empty))).toEqual([]);
  });
});

describe("a folder that a killed run left", () => {
  test("reads up to the last whole line", () => {
    const folder = RunFolder.open(killed());
    expect(recordsOf(folder).map(({ cell, index }) => `${cell}${index}`)).toEqual([
      "a0",
      "a1",
      "b0",
    ]);
    expect(folder.readOutcomes().map(({ id }) => id)).toEqual(["a"]);
  });

  test("keeps finished cells and drops the rest, so that appended lines are whole", () => {
    const folder = RunFolder.open(killed());
    const sample = (cell: string): string =>
      `{"cell":"${cell}","atMs":1,"worker":"w","values":{}}\n`;
    folder.appendMetrics(`${sample("a")}${sample("b")}{"cell":"a","at`);
    const kept: string[] = [];
    folder.keepCells(folder.readOutcomes(), ({ cell, index }) => kept.push(`${cell}${index}`));
    expect(kept).toEqual(["a0", "a1"]);
    expect(readFileSync(folder.file("metrics.jsonl"), "utf8")).toBe(sample("a"));
    folder.appendRecords(record("b", 0));
    folder.appendOutcome(outcome("b"));
    expect(recordsOf(folder).map(({ cell, index }) => `${cell}${index}`)).toEqual([
      "a0",
      "a1",
      "b0",
    ]);
    expect(folder.readOutcomes().map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("can be resumed when no cell was finished", () => {
    const folder = RunFolder.open(killed());
    folder.keepCells([], () => {});
    folder.appendRecords(record("a", 0));
    expect(recordsOf(folder).map(({ cell, index }) => `${cell}${index}`)).toEqual(["a0"]);
    expect(folder.readOutcomes()).toEqual([]);
  });

  test("whose file is damaged elsewhere is reported with the line", () => {
    const path = killed();
    writeFileSync(join(path, "records.jsonl"), `${record("a", 0)}garbage\n${record("a", 1)}`);
    expect(() => recordsOf(RunFolder.open(path))).toThrow("line 2 of the records is not JSON");
    writeFileSync(join(path, "cells.jsonl"), "garbage\n");
    expect(() => RunFolder.open(path).readOutcomes()).toThrow(/^Cannot read .*cells\.jsonl/);
    writeFileSync(join(path, "plan.json"), "{}");
    expect(() => RunFolder.open(path).readPlan()).toThrow("schemaVersion: is missing");
    writeFileSync(join(path, "plan.json"), "{");
    expect(() => RunFolder.open(path).readPlan()).toThrow(/^Cannot read .*plan\.json: JSON/);
    expect(() => RunFolder.open(fresh())).toThrow("there is no such folder");
  });
});

test("records are read in pieces, wherever those cut lines and characters", () => {
  const folder = RunFolder.create(fresh());
  const lines = Array.from({ length: 30_000 }, (_, index) =>
    record(`cell-ü${"é".repeat(index % 50)}`, index),
  );
  folder.appendRecords(lines.join(""));
  expect(Buffer.byteLength(lines.join(""))).toBeGreaterThan(4 * 2 ** 20);
  let at = 0;
  for (const one of folder.records()) expect(recordLine(one)).toBe(lines[at++]!);
  expect(at).toBe(lines.length);
  folder.appendRecords("garbage\n");
  expect(() => recordsOf(folder)).toThrow("line 30001 of the records is not JSON");
});

test("a damaged file is not replaced when the run goes on", () => {
  const path = killed();
  writeFileSync(join(path, "records.jsonl"), `${record("a", 0)}garbage\n`);
  const folder = RunFolder.open(path);
  expect(() => folder.keepCells([outcome("a")], () => {})).toThrow(/^Cannot read .*line 2/);
  expect(readFileSync(join(path, "records.jsonl"), "utf8")).toContain("garbage");
  expect(existsSync(join(path, "records.jsonl.part"))).toBe(false);
});

test("a file that cannot be written is reported, and leaves no partial file", () => {
  const path = fresh();
  const folder = RunFolder.create(path);
  mkdirSync(join(path, "facts.json"));
  expect(() => folder.writeJson("facts.json", {})).toThrow(/^Cannot write .*facts\.json/);
  expect(existsSync(join(path, "facts.json.part"))).toBe(false);
  folder.writeJson("other.json", { a: 1 });
  expect(readFileSync(join(path, "other.json"), "utf8")).toBe('{\n  "a": 1\n}\n');
});

test("the default path has time and workload, and a number where it is taken", () => {
  const at = Date.UTC(2026, 2, 1, 9, 30, 0);
  const path = defaultRunPath("prefix", at);
  expect(path).toBe("runs/2026-03-01T09-30-00-prefix");
});
