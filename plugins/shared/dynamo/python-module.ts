/**
 * Finds which Dynamo a Python has, before anything is launched with it: the package's version, and
 * the flags that a module's `--help` lists. Each is looked up once a run.
 */
import { stripVTControlCharacters } from "node:util";
import { DynbenchError, messageOf } from "dynbench";

/** `--help` of frontend and mocker takes about a second; far more on a busy machine. */
const PROBE_LIMIT_MS = 60_000;
const TOLD_LINES = 5;

export interface DynamoModule {
  /** Version of the package `ai-dynamo`, from its metadata. */
  readonly version: string;
  readonly help: string;
}

/** Throws a `DynbenchError` that names the Python and what it lacks. */
export async function probeModule(
  module: string,
  {
    python,
    env,
    signal,
  }: { python: string; env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<DynamoModule> {
  const [version, help] = await Promise.all([
    output([python, "-c", VERSION_SCRIPT], { module, python, env, signal }),
    output([python, "-m", module, "--help"], { module, python, env, signal }),
  ]);
  return { version: version.trim(), help };
}

const VERSION_SCRIPT = "import importlib.metadata as m; print(m.version('ai-dynamo'))";

async function output(
  command: string[],
  about: {
    module: string;
    python: string;
    env: Readonly<Record<string, string>>;
    signal: AbortSignal;
  },
): Promise<string> {
  const { module, python, env, signal } = about;
  const limit = AbortSignal.timeout(PROBE_LIMIT_MS);
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...env, COLUMNS: "200" },
      signal: AbortSignal.any([signal, limit]),
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    throw new DynbenchError("start", `Cannot run Python "${python}": ${messageOf(cause)}`, {
      hint: "Name a Python that has the package ai-dynamo: --python PATH",
      cause,
    });
  }
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  signal.throwIfAborted();
  if (code === 0) return stdout;
  const lines = stripVTControlCharacters(stderr).trim().split("\n").slice(-TOLD_LINES);
  const isMissing = /No module named|PackageNotFoundError/.test(stderr);
  throw new DynbenchError(
    "start",
    isMissing
      ? `Cannot start ${module}: Python "${python}" does not have it`
      : `Cannot start ${module}: "${command.join(" ")}" ${limit.aborted ? `did not end within ${PROBE_LIMIT_MS / 1000} s` : `ended with exit code ${code}`}`,
    {
      hint: [
        isMissing ? INSTALL_HINT : "Its last lines:",
        ...lines.map((line) => `  ${line}`),
      ].join("\n"),
    },
  );
}

const INSTALL_HINT =
  "Install it (pip install ai-dynamo), or name a Python that has it: --python PATH. Its output:";
