/**
 * Folders for temporary files. Their names hold the process, so that what a power cut or a SIGKILL
 * leaves can be distinguished from what is in use: `dynbench-up-4711-gRy6LY`.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNot } from "../base/why-not.ts";
import { DynbenchError } from "../base/errors.ts";

const USES = ["up", "pack", "test", "stdin"] as const;
const NAME = new RegExp(`^dynbench-(?:${USES.join("|")})-(\\d+)-[A-Za-z0-9]{6}$`);

/** The beginning of a name, for `mkdtemp`. */
export function temporaryName(use: (typeof USES)[number]): string {
  return `dynbench-${use}-${process.pid}-`;
}

/** A fresh one; `action` is what it is for: `pack "x"`. Throws a `DynbenchError` where there is no place. */
export function temporaryFolder(use: (typeof USES)[number], action: string): string {
  try {
    return mkdtempSync(join(tmpdir(), temporaryName(use)));
  } catch (cause) {
    throw noPlace(action, cause);
  }
}

/** Temporary files cannot be written. */
export function noPlace(action: string, cause: unknown): DynbenchError {
  return new DynbenchError("plan", `Cannot ${action}: ${tmpdir()}: ${whyNot(cause)}`, {
    cause,
    hint: "Name another folder for temporary files with TMPDIR",
  });
}

/** Process that made the folder of that name; undefined for a name that is not ours. */
export function makerOf(name: string): number | undefined {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : undefined;
}
