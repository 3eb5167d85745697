/** Programs of routers: on PATH, beside a Python, and their versions. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, programVersion } from "../../../../plugins/shared/external/find-program.ts";

const folder = mkdtempSync(join(tmpdir(), "programs-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bin = join(folder, "bin");
mkdirSync(bin);

function script(name: string, text: string): string {
  const path = join(bin, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

test("a program on PATH is found, else the one beside the Python that is named", () => {
  const router = script("dynbench-test-router", "#!/bin/sh\n");
  const python = script("python3", "#!/bin/sh\n");
  expect(findProgram("sh", python)).toBe(Bun.which("sh")!);
  expect(findProgram("dynbench-test-router")).toBeUndefined();
  expect(findProgram("dynbench-test-router", python)).toBe(router);
  expect(findProgram("dynbench-test-router", "no-such-python")).toBeUndefined();
  expect(findProgram(router)).toBe(router);
  expect(findProgram("./dynbench-test-router", python)).toBeUndefined();
});

test("versions are found by a flag, on either output", async () => {
  const flag = { flag: "-v", pattern: /nginx\/(\S+)/ };
  const nginx = script("nginx", '#!/bin/sh\necho "nginx version: nginx/1.22.1" >&2\n');
  expect(await programVersion(nginx, flag)).toBe("1.22.1");
  expect(await programVersion(script("other", "#!/bin/sh\necho no\n"), flag)).toBeUndefined();
  expect(await programVersion(join(bin, "gone"), flag)).toBeUndefined();
});

test("versions of programs installed by pip are those of the package, read with its own Python", async () => {
  const python = script(
    "python3.11",
    `#!/bin/sh\ncase "$2" in *"version('smg')"*) echo 1.13.0;; *) echo no such package >&2; exit 1;; esac\n`,
  );
  const smg = script("smg", `#!${python}\nimport sys\n`);
  expect(await programVersion(smg, { distribution: "smg" })).toBe("1.13.0");
  expect(await programVersion(smg, { distribution: "vllm-router" })).toBeUndefined();
  const shell = script("shell", "#!/bin/sh\n");
  expect(await programVersion(shell, { distribution: "smg" })).toBeUndefined();
});

test("one that never answers is asked until the signal", async () => {
  const mute = script("mute", "#!/bin/sh\nexec sleep 300\n");
  const stop = new AbortController();
  const asked = programVersion(mute, { flag: "-v", pattern: /(.*)/ }, stop.signal);
  stop.abort();
  // An answer without text has an empty version.
  expect(await asked).toBe("");
});
