/** Which Python it is and which packages it has, from their metadata: nothing is imported, which takes an engine half a minute. */
import * as v from "valibot";
import { DynbenchError } from "../base/errors.ts";
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

/**
 * The packages of a Python among `wanted` and `known`. Throws where it has none of `wanted`. Undefined
 * where it gives no answer in time: what is started with it waits longer. `title`: what needs it;
 * `also`: what else is missing; `instead`: what needs no Python.
 */
export async function mustHavePackage(
  title: string,
  of: {
    readonly python: string;
    readonly wanted: readonly string[];
    readonly known?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly also?: string;
    readonly instead: string;
  },
): Promise<PythonFacts["packages"] | undefined> {
  const { python, wanted, known = [], env = {}, also = "", instead } = of;
  const facts = await askPython(python, [...new Set([...wanted, ...known])], env);
  const isProgram = Bun.which(python) !== null;
  if (facts === undefined && isProgram) return undefined;
  const packages = facts?.packages ?? {};
  if (wanted.some((name) => name in packages)) return packages;
  const names = wanted.map((name) => `"${name}"`).join(" or ");
  const lacks = isProgram
    ? `Python "${python}" has no package ${names}`
    : `there is no Python "${python}", which must have the package ${names}`;
  throw new DynbenchError("start", `Cannot start ${title}: ${lacks}${also}`, {
    hint: `Install it (${python} -m pip install ${wanted[0]}), or name another Python with --python; ${instead}`,
  });
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
