import { expect, test } from "bun:test";
import type { Plan } from "../../../../core/contract/plan.ts";
import { bytesText, changedFiles } from "../../../../core/run/folder/input-files.ts";

const file = (path: string, sha256: string) => ({ path, bytes: 10, sha256 });
const planWith = (...files: ReturnType<typeof file>[]) => ({ files }) as unknown as Plan;

test("a file is changed when its digest differs", () => {
  const plan = planWith(file("a", "aaaaaaaaaaaaaaaa"), file("-", "bbbbbbbbbbbbbbbb"));
  expect(changedFiles(plan, [file("a", "aaaaaaaaaaaaaaaa")])).toEqual([]);
  const [a, stdin] = changedFiles(plan, [file("a", "cccccccccccccccc"), file("-", "dddd")]);
  expect(a).toStartWith(
    "a is not what the plan was made with: it had 10 bytes, SHA-256 aaaaaaaaaaaa…",
  );
  expect(stdin).toStartWith("standard input is not");
});

test("a plan without files has no changed files", () => {
  expect(changedFiles({} as Plan, [file("a", "aa")])).toEqual([]);
});

test("sizes are formatted for people", () => {
  expect([812, 187_043, 3_029_533, 9.4e8, 1.25e10].map(bytesText)).toEqual([
    "812 bytes",
    "187.0 kB",
    "3.0 MB",
    "940.0 MB",
    "12.5 GB",
  ]);
});
