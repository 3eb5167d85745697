/** Paths that were typed and lead nowhere. */
import { expect, test } from "bun:test";
import { statOf } from "../../../core/system/stat-of.ts";

test("what is no path of anything is nothing, and no error", () => {
  for (const path of ["nowhere", "/dev/null/x", "x".repeat(5000), "a\0b", ""]) {
    expect(statOf(path)).toBeUndefined();
  }
  expect(statOf(import.meta.path)!.isFile()).toBe(true);
});
