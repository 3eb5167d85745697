/**
 * Looks through a tarball before it is unpacked: an entry whose path leaves the archive's own folder
 * is a mistake or an attack, and either way no plugin. Header layout: POSIX.1-2017 pax, "ustar
 * interchange format"; GNU tar's `L` and `K` long names.
 */
const BLOCK = 512;

/** The first path, or link target, that would lead out of the archive; throws on anything but a tar. */
export function strayPath(tar: Uint8Array): string | undefined {
  for (const { path, target } of entriesOf(tar)) {
    const stray = [path, target].find(leaves);
    if (stray !== undefined) return stray;
  }
  return undefined;
}

/** `name` of the package, undefined where it has none; throws on anything but a tar with a package.json. */
export function packageName(tar: Uint8Array): unknown {
  for (const { path, body } of entriesOf(tar)) {
    if (!/^[^/]+\/package\.json$/.test(path.replace(/^(\.\/)+/, ""))) continue;
    const manifest: unknown = JSON.parse(new TextDecoder().decode(body));
    return (manifest as { name?: unknown } | null)?.name;
  }
  throw new Error("it has no package.json");
}

interface TarEntry {
  readonly path: string;
  /** Of a link; else empty. */
  readonly target: string;
  readonly body: Uint8Array;
}

function* entriesOf(tar: Uint8Array): Generator<TarEntry> {
  let long: Partial<Record<"path" | "linkpath", string>> = {};
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    if (!isChecked(header)) throw new Error("it is no tar archive");
    const size = octal(header, 124, 12);
    const type = String.fromCharCode(header[156]!);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (body.length < size) throw new Error("it ends in the middle of a file");
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x") long = { ...long, ...paxNames(body) };
    else if (type === "L") long.path = text(body, 0, size);
    else if (type === "K") long.linkpath = text(body, 0, size);
    else if (type !== "g") {
      const target = "12".includes(type) ? (long.linkpath ?? text(header, 157, 100)) : "";
      yield { path: long.path ?? ustarPath(header), target, body };
      long = {};
    }
  }
  throw new Error("it has no end");
}

function leaves(path: string): boolean {
  return path.startsWith("/") || path.split(/[/\\]/).includes("..") || /^[a-z]:/i.test(path);
}

function ustarPath(header: Uint8Array): string {
  const isUstar = text(header, 257, 5) === "ustar";
  const prefix = isUstar ? text(header, 345, 155) : "";
  return `${prefix === "" ? "" : `${prefix}/`}${text(header, 0, 100)}`;
}

/** Records of a pax header: `LENGTH KEY=VALUE\n`. */
function paxNames(body: Uint8Array): Partial<Record<"path" | "linkpath", string>> {
  const names: Partial<Record<"path" | "linkpath", string>> = {};
  for (let at = 0; at < body.length;) {
    const length = Number.parseInt(text(body, at, 20), 10);
    if (!(length > 0)) break;
    const record = text(body, at, length - 1);
    const match = /^\d+ (path|linkpath)=([\s\S]*)$/.exec(record);
    if (match) names[match[1] as "path" | "linkpath"] = match[2]!;
    at += length;
  }
  return names;
}

/** The header's bytes add up to its checksum, which is counted as blanks. */
function isChecked(header: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 1) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum === octal(header, 148, 8);
}

function octal(bytes: Uint8Array, at: number, length: number): number {
  const digits = text(bytes, at, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === "" ? 0 : Number.NaN;
}

/** Up to the first zero byte. */
function text(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}
