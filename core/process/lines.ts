/** What a child leaves: its lines as they come, the last ones of its log, the signal that ended it. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** How many are told of a process that died: enough for a Python traceback's last frames. */
export const LAST_LINES = 20;
/** The end of a log that is looked at: a traceback fits, a log of gigabytes costs nothing. */
const TAIL_BYTES = 64 * 1024;

/** The name of the signal that ended a child of `Bun.spawn`, if one did. */
export function signalOf(child: { readonly signalCode: string | number | null }): string | null {
  return child.signalCode === null ? null : String(child.signalCode);
}

/** Lines of a byte stream; a last line without newline is told too. */
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

/** The last lines of a file that are not empty, newest last; none where it cannot be read. */
export function lastLinesOf(path: string, count: number): string[] {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString("utf8", 0, read).split("\n");
    const whole = size > TAIL_BYTES ? lines.slice(1) : lines; // the first is cut
    return whole.filter((line) => line.trim() !== "").slice(-count);
  } catch {
    return [];
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
