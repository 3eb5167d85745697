import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipped, sha256, tarOf, zstdOf } from "../../release/archive.ts";
import { emptyFolder } from "../cli/binary.ts";

/** The same files in a folder of another name above, made in another order and at another time. */
function madeAt(names: readonly string[], time: number): string {
  const folder = join(emptyFolder(), "thing");
  mkdirSync(folder);
  for (const name of names) {
    writeFileSync(join(folder, name), name);
    utimesSync(join(folder, name), time, time);
  }
  chmodSync(join(folder, "run"), time > 1e6 ? 0o777 : 0o700);
  return folder;
}

test("the bytes do not depend on order, time and umask", async () => {
  const one = tarOf(madeAt(["a", "b", "run"], 1000), 1_700_000_000);
  const other = tarOf(madeAt(["run", "b", "a"], 2_000_000), 1_700_000_000);
  expect(other).toEqual(one);
  expect(gzipped(other, 1)).toEqual(gzipped(one, 1));
  expect(await zstdOf(other, 1)).toEqual(await zstdOf(one, 1));
  expect(tarOf(madeAt(["a", "b", "run"], 1000), 1_700_000_001)).not.toEqual(one);
});

test("an archive unpacks with the given modes, owner and time", () => {
  const tar = tarOf(madeAt(["a", "run"], 1000), 1_700_000_000);
  const list = Bun.spawnSync(["tar", "--numeric-owner", "--utc", "-tvf", "-"], { stdin: tar });
  const lines = list.stdout.toString().trim().split("\n");
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    "drwxr-xr-x 0/0 0 2023-11-14 22:13 thing/",
    "-rw-r--r-- 0/0 1 2023-11-14 22:13 thing/a",
    "-rwxr-xr-x 0/0 3 2023-11-14 22:13 thing/run",
  ]);
  expect([...gzipped(tar, 1).subarray(4, 8)]).toEqual([0, 0, 0, 0]); // RFC 1952: no time
});

test("checksums are SHA-256", async () => {
  const path = join(emptyFolder(), "abc");
  writeFileSync(path, "abc");
  expect(await sha256(path)).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180-4
  );
});
