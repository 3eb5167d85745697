import { expect, test } from "bun:test";
import { wrapped } from "../../../../core/cli/text/wrapped.ts";

test("lines are as long as the width allows, behind the indent", () => {
  const text = "one two three four five six seven";
  expect(wrapped(text, { width: 24, indent: "  " })).toEqual([
    "  one two three four",
    "  five six seven",
  ]);
  expect(wrapped(text, { width: 100, indent: "" })).toEqual([text]);
});

test("a word longer than the line stays whole", () => {
  const path = "/a/path/that/is/longer/than/the/room";
  expect(wrapped(`in ${path} or so`, { width: 24, indent: "" })).toEqual(["in", path, "or so"]);
});

test("no terminal is too narrow", () => {
  expect(wrapped("a b", { width: 1, indent: "        " })).toEqual(["        a b"]);
});
