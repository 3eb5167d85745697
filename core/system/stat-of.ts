/** What lies at a path that was typed, which may be no path at all: too long, or through a file. */
import { lstatSync, statSync, type Stats } from "node:fs";

/** Undefined where nothing can be found there; whoever then reads it is told why. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The same of a link itself. */
export function linkStatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
