/** Lines of at most a terminal's width. Pure. */

/** Narrower than that no line is made: words would stand one below the other. */
const LEAST_ROOM = 20;

/**
 * Breaks at spaces; every line begins with the indent. A word that is longer than the room (a path, a
 * command's flag) stays whole, so that it can be copied.
 */
export function wrapped(
  text: string,
  { width, indent }: { width: number; indent: string },
): string[] {
  const room = Math.max(LEAST_ROOM, width - Bun.stringWidth(indent));
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && Bun.stringWidth(longer) > room) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((part) => `${indent}${part}`);
}
