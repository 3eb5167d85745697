/**
 * `dynbench plugin test [FOLDER]`: runs a plugin's tests with this binary as the test runner. The
 * modules `dynbench` and `dynbench/testing` are this program's own, so nothing need be installed.
 */
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleTestModules } from "./test-modules.ts" with { type: "macro" };
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { noPlace, temporaryFolder } from "../../system/temporary-name.ts";
import { runBun } from "../../plugin-folder/own-bun.ts";

/** Long enough for an engine that starts processes. */
const TEST_LIMIT_MS = 60_000;

/** Exit code 0 when all pass; 2 when one fails or there is none. */
export async function testPlugin(folder: string): Promise<number> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new DynbenchError("plan", `Cannot test "${folder}": there is no such folder`);
  }
  const action = `test "${folder}"`;
  const stage = temporaryFolder("test", action);
  try {
    const preload = join(stage, "dynbench.js");
    const modules = Bun.zstdDecompressSync(Buffer.from(bundleTestModules(), "base64"));
    try {
      writeFileSync(preload, modules);
    } catch (cause) {
      throw noPlace(action, cause);
    }
    const args = ["test", "--preload", preload, "--timeout", `${TEST_LIMIT_MS}`];
    const { exitCode } = await runBun(args, { cwd: folder, isShown: true });
    return exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.plan.code;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
