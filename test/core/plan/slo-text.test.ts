import { expect, test } from "bun:test";
import { parseSlo } from "../../../core/plan/load-texts.ts";

test("limits are milliseconds, in any order", () => {
  expect(parseSlo("ttft=500,tpot=50,e2e=20000")).toEqual({
    ttftMs: 500,
    tpotMs: 50,
    e2eMs: 20_000,
  });
  expect(parseSlo(" e2e = .5 ")).toEqual({ e2eMs: 0.5 });
});

test.each([
  ["", 'expected NAME=MILLISECONDS, got ""'],
  ["ttft", "expected NAME=MILLISECONDS"],
  ["ttft=500,", 'got ""'],
  ["itl=5", 'got "itl=5"'],
  ["ttft=-1", 'got "ttft=-1"'],
  ["ttft=0", "ttft=0, which is not above 0"],
  ["ttft=1e9", "expected NAME=MILLISECONDS"],
  ["ttft=99999999", "at most 86400000"],
  ["ttft=5,ttft=6", 'has "ttft" twice'],
])("%p is told", (text, said) => {
  expect((parseSlo(text) as { fault: string }).fault).toContain(said);
});
