/** The end of a log as a person is shown it. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXPLAINED_LINES, lastLinesOf } from "../../../core/process/lines.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-lines-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const logOf = (text: string): string => {
  const path = join(folder, "a.log");
  writeFileSync(path, text);
  return path;
};

test("lines have no colours, titles, bells or carriage returns", () => {
  const log =
    "\u001b[2m2026-11-24\u001b[0m \u001b[33m WARN\u001b[0m lost\r\n" +
    "\u001b]0;title\u0007load \u001b[1;38;5;9mred\u001b[m\u0008\n" +
    "10%\r20%\r\u001b[K30%\r\n\n\u001b[0m\n";
  expect(lastLinesOf(logOf(log), 9)).toEqual(["2026-11-24  WARN lost", "load red", "30%"]);
});

test("the last are found in a log of any size, and an early line where all are searched", () => {
  const path = logOf(`ValueError: first\n${"INFO serving\n".repeat(20_000)}last\n`);
  expect(lastLinesOf(path, 2)).toEqual(["INFO serving", "last"]);
  expect(lastLinesOf(path, EXPLAINED_LINES)[0]).toBe("ValueError: first");
});

test("what an earlier process of the name wrote is left out", () => {
  expect(lastLinesOf(logOf("old\nnew\n"), 9, 4)).toEqual(["new"]);
  expect(lastLinesOf(join(folder, "absent.log"), 9)).toEqual([]);
});
