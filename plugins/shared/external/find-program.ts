/**
 * Where the programs of routers are looked for, and which version they are: on PATH first, then
 * beside the engine's Python, whose environment may hold them.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** A `-v` takes milliseconds, a Python tens of them; far more on a busy machine. */
const VERSION_LIMIT_MS = 20_000;
/** A line `#!…/bin/python`, as pip writes it. */
const PYTHON_SHEBANG = /^#!\s*(\S*python[\d.]*)\s/;
const HEAD_BYTES = 512;

/** Where a program's version is found. */
export type VersionSource =
  /** The package that pip installed it from: not each of them knows `--version`. */
  { readonly distribution: string } | { readonly flag: string; readonly pattern: RegExp };

/** Path of the program; undefined where there is none. `python` is the path or name of a Python. */
export function findProgram(command: string, python?: string): string | undefined {
  const onPath = Bun.which(command);
  if (onPath !== null) return onPath;
  if (python === undefined || command.includes("/")) return undefined;
  const interpreter = python.includes("/") ? python : Bun.which(python);
  if (interpreter === null) return undefined;
  const beside = join(dirname(interpreter), command);
  return existsSync(beside) ? beside : undefined;
}

/** Version of the program at `path`; undefined where it is not found, or the signal came first. */
export async function programVersion(
  path: string,
  source: VersionSource,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if ("flag" in source) return source.pattern.exec(await output([path, source.flag], signal))?.[1];
  const python = PYTHON_SHEBANG.exec(await headOf(path))?.[1];
  if (python === undefined) return undefined;
  const script = `import importlib.metadata as m; print(m.version('${source.distribution}'))`;
  return /^\d\S*/.exec(await output([python, "-c", script], signal))?.[0];
}

async function headOf(path: string): Promise<string> {
  return Bun.file(path)
    .slice(0, HEAD_BYTES)
    .text()
    .catch(() => "");
}

/** Its stdout and stderr, because nginx prints its version on stderr; "" where it does not run. */
async function output(command: string[], signal: AbortSignal | undefined): Promise<string> {
  try {
    const child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: VERSION_LIMIT_MS,
      killSignal: "SIGKILL",
      ...(signal ? { signal } : {}),
    });
    const texts = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return texts.join("\n");
  } catch {
    return "";
  }
}
