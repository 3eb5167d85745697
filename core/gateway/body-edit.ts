/**
 * Changes members of a JSON object in its bytes: what stays is copied as it is, so a prompt of 100 KB
 * is neither parsed nor written again.
 */
import { CLOSE_BRACE, COLON, COMMA, OPEN_BRACE, QUOTE } from "./json-bytes.ts";
import { skipSpace, skipString, skipValue } from "./json-bytes.ts";

export interface BodyEdit {
  /** Names of top-level members to leave out. */
  readonly without: ReadonlySet<string>;
  /** Members to put in front: `"a":1,"b":{}`. */
  readonly add: string;
}

/** Throws when the bytes are no JSON object. */
export function editBody(body: Uint8Array, edit: BodyEdit): Uint8Array {
  const kept = keptMembers(body, edit.without) ?? parsedMembers(body, edit.without);
  const parts: Uint8Array[] = [Buffer.from(`{${edit.add}`)];
  for (const member of kept) parts.push(COMMA_BYTES, member);
  parts.push(END);
  return Buffer.concat(parts);
}

/** The members that stay, each as its bytes; undefined when broken or a name is not plain. */
function keptMembers(body: Uint8Array, without: ReadonlySet<string>): Uint8Array[] | undefined {
  const kept: Uint8Array[] = [];
  let at = skipSpace(body, 0);
  if (body[at] !== OPEN_BRACE) return undefined;
  at = skipSpace(body, at + 1);
  while (body[at] !== CLOSE_BRACE) {
    const nameEnd = body[at] === QUOTE ? skipString(body, at) : -1;
    if (nameEnd === -1) return undefined;
    const name = decoder.decode(body.subarray(at + 1, nameEnd - 1));
    if (name.includes("\\")) return undefined;
    const colon = skipSpace(body, nameEnd);
    if (body[colon] !== COLON) return undefined;
    const end = skipValue(body, skipSpace(body, colon + 1));
    if (end === -1) return undefined;
    if (!without.has(name)) kept.push(body.subarray(at, end));
    at = skipSpace(body, end);
    if (body[at] === CLOSE_BRACE) break;
    if (body[at] !== COMMA) return undefined;
    at = skipSpace(body, at + 1);
    if (body[at] === CLOSE_BRACE) return undefined;
  }
  return skipSpace(body, at + 1) === body.length ? kept : undefined;
}

function parsedMembers(body: Uint8Array, without: ReadonlySet<string>): Uint8Array[] {
  const parsed: unknown = JSON.parse(decoder.decode(body));
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new Error("the body is not a JSON object");
  }
  return Object.entries(parsed)
    .filter(([name]) => !without.has(name))
    .map(([name, value]) => Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`));
}

const COMMA_BYTES = Buffer.from(",");
const END = Buffer.from("}");
const decoder = new TextDecoder();
