/**
 * Writes lines to a file, packed if its name says so, or to standard output. A file appears under
 * its name only when it is whole: what was cut short is never taken for a trace. A device or a pipe is
 * written to as it is, since a file would take its place.
 */
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { DynbenchError } from "../base/errors.ts";
import { isFull, whyNot } from "../base/why-not.ts";
import { linkStatOf } from "./stat-of.ts";

/** Lines are handed to the stream in pieces of about this size. */
const PIECE_CHARACTERS = 256 * 1024;

/**
 * Throws a `DynbenchError` that names the file, and the `flag` that chose it, when it cannot be written.
 * Standard output that cannot be is left to whoever watches it: to the end of the program.
 */
export async function writeLines(
  path: string,
  lines: Iterable<string> | AsyncIterable<string>,
  flag = "--out",
): Promise<void> {
  const source = Readable.from(piecesOf(lines), { objectMode: false });
  if (path === "-") return toStdout(source);
  const status = linkStatOf(path);
  const isPlain = status === undefined || status.isFile() || status.isDirectory();
  const write = async (target: string): Promise<void> => {
    const file = createWriteStream(target);
    if (path.endsWith(".gz")) await pipeline(source, createGzip(), file);
    else if (path.endsWith(".zst")) await pipeline(source, createZstdCompress(), file);
    else await pipeline(source, file);
  };
  try {
    await (isPlain ? writeBeside(path, write) : write(path));
  } catch (cause) {
    if (cause instanceof DynbenchError) throw cause;
    const code = isFull(cause) ? "load" : "plan";
    throw new DynbenchError(code, `Cannot write "${path}": ${whyNot(cause)}`, {
      cause,
      hint: `Choose another file with ${flag}`,
    });
  }
}

async function writeBeside(path: string, write: (target: string) => Promise<void>): Promise<void> {
  const unfinished = `${path}.part`;
  try {
    await write(unfinished);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

async function toStdout(source: Readable): Promise<void> {
  let fault: unknown;
  source.once("error", (error) => (fault = error));
  try {
    await pipeline(source, process.stdout, { end: false });
  } catch (error) {
    if (fault === error) throw error; // of the lines
  }
}

async function* piecesOf(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer> {
  let piece = "";
  for await (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = "";
  }
  if (piece !== "") yield Buffer.from(piece);
}
