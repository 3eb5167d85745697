/**
 * The rules of the house as functions of the sources: each returns what breaks it, one line each.
 * `rules.test.ts` breaks every rule once; `layout.test.ts` asks them of the tree.
 */
import { basename, dirname, join, normalize } from "node:path";
import { DOORS } from "../../release/doors.ts";
import type { Room } from "./rooms.ts";

export interface Source {
  /** From the root of the tree. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** A path from the root where the import is relative, else a package. */
  readonly target: string;
  readonly isTypeOnly: boolean;
}

/** The doors that plugins import, as files. */
const FILES_OF_DOORS: Readonly<Record<string, string>> = Object.fromEntries(
  DOORS.map(({ name, source }) => [name, source]),
);

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;"']*?from\s+"([^"]+)"|import\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g;

export function sourceOf(path: string, text: string): Source {
  const imports = [...withoutComments(text).matchAll(IMPORT)].map((match) => {
    const target = (match[2] ?? match[3] ?? match[4])!;
    return {
      target: target.startsWith(".") ? normalize(join(dirname(path), target)) : target,
      isTypeOnly: match[1] !== undefined,
    };
  });
  return { path, text, imports };
}

// --------------------------------------------------------------------------------------- floors

/** Folders of sources that the table lacks, and rooms of the table that no source is in. */
export function unlisted(sources: readonly Source[], rooms: readonly Room[]): string[] {
  const homeless = sources.filter(({ path }) => roomOf(path, rooms) === undefined);
  const lived = new Set(sources.map(({ path }) => roomOf(path, rooms)));
  return [
    ...new Set(homeless.map(({ path }) => `${dirname(path)} is not in the table`)),
    ...rooms.filter((room) => !lived.has(room)).map(({ folder }) => `${folder} is empty`),
  ];
}

/** Imports of a higher floor, or of another room of the same floor. */
export function upward(sources: readonly Source[], rooms: readonly Room[]): string[] {
  return edges(sources).flatMap(([from, to]) => {
    const [own, other] = [roomOf(from, rooms), roomOf(to, rooms)];
    if (own === undefined || other === undefined || dirname(from) === dirname(to)) return [];
    return other.floor < own.floor ? [] : [`${from} (${own.floor}) -> ${to} (${other.floor})`];
  });
}

/** Circles of files that import each other, type-only imports counted, as `a -> b -> a`. */
export function circles(sources: readonly Source[]): string[] {
  const targets = new Map<string, string[]>();
  for (const [from, to] of edges(sources)) targets.set(from, [...(targets.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}

/** Imports between files of the tree, the doors by their names too. */
function edges(sources: readonly Source[]): (readonly [string, string])[] {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap(({ path, imports }) =>
    imports
      .map(({ target }) => FILES_OF_DOORS[target] ?? target)
      .filter((target) => paths.has(target))
      .map((target) => [path, target] as const),
  );
}

export function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  const folder = dirname(path);
  return (
    rooms.find((room) => room.folder === folder) ??
    rooms.find((room) => room.folder === `${dirname(folder)}/*`)
  );
}

// --------------------------------------------------------------------------------------- purity

const EFFECTS = [
  "Date.now",
  "new Date(",
  "performance.now",
  "process.hrtime",
  "process.env",
  "Math.random",
  "setTimeout",
  "setInterval",
  "Bun.spawn",
  "Bun.serve",
  "Bun.connect",
  "Bun.listen",
  "Bun.file",
  "Bun.write",
  "Bun.sleep",
  "fetch(",
  "node:fs",
  "node:net",
  "node:child_process",
];

export function isPure(path: string, rooms: readonly Room[]): boolean {
  const pure = roomOf(path, rooms)?.pure ?? false;
  if (typeof pure === "boolean") return pure;
  const isListed = pure.includes(basename(path));
  const excludes = pure.some((name) => name.startsWith("!"));
  return excludes ? !pure.includes(`!${basename(path)}`) : isListed;
}

/** Effects in pure files, by their words; and what pure files import that is not pure. */
export function impure(sources: readonly Source[], rooms: readonly Room[]): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  return sources
    .filter(({ path }) => isPure(path, rooms))
    .flatMap(({ path, text, imports }) => [
      ...EFFECTS.filter((word) => codeOf(text, word.startsWith("node:")).includes(word)).map(
        (word) => `${path}: ${word}`,
      ),
      ...imports
        .filter(({ target, isTypeOnly }) => !isTypeOnly && paths.has(target))
        .filter(({ target }) => !isPure(target, rooms))
        .map(({ target }) => `${path} -> ${target}`),
    ]);
}

/** Functions of the C library in models and draws: they differ between platforms. */
export function libm(sources: readonly Source[]): string[] {
  const calls = /Math\.(exp|log|log2|log10|pow|cos|sin|tan|tanh|expm1|log1p)\(|\*\*/;
  return sources.filter(({ text }) => calls.test(codeOf(text))).map(({ path }) => path);
}

// ---------------------------------------------------------------------------------------- sizes

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

export function longFiles(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return lines > MAX_FILE_LINES ? [`${path}: ${lines} lines`] : [];
  });
}

/** A line that opens a function's body, in the formatter's style: named, a method, or an arrow. */
const OPENING =
  /^(?!\s*(?:\}|if|for|while|switch|else|do|try|return|describe|test|it)\b).*(?:\bfunction\b.*|\)(?:: [^=]*)?|=>) \{$/;

/** Functions by the line of their signature; the formatter closes each at the signature's indent. */
export function longFunctions(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, end) => {
      if (!/^\s*\}[\s;,)]*$/.test(line)) return [];
      const indent = line.length - line.trimStart().length;
      const start = signatureOf(lines, end, indent);
      if (start === undefined) return [];
      const length = end - start + 1;
      return length > MAX_FUNCTION_LINES ? [`${path}:${start + 1}: ${length} lines`] : [];
    });
  });
}

/** First line of the function that closes at `end`, undefined where something else does. */
function signatureOf(lines: readonly string[], end: number, indent: number): number | undefined {
  for (let i = end - 1; i >= 0; i -= 1) {
    const line = lines[i]!;
    if (line.trim() === "" || line.length - line.trimStart().length > indent) continue;
    // `): Promise<void> {` closes the parameters of a signature that began above.
    if (!/^\s*\)/.test(line)) return OPENING.test(line) ? i : undefined;
    if (!line.endsWith("{")) return undefined;
    for (let first = i - 1; first >= 0; first -= 1) {
      const above = lines[first]!;
      if (above.trim() !== "" && above.length - above.trimStart().length <= indent) return first;
    }
  }
  return undefined;
}

// ----------------------------------------------------------------------------------------- words

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** A source without its comments and, unless they are wanted, its texts, where words mean nothing. */
export function codeOf(text: string, keepsTexts = false): string {
  const code = withoutComments(text);
  return keepsTexts ? code : code.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}
