/** Where lines go: a file as a whole or not at all, and a device as it is. */
import { afterAll, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeLines } from "../../../core/system/write-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-write-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a file has all lines, or is not there", async () => {
  await writeLines(join(folder, "whole"), ["a", "b"]);
  expect(readFileSync(join(folder, "whole"), "utf8")).toBe("a\nb\n");
  const cut = (function* () {
    yield "a";
    throw new Error("no more");
  })();
  await expect(writeLines(join(folder, "cut"), cut)).rejects.toThrow("no more");
  expect(readdirSync(folder)).toEqual(["whole"]);
});

test("a device stays where it is, and one that is full is a result that cannot be written", async () => {
  for (const device of ["null", "full"]) symlinkSync(`/dev/${device}`, join(folder, device));
  await writeLines(join(folder, "null"), ["a"]);
  await expect(writeLines(join(folder, "full"), ["a"])).rejects.toMatchObject({
    code: "load",
    message: `Cannot write "${join(folder, "full")}": no space left on the device`,
  });
  for (const device of ["null", "full"]) {
    expect(lstatSync(join(folder, device)).isSymbolicLink()).toBe(true);
  }
});

test("a path that cannot be one is named, with the flag that chose it", async () => {
  for (const path of ["x".repeat(5000), "/dev/null/x"]) {
    await expect(writeLines(path, ["a\n"], "--output-file")).rejects.toMatchObject({
      message: expect.stringContaining("Cannot write"),
      hint: "Choose another file with --output-file",
    });
  }
});
