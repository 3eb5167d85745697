/**
 * Writes lines to a file, packed if its name says so, or to standard output. A file appears under
 * its name only when it is whole: what was cut short is never taken for a trace.
 */
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { DynbenchError, messageOf } from "../base/errors.ts";

/** Lines are handed to the stream in pieces of about this size. */
const PIECE_CHARACTERS = 256 * 1024;

/** Throws a `DynbenchError` that names the file, and the `flag` that chose it, when it cannot be written. */
export async function writeLines(
  path: string,
  lines: Iterable<string> | AsyncIterable<string>,
  flag = "--out",
): Promise<void> {
  const source = Readable.from(piecesOf(lines), { objectMode: false });
  if (path === "-") return pipeline(source, process.stdout, { end: false });
  const unfinished = `${path}.part`;
  try {
    const target = createWriteStream(unfinished);
    if (path.endsWith(".gz")) await pipeline(source, createGzip(), target);
    else if (path.endsWith(".zst")) await pipeline(source, createZstdCompress(), target);
    else await pipeline(source, target);
    renameSync(unfinished, path);
  } catch (cause) {
    rmSync(unfinished, { force: true });
    if (cause instanceof DynbenchError) throw cause;
    throw new DynbenchError("plan", `Cannot write "${path}": ${messageOf(cause)}`, {
      cause,
      hint: `Choose another file with ${flag}`,
    });
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
