/**
 * Reads HTTP/1.1 requests for the null server: only what a completion request of a load generator
 * holds, with a body of known length.
 */

export interface NullRequest {
  method: string;
  path: string;
  /** `x-request-id`, or empty. */
  id: string;
  isChat: boolean;
  maxTokens: number;
  /** Ids of an id prompt, words of a text. */
  promptTokens: number;
}

/** Enough for a prompt of a million tokens. */
const MAX_REQUEST_BYTES = 16_777_216;
const HEAD_END = Buffer.from("\r\n\r\n");

export class RequestReader {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes of head and body together, once the head is known. */
  #wantedBytes = 0;

  /** Takes the next bytes; returns the requests that they complete. Throws on one that is too long. */
  push(bytes: Uint8Array): NullRequest[] {
    // Bun reuses the buffer of a data callback, so what waits for more is copied.
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_REQUEST_BYTES) throw new Error("a request is too long");
    const requests: NullRequest[] = [];
    for (let next = this.#take(); next !== undefined; next = this.#take()) requests.push(next);
    return requests;
  }

  #take(): NullRequest | undefined {
    if (this.#heldBytes === 0 || this.#heldBytes < this.#wantedBytes) return undefined;
    const bytes = this.#held.length === 1 ? Buffer.from(this.#held[0]!) : Buffer.concat(this.#held);
    this.#held = [bytes];
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd === -1) return undefined;
    const head = bytes.toString("latin1", 0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const end = bodyStart + Number(headerOf(head, "content-length") || 0);
    if (bytes.length < end) {
      this.#wantedBytes = end;
      return undefined;
    }
    this.#wantedBytes = 0;
    this.#held = bytes.length === end ? [] : [bytes.subarray(end)];
    this.#heldBytes = bytes.length - end;
    return requestOf(head, bytes.subarray(bodyStart, end));
  }
}

function headerOf(head: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*([^\\r\\n]*)`, "im").exec(head)?.[1]?.trim() ?? "";
}

function requestOf(head: string, body: Uint8Array): NullRequest {
  const [method = "", path = ""] = head.slice(0, head.indexOf("\r\n")).split(" ");
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
  return {
    method,
    path,
    id: headerOf(head, "x-request-id"),
    isChat: path.endsWith("/chat/completions"),
    maxTokens: Number(/"max_(?:completion_)?tokens"\s*:\s*(\d+)/.exec(text)?.[1] ?? 16),
    promptTokens: promptTokensOf(text),
  };
}

/** Counts commas or spaces: parsing 80 KB of JSON a request would cost more than serving it. */
function promptTokensOf(text: string): number {
  const ids = text.indexOf('"prompt":[');
  if (ids !== -1) return countOf(text, ",", { from: ids, until: text.indexOf("]", ids) }) + 1;
  const prompt = /"(?:prompt|content)"\s*:\s*"/.exec(text);
  if (prompt === null) return 0;
  const from = prompt.index + prompt[0].length;
  return countOf(text, " ", { from, until: text.indexOf('"', from) }) + 1;
}

function countOf(text: string, separator: string, range: { from: number; until: number }): number {
  let count = 0;
  let at = text.indexOf(separator, range.from);
  while (at !== -1 && at < range.until) {
    count += 1;
    at = text.indexOf(separator, at + 1);
  }
  return count;
}
