/**
 * Output files that are whole or absent: written beside their place, then renamed. What is not a
 * plain file (a pipe, /dev/stdout) is written to as it is, since renaming would replace it.
 */
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DynbenchError, whyNot } from "dynbench";

export interface OutputFile {
  readonly path: string;
  /** Replaces the file's content; never leaves half of it. */
  write(text: string): Promise<void>;
}

/** Claims `path` (relative ones in `runDir`): a place that cannot be written fails here, not after the run. */
export async function claimFile(runDir: string, path: string): Promise<OutputFile> {
  const target = resolve(runDir, path);
  const kind = await kindOf(target);
  if (kind === "folder") throw cannotWrite(target, "plan", "it is a folder");
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const probe = await open(kind === "special" ? target : temporary, "a");
    await probe.close();
    if (kind !== "special") await rm(temporary, { force: true });
  } catch (cause) {
    throw cannotWrite(target, "plan", cause);
  }
  return {
    path: target,
    write: async (text) => {
      try {
        if (kind === "special") await writeWhole(target, text);
        else await replaceFile(target, { temporary, text });
      } catch (cause) {
        throw cannotWrite(target, "load", cause);
      }
    },
  };
}

async function kindOf(path: string): Promise<"plain" | "folder" | "special"> {
  const status = await lstat(path).catch(() => undefined);
  if (!status || status.isFile()) return "plain";
  return status.isDirectory() ? "folder" : "special";
}

async function replaceFile(
  target: string,
  content: { temporary: string; text: string },
): Promise<void> {
  try {
    await writeWhole(content.temporary, content.text);
    await rename(content.temporary, target);
  } catch (error) {
    await rm(content.temporary, { force: true });
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

function cannotWrite(path: string, code: "plan" | "load", cause: unknown): DynbenchError {
  const state = typeof cause === "string" ? cause : whyNot(cause);
  const hint =
    code === "plan"
      ? "Give a path in a folder that you may write to"
      : "Free space or write access there, then run `dynbench report` on the run folder";
  return new DynbenchError(code, `Cannot write "${path}": ${state}`, { hint, cause });
}
