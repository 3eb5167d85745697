/**
 * Bundles the modules `dynbench` and `dynbench/testing` for the tests of plugins when the program is
 * built. Called as a Bun macro. A macro cannot call `Bun.build`, so it starts `bun build`.
 */

/**
 * A script that registers both modules and is run before the tests. It is compressed with zstd, in
 * base64, to keep the binary small. It is not minified, because a failed test shows its lines.
 */
export function bundleTestModules(): string {
  const entry = Bun.fileURLToPath(new URL("../../../test/conformance/preload.ts", import.meta.url));
  const build = Bun.spawnSync([process.execPath, "build", entry, "--target=bun"], {
    env: { ...process.env, BUN_BE_BUN: "1" },
  });
  if (!build.success) throw new Error(`Cannot bundle the test modules: ${build.stderr.toString()}`);
  return Bun.zstdCompressSync(build.stdout, { level: 19 }).toString("base64");
}
