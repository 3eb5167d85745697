import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageSpec } from "../../../core/plugin-folder/package-spec.ts";

describe("a package of the registry", () => {
  test.each([
    ["favourite", "favourite"],
    ["favourite@1.2.0", "favourite"],
    ["favourite@next", "favourite"],
    ["favourite@^1.2.0-rc.1+build.5", "favourite"],
    ["@you/favourite", "@you/favourite"],
    ["@you/favourite@~2.0.0", "@you/favourite"],
    ["a.b_c~d", "a.b_c~d"],
  ])("%s", (spec, name) => {
    expect(packageSpec(spec)).toEqual({ from: "registry", spec, name });
  });
});

test.each([
  ...["favourite;rm -rf x", "$(rm -rf x)", "`rm -rf x`", "favourite|cat", "favourite@1.0.0&&ls"],
  ...["favourite@>1.0.0", "favourite@1.0.0 other", "favourite\nother", "a\u0000b", "", "@"],
  ...["--global", "-g", "FAVOURITE", ".hidden", "favourite@", "@you"],
  ...["git+ssh://git@host/x", "github:a/b", "http://127.0.0.1/x.tgz", "file:/etc", "npm:favourite"],
  ...["favourite@npm:other", "favourite@file:..", "workspace:favourite"],
])("%j is neither a name nor a path", (spec) => {
  expect(() => packageSpec(spec)).toThrow("it is neither the name of a package nor a path");
});

describe("something on this disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-spec-"));
  for (const name of ["a.ts", "a.js", "a.tgz", "a.tar.gz", "a.zip"]) {
    writeFileSync(join(folder, name), "");
  }
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is a folder, a tarball or a single file, by its path", () => {
    const from = (name: string): string => packageSpec(join(folder, name)).from;
    expect(from(".")).toBe("folder");
    expect(["a.tgz", "a.tar.gz"].map(from)).toEqual(["tarball", "tarball"]);
    expect(["a.ts", "a.js"].map(from)).toEqual(["file", "file"]);
    expect(packageSpec("./test/core")).toMatchObject({ from: "folder" });
    expect(packageSpec("..")).toMatchObject({ from: "folder" });
  });

  test("must exist and be a package", () => {
    expect(() => packageSpec(join(folder, "b.ts"))).toThrow("there is no such file or folder");
    expect(() => packageSpec(join(folder, "a.zip"))).toThrow("a.zip is no package");
  });

  test("a bare name is a package, even if a folder of that name is here", () => {
    expect(packageSpec("core")).toEqual({ from: "registry", spec: "core", name: "core" });
  });
});
