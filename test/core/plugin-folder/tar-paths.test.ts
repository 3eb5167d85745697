import { describe, expect, test } from "bun:test";
import { tar } from "./tar-archive.ts";
import { packageName, strayPath } from "../../../core/plugin-folder/tar-paths.ts";

describe("a path out of the archive", () => {
  test.each([
    [{ path: "../evil" }, "../evil"],
    [{ path: "package/../../evil" }, "package/../../evil"],
    [{ path: "/etc/passwd" }, "/etc/passwd"],
    [{ path: "package/link", type: "2", link: "../../home" }, "../../home"],
    [{ path: "package/hard", type: "1", link: "/etc/shadow" }, "/etc/shadow"],
  ])("%j is found", (entry, found) => {
    expect(strayPath(tar({ path: "package/index.js", body: "x" }, entry))).toBe(found);
  });

  test("in a pax record or a GNU long name is found as well", () => {
    const record = "20 path=../evil.js\n\n".slice(0, 20);
    expect(strayPath(tar({ path: "x", type: "x", body: record }, { path: "package/a" }))).toContain(
      "../evil",
    );
    expect(strayPath(tar({ path: "x", type: "L", body: "/root/x" }, { path: "package/a" }))).toBe(
      "/root/x",
    );
  });

  test("is not found in a plain package", () => {
    expect(
      strayPath(tar({ path: "package/a.js", body: "x" }, { path: "package/..b" })),
    ).toBeUndefined();
  });
});

describe("the name of a package", () => {
  const named = (manifest: string) =>
    packageName(tar({ path: "package/a.js" }, { path: "package/package.json", body: manifest }));

  test("is read from its package.json alone", () => {
    expect(named('{"name":"../../evil"}')).toBe("../../evil");
    expect(named("{}")).toBeUndefined();
    expect(named("null")).toBeUndefined();
    expect(() => named("{")).toThrow();
    const inner = { path: "package/inner/package.json", body: '{"name":"x"}' };
    expect(() => packageName(tar(inner))).toThrow("it has no package.json");
  });
});

test("an archive cut at any byte is refused", () => {
  const whole = tar({ path: "package/a.js", body: "some text" }, { path: "package/b.js" });
  // The end is a block of zeros; the second one may be missing.
  for (let bytes = 0; bytes < whole.length - 1024; bytes += 1) {
    expect(() => strayPath(whole.subarray(0, bytes))).toThrow();
  }
});
