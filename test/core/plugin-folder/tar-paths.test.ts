import { describe, expect, test } from "bun:test";
import { strayPath } from "../../../core/plugin-folder/tar-paths.ts";

/** A ustar archive of empty or short files, by hand: header fields of POSIX.1-2017. */
function tar(
  ...entries: { path: string; body?: string; type?: string; link?: string }[]
): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { path, body = "", type = "0", link = "" } of entries) {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write(body.length.toString(8).padStart(11, "0"), 124);
    header.fill(" ", 148, 156);
    header.write(type, 156);
    header.write(link, 157);
    header.write("ustar", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const content = Buffer.alloc(Math.ceil(body.length / 512) * 512);
    content.write(body);
    blocks.push(header, content);
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

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

  test("there is none in a plain package", () => {
    expect(
      strayPath(tar({ path: "package/a.js", body: "x" }, { path: "package/..b" })),
    ).toBeUndefined();
  });
});

test("an archive that was cut at any byte is refused", () => {
  const whole = tar({ path: "package/a.js", body: "some text" }, { path: "package/b.js" });
  // The end is a block of zeros; the second one may be missing.
  for (let bytes = 0; bytes < whole.length - 1024; bytes += 1) {
    expect(() => strayPath(whole.subarray(0, bytes))).toThrow();
  }
});
