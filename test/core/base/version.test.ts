import { expect, test } from "bun:test";
import { targetOf } from "../../../core/base/version.ts";

const RELEASES = "https://github.com/oven-sh/bun/releases/download/bun-v1.4.5";

test.each([
  ["bun-linux-x64.zip", "linux-x64"],
  ["bun-linux-aarch64-musl.zip", "linux-arm64-musl"],
  ["bun-darwin-aarch64.zip", "darwin-arm64"],
  ["bun-windows-x64.zip", "windows-x64"],
])("the target of %s is %s", (file, target) => {
  expect(targetOf(`${RELEASES}/${file}`)).toBe(target);
});

test("a Bun without a stated platform counts as one for this machine", () => {
  expect(targetOf(undefined)).toBe(`${process.platform}-${process.arch}`);
});
