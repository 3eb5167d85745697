/** Code blocks of a page in Markdown: what it says to save, to type, and what it shows as printed. */
import { expect } from "bun:test";

export interface Block {
  readonly heading: string;
  /** `ts`, `sh`, or nothing for what is printed. */
  readonly kind: string;
  readonly text: string;
  /** Name under which the words before it say to save it. */
  readonly file: string | undefined;
}

export function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  let heading = "";
  let file: string | undefined;
  for (const [part, kind, body, name] of page.matchAll(
    /^```(\w*)\n([\s\S]*?)^```$|^## .*$|Save this as `([\w.-]+)`/gm,
  )) {
    if (body !== undefined) {
      found.push({ heading, kind: kind!, text: body, file });
      file = undefined;
    } else if (name === undefined) heading = part.slice(3);
    else file = name;
  }
  return found;
}

/** Lines are printed one after the other; a line of dots stands for any number of others. */
export function expectShown(printed: string, shown: string): void {
  const [first = "", ...rest] = shown.split(/^…\n/m);
  let from = printed.indexOf(first);
  expect(printed).toContain(first);
  for (const part of [first, ...rest]) {
    const at = printed.indexOf(part, from);
    expect(printed.slice(from)).toContain(part);
    from = at + part.length;
  }
}

/**
 * The words of every call of dynbench in shell text, without the program's own name: lines that end in
 * a backslash are joined, and a call ends at a pipe, a redirection, a bracket or a comment.
 */
export function callsOf(shell: string): string[][] {
  const calls: string[][] = [];
  for (const line of shell.replaceAll("\\\n", " ").split("\n")) {
    let call: string[] | undefined;
    for (const word of wordsOf(line)) {
      if (/^(\.\/)?dynbench$/.test(word)) calls.push((call = []));
      else if (ENDS.has(word)) call = undefined;
      else if (word === COMMENT) break;
      else call?.push(word);
    }
  }
  return calls;
}

const COMMENT = "#";
const ENDS: ReadonlySet<string> = new Set(["|", "||", "&", "&&", ";", ">", "<(", "(", ")"]);

/** Words as the shell splits them, with operators and the start of a comment as words of their own. */
function wordsOf(line: string): string[] {
  const words = line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'|&;<>()])+|\|\|?|&&?|<\(|[;<>()]/g);
  return [...words].map(([word]) =>
    word.startsWith(COMMENT) ? COMMENT : word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}
