import { expect, test } from "bun:test";
import { chosenTargets, TARGETS } from "../../release/targets.ts";

test("a release is for Linux with either C library, and macOS, on x64 and arm64", () => {
  expect(TARGETS.map(({ name }) => name)).toEqual([
    "linux-x64",
    "linux-arm64",
    "linux-x64-musl",
    "linux-arm64-musl",
    "darwin-x64",
    "darwin-arm64",
  ]);
  expect(chosenTargets(undefined)).toBe(TARGETS);
});

test("named targets come in the release's order, an unknown one is refused with those there are", () => {
  const names = chosenTargets("darwin-x64,linux-x64").map(({ name }) => name);
  expect(names).toEqual(["linux-x64", "darwin-x64"]);
  expect(() => chosenTargets("linux-x64,win-x64")).toThrow(
    "There is no target win-x64. Targets: linux-x64,",
  );
});
