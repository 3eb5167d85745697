/** vLLM's servers start completely or not at all, with a stand-in for the Python that has vLLM. */
import { afterAll, describe } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v } from "dynbench";
import { vllm } from "../../../../plugins/engines/vllm/vllm.ts";
import { realContext } from "../../../conformance/real-processes.ts";
import { testStarts, triedParts } from "../../../conformance/start.ts";

const bin = mkdtempSync(join(tmpdir(), "dynbench-vllm-"));
const { PATH } = process.env;
process.env.PATH = `${bin}:${PATH}`;
afterAll(() => {
  process.env.PATH = PATH;
  rmSync(bin, { recursive: true });
});

executable(
  "python3",
  `exec ${process.execPath} ${join(import.meta.dir, "../../../cli/vllm-stand-in.ts")} "$@"`,
);
executable("nvidia-smi", 'for i in 0 1; do echo "$i, NVIDIA L40S, 46068, 8.9"; done');

function executable(name: string, text: string): void {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

describe("engine vllm", () => {
  const { context, check } = triedParts({ context: realContext });
  const options = v.parse(vllm.options, { workers: 2 });
  const start = (one: ReturnType<typeof context>) => vllm.start!(options, "http", one);
  testStarts({ context, start, urls: ({ workers }) => workers.map(({ url }) => url) }, check);
});
