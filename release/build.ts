/** `npm run build`: the report page, then one binary. `bun release/build.ts OUTFILE [TARGET]` cross compiles. */
const outfile = process.argv[2] ?? "dynbench";
const target = process.argv[3] as Bun.Build.CompileTarget | undefined;

const result = await Bun.build({
  define: { DYNBENCH_BUILD: JSON.stringify(buildFacts()) },
  entrypoints: ["core/main.ts"],
  target: "bun",
  minify: true,
  sourcemap: "linked",
  bytecode: true,
  format: "esm", // bytecode alone means cjs, and then a binary that dies at start
  splitting: true,
  compile: {
    outfile,
    ...(target === undefined ? {} : { target }),
    autoloadDotenv: false, // a .env in the user's folder is not ours
    autoloadBunfig: false,
    autoloadPackageJson: true, // outside plugins resolve their own packages
  },
});
for (const log of result.logs) console.error(log);
if (!result.success) process.exit(1);
// The source maps are inside the binary as well; the files beside it are not needed.
const maps = result.outputs.filter(({ path }) => path.endsWith(".map"));
await Promise.all(maps.map(({ path }) => Bun.file(path).delete()));

// A build can succeed and the binary be broken, so it is run once (not when cross compiled).
if (target === undefined) {
  const { exitCode, stderr } = Bun.spawnSync([`./${outfile}`, "--version"]);
  if (exitCode !== 0) {
    console.error(stderr.toString());
    process.exit(1);
  }
}

/** The facts of this build in `dynbench --version --json` (`core/base/version.ts`). */
function buildFacts(): { commit: string | null; date: string | null; isModified: boolean } {
  const git = (...args: string[]): string | undefined => {
    if (Bun.which("git") === null) return undefined;
    const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { stderr: "ignore" });
    return exitCode === 0 ? stdout.toString().trim() : undefined;
  };
  const [commit = null, date = null] = git("log", "-1", "--format=%H %cs")?.split(" ") ?? [];
  const changes = git("status", "--porcelain", "--untracked-files=no");
  return { commit, date, isModified: changes !== undefined && changes !== "" };
}

export {};
