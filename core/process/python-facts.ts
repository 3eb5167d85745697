/** Which Python it is and which packages it has, from their metadata: nothing is imported, which takes an engine half a minute. */
import * as v from "valibot";
import { programOutput } from "./program-output.ts";
import { lastJson } from "./python-probe.ts";

const PYTHON_LIMIT_MS = 20_000;

/** Version and packages of a Python. */
export interface PythonFacts {
  /** As it was named. */
  readonly python: string;
  readonly path: string;
  readonly version: string;
  /** Folder of its programs. */
  readonly scripts: string;
  /** Of the packages that were asked for and are there. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Undefined where there is no such Python, or none that answers. `env`: variables beside those of this process. */
export async function askPython(
  python: string,
  packages: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PythonFacts | undefined> {
  if (Bun.which(python) === null) return undefined;
  const command = [python, "-c", SCRIPT, JSON.stringify(packages)];
  const { lines } = await programOutput(command, PYTHON_LIMIT_MS, env);
  return parsePython(python, lines);
}

const Facts = v.object({
  path: v.string(),
  version: v.string(),
  scripts: v.string(),
  packages: v.record(v.string(), v.string()),
});

/** The last line that is the script's answer. Pure. */
export function parsePython(python: string, lines: readonly string[]): PythonFacts | undefined {
  const facts = v.safeParse(Facts, lastJson(lines));
  return facts.success ? { python, ...facts.output } : undefined;
}

const SCRIPT = `
import importlib.metadata as metadata, json, sys, sysconfig
found = {}
for name in json.loads(sys.argv[1]):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print("\\n" + json.dumps({"path": sys.executable, "version": sys.version.split()[0],
    "scripts": sysconfig.get_path("scripts"), "packages": found}))
`.trim();
