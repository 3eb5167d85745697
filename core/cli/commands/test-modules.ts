/**
 * Makes the modules `dynbench` and `dynbench/testing` for plugins' tests when the program is bundled.
 * Called as a Bun macro; `Bun.build` inside one is refused, so this is a `bun build` of its own.
 */

/**
 * A script that registers both, to be run before the tests: zstd, in base64, because it is in the binary
 * for the few who write plugins. It is not minified, because a failed test shows its lines.
 */
export function bundleTestModules(): string {
  const entry = Bun.fileURLToPath(new URL("../../../test/conformance/preload.ts", import.meta.url));
  const build = Bun.spawnSync([process.execPath, "build", entry, "--target=bun"], {
    env: { ...process.env, BUN_BE_BUN: "1" },
  });
  if (!build.success) throw new Error(`Cannot bundle the test modules: ${build.stderr.toString()}`);
  return Bun.zstdCompressSync(build.stdout, { level: 19 }).toString("base64");
}
