/**
 * Names cut to a width so that different names stay different: what several of them share gives way
 * first, and what tells them apart is kept. Pure.
 */

const ELLIPSIS = "…";

/** One for each name, in their order. `widthOf` measures a text, in columns or in characters. */
export function shortNames(
  names: readonly string[],
  width: number,
  widthOf: (text: string) => number = ({ length }) => length,
): string[] {
  const distinct = [...new Set(names)];
  const short = new Map<string, string>();
  const place = (group: readonly string[], isFirst: boolean): void => {
    const kept = isFirst ? undefined : edgesOf(group);
    for (const name of group) short.set(name, cut(name, { width, widthOf, kept }));
    for (const alike of Map.groupBy(group, (name) => short.get(name)!).values()) {
      if (alike.length > 1 && (isFirst || alike.length < group.length)) place(alike, false);
    }
  };
  const left = cutWords(distinct, short, { width, widthOf });
  place(left, true);
  number(short, { width, widthOf });
  return names.map((name) => short.get(name)!);
}

const SEPARATORS = /([\s=(),:/]+)/;
/** Letters of a word that still say which it is. */
const LETTERS_LEAST = 2;

/**
 * Names of one form, as `kv(temperature=0.1 overlap-credit=4)`, get the same words cut, those that
 * all of them have: `kv(temp…=0.1 over…=4)`. Returns the names that are to be cut otherwise.
 */
function cutWords(names: readonly string[], short: Map<string, string>, room: Room): string[] {
  const forms = Map.groupBy(names, (name) =>
    name
      .split(SEPARATORS)
      .filter((_, i) => i % 2 === 1)
      .join("\n"),
  );
  return [...forms.values()].flatMap((group) => {
    const isTooLong = group.some((name) => room.widthOf(name) > room.width);
    const cutAll = group.length > 1 && isTooLong ? cutShared(group, room) : undefined;
    if (cutAll === undefined) return group;
    group.forEach((name, i) => short.set(name, cutAll[i]!));
    return [];
  });
}

/** Undefined where it does not make every name short enough. */
function cutShared(group: readonly string[], { width, widthOf }: Room): string[] | undefined {
  const words = group.map((name) => name.split(SEPARATORS));
  const isShared = words[0]!.map((word, i) => words.every((one) => one[i] === word));
  const longest = Math.max(...words[0]!.filter((_, i) => isShared[i]).map(({ length }) => length));
  for (let letters = longest - 2; letters >= LETTERS_LEAST; letters -= 1) {
    const shared = words[0]!.map((word) => {
      const segments = segmentsOf(word);
      if (segments.length <= letters + 1) return word;
      return `${segments.slice(0, letters).join("")}${ELLIPSIS}`;
    });
    const all = words.map((own) => own.map((word, i) => (isShared[i] ? shared[i] : word)).join(""));
    if (all.every((text) => widthOf(text) <= width)) return all;
  }
  return undefined;
}

/** Lengths of the beginning and of the end that all names of a group share. */
interface Edges {
  readonly start: number;
  readonly end: number;
}

interface Room {
  readonly width: number;
  readonly widthOf: (text: string) => number;
}

function edgesOf(group: readonly string[]): Edges {
  const all = group.map(segmentsOf);
  const least = Math.min(...all.map(({ length }) => length));
  const first = all[0]!;
  let start = 0;
  while (start < least && all.every((one) => one[start] === first[start])) start += 1;
  let end = 0;
  while (end < least - start && all.every((one) => one.at(-1 - end) === first.at(-1 - end))) {
    end += 1;
  }
  return { start, end };
}

/** Part of a word or of a number: `0.15` differs from `0.1` as a whole. */
const WORD = /[\p{L}\p{N}.%+-]/u;

/** Both ends of the name, and all between `kept.start` and `kept.end` where that fits. */
function cut(name: string, { width, widthOf, kept }: Room & { kept: Edges | undefined }): string {
  if (widthOf(name) <= width) return name;
  const segments = segmentsOf(name);
  let [from, to] = kept === undefined ? [0, 0] : [kept.start, segments.length - kept.end];
  if (kept !== undefined) {
    while (from > 0 && WORD.test(segments[from - 1]!)) from -= 1;
    while (to < segments.length && WORD.test(segments[to]!)) to += 1;
  }
  const core = segments.slice(from, to).join("");
  const marks = kept === undefined ? 1 : 2;
  if (core !== "" && widthOf(core) > width - marks) {
    return cut(core, { width, widthOf, kept: undefined });
  }
  let [head, tail] = [0, segments.length];
  const [headEnd, tailStart] = kept === undefined ? [segments.length, 0] : [from, to];
  let left = width - marks - widthOf(core);
  for (let isTail = true; ; isTail = !isTail) {
    const [canHead, canTail] = [head < headEnd, tail > tailStart];
    if (!canHead && !canTail) break;
    const takesTail = canTail && (isTail || !canHead);
    const next = widthOf(segments[takesTail ? tail - 1 : head]!);
    if (next > left) break;
    left -= next;
    if (takesTail) tail -= 1;
    else head += 1;
  }
  const start = segments.slice(0, head).join("");
  const end = segments.slice(tail).join("");
  if (kept === undefined) return `${start}${ELLIPSIS}${end}`;
  return `${start}${head < from ? ELLIPSIS : ""}${core}${tail > to ? ELLIPSIS : ""}${end}`;
}

/** Names that are still cut alike get a number at their end. */
function number(short: Map<string, string>, { width, widthOf }: Room): void {
  const taken = new Set<string>();
  for (const [name, text] of short) {
    let unique = text;
    for (let count = 2; taken.has(unique); count += 1) {
      const mark = `~${count}`;
      const room = Math.max(1, width - mark.length);
      unique = `${cut(text, { width: room, widthOf, kept: undefined })}${mark}`;
    }
    taken.add(unique);
    short.set(name, unique);
  }
}

function segmentsOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
