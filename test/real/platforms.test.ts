/**
 * The same seed gives the same bytes on every platform: the binary for arm64 (under QEMU) and for
 * musl simulates what the one of this machine does. Needs DYNBENCH_REAL=1 and `platforms` of
 * `install.sh`; Bun fetches the other platforms' runtimes when it cross compiles.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installed, isRealRun } from "./programs.ts";

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "dynbench-platforms-"));
afterAll(() => rmSync(folder, { recursive: true }));

const emulator = installed("platforms/qemu-aarch64");
const loader = installed("platforms/musl/loader");
const isHere = isRealRun() && emulator !== undefined && loader !== undefined;

const PLATFORMS: Record<string, readonly string[]> = {
  "bun-linux-arm64": [emulator!, "-L", installed("platforms/arm64")!],
  "bun-linux-arm64-musl": [emulator!, "-L", installed("platforms/arm64-musl")!],
  "bun-linux-x64-musl": [loader!, "--library-path", installed("platforms/musl")!],
};

/** Draws with every portable function that replaces one of the C library. */
const RUNS: Record<string, readonly string[]> = {
  "a closed loop, drawn softly": ["--router", "kv:temperature=0.3,round-robin"],
  "Poisson arrivals": ["--router", "kv-approx,prefix-hash", "--arrival", "poisson", "--rate", "2"],
  "Dynamo's timing": ["--router", "kv", "--timing", "dynamo"],
};

function digests(command: readonly string[], platform: string): string[] {
  return Object.entries(RUNS).map(([what, args]) => {
    const out = join(folder, `${platform}-${what}`);
    const simulation = ["run", "--engine", "mocker", "--workload", "prefix", "--clock", "virtual"];
    const line = [...command, ...simulation, "--prefix-ratio", "0.5", ...args, "--out", out];
    const { exitCode, stderr } = Bun.spawnSync(line, { cwd: folder, stdout: "ignore" });
    if (exitCode !== 0) throw new Error(`${line.join(" ")}: ${stderr.toString()}`);
    const records = readFileSync(join(out, "records.jsonl"));
    return `${what}: ${createHash("sha256").update(records).digest("hex")}`;
  });
}

describe.skipIf(!isHere)("platforms (skipped without DYNBENCH_REAL=1 and emulators)", () => {
  let ours: string[];

  beforeAll(() => {
    ours = digests([join(root, "dynbench")], "this machine");
    expect(new Set(ours).size).toBe(3);
  });

  test.each(Object.keys(PLATFORMS))("%s writes the bytes that this machine writes", (target) => {
    const binary = join(folder, target);
    const build = Bun.spawnSync([process.execPath, "release/build.ts", binary, target], {
      cwd: root,
    });
    // Bun reports how far it has fetched the target's runtime, the first time on a machine.
    const printed = build.stderr.toString().replaceAll(/^(Downloading|Decompressing).*\s*/gm, "");
    expect({ printed, exitCode: build.exitCode }).toEqual({ printed: "", exitCode: 0 });
    expect(digests([...PLATFORMS[target]!, binary], target)).toEqual(ours);
  });
});
