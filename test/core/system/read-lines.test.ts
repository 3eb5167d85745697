import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readLines } from "../../../core/system/read-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = Array.from({ length: 3000 }, (_, i) => `{"row":${i},"text":"grün ${i * i}"}`).join(
  "\n",
);

function write(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function linesIn(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of readLines(path)) {
    expect(batch.first).toBe(lines.length + 1);
    lines.push(...batch.lines);
  }
  return lines;
}

async function faultOf(path: string): Promise<string> {
  return linesIn(path).then(
    () => "no fault",
    (error: Error) => error.message,
  );
}

describe("lines", () => {
  test("are the same plain, packed as gzip or zstd, in one member or several", async () => {
    const expected = TEXT.split("\n");
    const halves = [TEXT.slice(0, 1234), TEXT.slice(1234)].map((text) => Buffer.from(text));
    const files = {
      plain: TEXT,
      gz: gzipSync(TEXT),
      zst: zstdCompressSync(TEXT),
      "gz-twice": Buffer.concat(halves.map((half) => gzipSync(half))),
      "zst-twice": Buffer.concat(halves.map((half) => zstdCompressSync(half))),
    };
    for (const [name, bytes] of Object.entries(files)) {
      expect(await linesIn(write(name, bytes))).toEqual(expected);
    }
  });

  test("end with LF or CRLF; a byte order mark is not part of the first", async () => {
    expect(await linesIn(write("crlf", "\u{feff}a\r\n\r\nb"))).toEqual(["a", "", "b"]);
    expect(await linesIn(write("ended", "a\nb\n"))).toEqual(["a", "b"]);
    expect(await linesIn(write("empty", ""))).toEqual([]);
  });

  test("of any length up to the bound cross the pieces that a file is read in", async () => {
    const long = "x".repeat(3_000_000);
    expect(await linesIn(write("long", `a\n${long}\nb`))).toEqual(["a", long, "b"]);
  });
});

describe("faults name the file and", () => {
  test("the line that is not UTF-8", async () => {
    const bytes = Buffer.concat([
      Buffer.from("a\nb\n"),
      Buffer.from([0xff, 0xfe]),
      Buffer.from("\nc"),
    ]);
    expect(await faultOf(write("latin", bytes))).toEndWith('latin": line 3 is not UTF-8 text');
  });

  test("a line that never ends", async () => {
    const path = write(
      "endless",
      Buffer.concat([Buffer.from("a\n"), Buffer.alloc(65 * 1024 * 1024, 120)]),
    );
    expect(await faultOf(path)).toContain("line 2 is longer than");
  });

  test("a file that is not there, and a folder", async () => {
    expect(await faultOf(join(folder, "nothing"))).toContain("there is no such file");
    expect(await faultOf(folder)).toContain("it is a folder");
  });

  test("packed data that was cut at any byte", async () => {
    const text = "one\ntwo\nthree\n".repeat(5);
    for (const packed of [gzipSync(text), zstdCompressSync(text)]) {
      for (let bytes = 4; bytes < packed.length; bytes += 1) {
        expect(await faultOf(write("cut", packed.subarray(0, bytes)))).toContain("cut short");
      }
    }
  });
});
