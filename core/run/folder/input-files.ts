/**
 * The files that a plan's workloads read. The plan holds a digest of each, so that another content
 * under the same name is noticed, and a run keeps the content of standard input: every cell reads it
 * again, and so does a resumed run.
 */
import { createReadStream, createWriteStream, renameSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DynbenchError, EXIT_CODES, PlanFaults } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import { temporaryFolder } from "../../system/temporary-name.ts";
import { optionSpecs } from "../../plan/option-spec.ts";
import type { InputFile, Plan } from "../../contract/plan.ts";
import type { Plugins } from "../../contract/plugins.ts";
import type { RunFolder } from "./run-folder.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The name of standard input in a plan. */
const STDIN = "-";

/** Standard input in a file of its own, until a run folder keeps it; removed when disposed. */
export interface HeldInput extends Disposable {
  readonly path: string;
  readonly bytes: number;
  /** Moves it to where the run folder has it. */
  keepIn(folder: RunFolder): Promise<string>;
}

/**
 * Digests of the files that the plan's workloads read; a missing file is left out, because its reader
 * reports it. `stdin` is the file that holds standard input.
 */
export async function inputFiles(
  plan: Plan,
  { plugins, stdin }: { plugins: Plugins; stdin: string | undefined },
): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const path of await inputPaths(plan, plugins)) {
    const place = path === STDIN ? stdin : path;
    const digest = place === undefined ? undefined : await digestOf(place);
    if (digest !== undefined) files.push({ path, ...digest });
  }
  return files;
}

/** One sentence for each file that is not what the plan was made with. */
export function changedFiles(plan: Plan, now: readonly InputFile[]): string[] {
  return (plan.files ?? []).flatMap((before) => {
    const found = now.find(({ path }) => path === before.path);
    if (found === undefined || found.sha256 === before.sha256) return [];
    const name = before.path === STDIN ? "standard input" : before.path;
    return [
      `${name} is not what the plan was made with: it had ${before.bytes} bytes, ` +
        `SHA-256 ${before.sha256.slice(0, 12)}…, and now has ${found.bytes}, ${found.sha256.slice(0, 12)}…`,
    ];
  });
}

/** The plan with another file in place of standard input. */
export async function withStdinAt(plan: Plan, path: string, plugins: Plugins): Promise<Plan> {
  const keys = await fileKeys(plan, plugins);
  const cells = plan.cells.map((cell) => {
    const { workload } = cell;
    const replaced = Object.fromEntries(
      Object.entries(workload.options).map(([key, value]) =>
        keys.get(workload.name)!.has(key) && value === STDIN ? [key, path] : [key, value],
      ),
    );
    return { ...cell, workload: { ...workload, options: replaced } };
  });
  return { ...plan, cells };
}

/** A run folder's plan that requests can be drawn from: standard input is where the folder keeps it. */
export async function runnablePlan(folder: RunFolder, plugins: Plugins): Promise<Plan> {
  return withStdinAt(folder.readPlan(), folder.stdinFile, plugins);
}

/** Reads standard input to its end, if the plan reads it. `log` gets how much there was. */
export async function holdStdin(
  plan: Plan,
  plugins: Plugins,
  log: (text: string) => void,
): Promise<HeldInput | undefined> {
  if (!(await inputPaths(plan, plugins)).includes(STDIN)) return undefined;
  if (process.stdin.isTTY) {
    throw new PlanFaults([
      {
        path: "workload",
        message: "- reads a file from standard input, and that is this terminal",
        hint: "Name the file, or pipe it: zcat trace.jsonl.gz | dynbench run … --trace -",
      },
    ]);
  }
  let folder: string | undefined;
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  const stop = (): never => process.exit(EXIT_CODES.interrupted.code);
  process.once("exit", remove);
  for (const signal of SIGNALS) process.once(signal, stop); // a signal alone is no exit
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  folder = temporaryFolder("stdin", "keep standard input");
  const path = join(folder, "stdin");
  const cannotKeep = (place: string, hint: string, cause: unknown): DynbenchError => {
    const message = `Cannot keep standard input in ${place}: ${whyNot(cause)}`;
    return new DynbenchError("plan", message, {
      cause,
      hint: `Name the file instead of -, ${hint}`,
    });
  };
  try {
    await pipeline(process.stdin, createWriteStream(path));
  } catch (cause) {
    remove();
    throw cannotKeep(folder, "or set TMPDIR to a folder with room for it", cause);
  }
  const { bytes } = (await digestOf(path))!;
  log(`read ${bytesText(bytes)} from standard input`);
  return {
    path,
    bytes,
    keepIn: async (run) => {
      release(); // from now on the run handles signals
      const target = run.stdinFile;
      try {
        renameSync(path, target);
      } catch {
        try {
          await copyFile(path, target); // of another disk
        } catch (cause) {
          throw cannotKeep(run.path, "or choose a folder with room for it with --out", cause);
        }
      }
      return target;
    },
    [Symbol.dispose]: () => {
      release();
      remove();
    },
  };
}

/** By workload: the options that name files. */
async function fileKeys(plan: Plan, plugins: Plugins): Promise<Map<string, Set<string>>> {
  const keys = new Map<string, Set<string>>();
  for (const { workload } of plan.cells) {
    if (keys.has(workload.name)) continue;
    const specs = optionSpecs((await plugins.load(workload)).options);
    const files = specs.filter(({ isFile }) => isFile).map(({ key }) => key);
    keys.set(workload.name, new Set(files));
  }
  return keys;
}

/** As the plan names them, each once. */
async function inputPaths(plan: Plan, plugins: Plugins): Promise<string[]> {
  const keys = await fileKeys(plan, plugins);
  const paths = plan.cells.flatMap(({ workload: { name, options } }) =>
    Object.entries(options).flatMap(([key, value]) =>
      keys.get(name)!.has(key) && typeof value === "string" ? [value] : [],
    ),
  );
  return [...new Set(paths)];
}

async function digestOf(path: string): Promise<Pick<InputFile, "sha256" | "bytes"> | undefined> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(piece as Buffer);
      bytes += (piece as Buffer).length;
    }
  } catch {
    return undefined;
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** `3.0 MB`, `812 bytes`. */
export function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  const [size, unit] = bytes < 1e6 ? [1e3, "kB"] : bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(bytes / size).toFixed(1)} ${unit}`;
}
