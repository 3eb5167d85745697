/** The folder of the foreign programs from `install.sh`: the one that DYNBENCH_PROGRAMS names. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const FOLDER =
  process.env["DYNBENCH_PROGRAMS"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "dynbench-tests");

/** Path of `name` there, such as `dynamo/bin/python`; undefined where it is not installed. */
export function installed(name: string): string | undefined {
  const path = join(FOLDER, name);
  return existsSync(path) ? path : undefined;
}

/** Whether tests against them run: only with DYNBENCH_REAL=1, which `npm run test:real` sets. */
export function isRealRun(): boolean {
  return process.env["DYNBENCH_REAL"] === "1";
}
