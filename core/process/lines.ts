/** Lines of a child as they come, the last lines of its log, and the signal that ended it. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

/** How many are reported of a process that died: enough for a Python traceback's last frames. */
export const LAST_LINES = 20;
/**
 * How many are searched for the reason: all of a start that failed. Eight processes of an engine write a
 * traceback each before the last of them ends.
 */
export const EXPLAINED_LINES = 50_000;
/** The end of a log that is looked at: a traceback fits, a log of gigabytes costs nothing. */
const TAIL_BYTES = 64 * 1024;
const USUAL_LINE_BYTES = 160;

/** Where the next line of a log will be. */
export function endOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The name of the signal that ended a child of `Bun.spawn`, if one did. */
export function signalOf(child: { readonly signalCode: string | number | null }): string | null {
  return child.signalCode === null ? null : String(child.signalCode);
}

/** Lines of a byte stream; a last line without newline is yielded too. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n", start); end !== -1; end = rest.indexOf("\n", start)) {
      yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
  }
  if (rest !== "") yield rest;
}

/**
 * The last lines of a file that are not empty, as a terminal shows them, newest last, from byte `from` on;
 * none where it cannot be read.
 */
export function lastLinesOf(path: string, count: number, from = 0): string[] {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    const tail = Math.max(TAIL_BYTES, count * USUAL_LINE_BYTES);
    const bytes = Buffer.alloc(Math.max(0, Math.min(size - from, tail)));
    const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString("utf8", 0, read).split("\n");
    const whole = size - from > tail ? lines.slice(1) : lines; // the first is cut
    return whole
      .map(shown)
      .filter((line) => line.trim() !== "")
      .slice(-count);
  } catch {
    return [];
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A line without colours, with the last state of a progress bar, which rewrites its line. */
function shown(line: string): string {
  const states = stripVTControlCharacters(line).split("\r");
  return (states.findLast((state) => state.trim() !== "") ?? "").replace(
    /[\u0000-\u0008\u000b-\u001f\u007f]/g,
    "",
  );
}
