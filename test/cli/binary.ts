/**
 * The compiled binary as users have it: run in an empty folder with next to no environment.
 *
 * Every process of a run inherits a variable with a value of this run alone, so that a test can check
 * that no process is left. `DYNBENCH_BINARY` names another binary than `./dynbench`.
 */
import { afterAll } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/**
 * A run of these tests takes a second; one that takes this long hangs. Processes that still exist this
 * long after their run count as left behind.
 */
const USUAL_LIMITS = { runMs: 40_000, leftoverMs: 3000 };
const POLL_MS = 10;
const RUN_VARIABLE = "DYNBENCH_TEST_RUN";

/** Small enough for a second, large enough to hit caches. */
export const TINY_ENGINE = ["--workers", "2", "--speedup", "50"] as const;
export const TINY_LOAD = [
  ...["--isl", "500", "--osl", "5", "--requests", "10", "--prefix-ratio", "0.5", "--repeat", "1"],
  // No figure of so short a run is looked at; settling.test.ts switches it on.
  ...["--settle", "off"],
] as const;
export const TINY = [...TINY_ENGINE, ...TINY_LOAD] as const;

const PLAIN = { PATH: "/usr/local/bin:/usr/bin:/bin" };
/** No test asks a public registry: each setting that can name one names a port without a listener. */
const NO_REGISTRY = {
  npm_config_registry: "http://127.0.0.1:1/",
  NPM_CONFIG_REGISTRY: "http://127.0.0.1:1/",
  BUN_CONFIG_REGISTRY: "http://127.0.0.1:1/",
};

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** Command lines of processes of the run that outlived it. */
  readonly left: readonly string[];
}

export interface Details {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** No environment at all, but for the variables that these tests need. */
  readonly isBare?: boolean;
  /** Another copy of the binary. */
  readonly binary?: string;
  /** Put before the binary: a shell that limits it. */
  readonly wrapper?: readonly string[];
  /** For runs with foreign programs, which take seconds to start and to end. */
  readonly limits?: { readonly runMs: number; readonly leftoverMs: number };
}

/** A running binary. */
export interface Running {
  readonly pid: number;
  /** What it has printed so far. */
  readonly printed: { stdout: string; stderr: string };
  /** Waits until both streams together hold the text; throws when it ends without. */
  shows(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Process ids of everything that the run started, without itself. */
  children(): number[];
  /** Waits for its end and for the ends of all processes that it started. */
  end(): Promise<Outcome>;
}

/** A folder of the test file's own, removed at its end. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the binary to its end. */
export function dynbench(args: readonly string[], details: Details): Promise<Outcome> {
  return startDynbench(args, details).end();
}

export function startDynbench(args: readonly string[], details: Details): Running {
  const mark = `${RUN_VARIABLE}=${crypto.randomUUID()}`;
  const [name, value] = mark.split("=") as [string, string];
  const child = Bun.spawn([...(details.wrapper ?? []), details.binary ?? binary(), ...args], {
    cwd: details.cwd,
    env: {
      ...NO_REGISTRY,
      ...(details.isBare ? {} : { ...PLAIN, HOME: details.cwd }),
      ...details.env,
      [name]: value,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const printed = { stdout: "", stderr: "" };
  const streams = Promise.all([
    collect(child.stdout, (text) => (printed.stdout += text)),
    collect(child.stderr, (text) => (printed.stderr += text)),
  ]);
  const { runMs, leftoverMs } = details.limits ?? USUAL_LIMITS;
  const limit = setTimeout(() => child.kill("SIGKILL"), runMs);
  const children = (): number[] => pidsWith(mark).filter((pid) => pid !== child.pid);
  return {
    pid: child.pid,
    printed,
    children,
    signal: (signal) => child.kill(signal),
    shows: async (text) => {
      const isThere = (): boolean => `${printed.stdout}${printed.stderr}`.includes(text);
      if (await until(() => isThere() || child.exitCode !== null, runMs)) {
        if (isThere()) return;
      }
      throw new Error(`"${text}" was not printed:\n${printed.stdout}${printed.stderr}`);
    },
    end: async () => {
      await child.exited;
      clearTimeout(limit);
      let pids: number[] = [];
      await until(() => (pids = children()).length === 0, leftoverMs);
      const left = pids.map(commandOf);
      for (const pid of pids) killIfThere(pid);
      await streams;
      return { ...printed, exitCode: child.exitCode ?? undefined, left };
    },
  };
}

/** Polls; false when the condition did not come true in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
): Promise<boolean> {
  for (const start = performance.now(); performance.now() - start < limitMs;) {
    if (await condition()) return true;
    await Bun.sleep(POLL_MS);
  }
  return condition();
}

let built: string | undefined;

/** The binary's path; built first where it is missing or older than its sources. */
export function binary(): string {
  const named = process.env.DYNBENCH_BINARY;
  if (named) return resolve(named);
  if (built) return built;
  const path = join(ROOT, "dynbench");
  const age = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = [...new Bun.Glob("{core,plugins,reports}/**/*.{ts,css}").scanSync(ROOT)];
  if (sources.some((source) => statSync(join(ROOT, source)).mtimeMs > age)) {
    const build = Bun.spawnSync([process.execPath, "release/build.ts"], {
      cwd: ROOT,
      stderr: "pipe",
    });
    if (build.exitCode !== 0) throw new Error(`the build failed:\n${build.stderr.toString()}`);
  }
  built = path;
  return path;
}

function pidsWith(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "latin1").includes(mark)) return false;
        return !/\) [ZX] /.test(readFileSync(`/proc/${name}/stat`, "latin1")); // no zombie
      } catch {
        return false; // gone, or not ours
      }
    })
    .map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself since it was seen
  }
}

function commandOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim()}`;
  } catch {
    return `${pid}`;
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}
