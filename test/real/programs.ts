/** Where `install.sh` has put the foreign programs: the folder that DYNBENCH_PROGRAMS names. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const FOLDER =
  process.env["DYNBENCH_PROGRAMS"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "dynbench-tests");

/** Path of what is called `name` there, such as `dynamo/bin/python`; undefined where it is not installed. */
export function installed(name: string): string | undefined {
  const path = join(FOLDER, name);
  return existsSync(path) ? path : undefined;
}

/** Tests against them run only on demand: with DYNBENCH_REAL=1, as `npm run test:real` sets it. */
export function isRealRun(): boolean {
  return process.env["DYNBENCH_REAL"] === "1";
}
