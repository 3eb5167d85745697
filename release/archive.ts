/** Archives with the same bytes from the same files: what differs between machines is left out or fixed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, dirname } from "node:path";

export interface Levels {
  /** 1 to 12 (libdeflate). */
  readonly gzip: number;
  /** 1 to 22. */
  readonly zstd: number;
}

/** The highest levels that are worth their time: gzip 12 takes half a minute a binary, zstd 19 more than a minute. */
export const LEVELS: Levels = { gzip: 12, zstd: 19 };

/**
 * A folder as a tar of GNU tar's, its entries sorted, owned by nobody, and of one time. `Bun.Archive`
 * writes the hour of its making and no executable bit.
 */
export function tarOf(folder: string, epoch: number): Uint8Array<ArrayBuffer> {
  const fixed = ["--format=ustar", "--sort=name", `--mtime=@${epoch}`, "--mode=u=rwX,go=rX"];
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["tar", ...fixed, ...owner, "-cf", "-", "-C", dirname(folder), basename(folder)],
    { env: { ...process.env, LC_ALL: "C" } },
  );
  if (exitCode !== 0) throw new Error(`GNU tar is needed: ${stderr.toString()}`);
  return new Uint8Array(stdout);
}

/** No name and no time in its header. */
export function gzipped(bytes: Uint8Array<ArrayBuffer>, level: number): Uint8Array {
  return Bun.gzipSync(bytes, { level: level as 12, library: "libdeflate" });
}

export function zstdOf(bytes: Uint8Array<ArrayBuffer>, level: number): Promise<Uint8Array> {
  return Bun.zstdCompress(bytes, { level });
}

/** Hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
  return hash.digest("hex");
}
