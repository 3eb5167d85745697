/** Lines of at most a terminal's width. Pure. */

/** Lines are at least this wide, also on a narrower terminal. */
const LEAST_ROOM = 20;

/**
 * Breaks the text at spaces; every line begins with the indent. A word that is longer than a line (a
 * path, a flag) is not broken, so that it can be copied.
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
