/** Puts the stand-in on PATH as `python3`, and an nvidia-smi beside it, for the tests of one file. */
import { afterAll } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Returns the folder, which is first on PATH of this process until the tests end. */
export function standInPython({ gpus = 2 } = {}): string {
  const bin = mkdtempSync(join(tmpdir(), "dynbench-stand-in-"));
  const { PATH } = process.env;
  process.env.PATH = `${bin}:${PATH}`;
  afterAll(() => {
    process.env.PATH = PATH;
    rmSync(bin, { recursive: true });
  });
  const write = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  write("python3", `exec ${process.execPath} ${join(import.meta.dir, "stand-in.ts")} "$@"`);
  const lines = Array.from({ length: gpus }, (_, i) => `echo "${i}, NVIDIA L40S, 46068, 8.9"`);
  write("nvidia-smi", lines.join("\n"));
  return bin;
}
