/**
 * Writes an HTTP/1.1 request as one piece of bytes, so that head and body leave in one write.
 */
import type { HttpTarget } from "./target.ts";

export interface ExchangeRequest {
  method: string;
  /** Starts with `/`; the target's base path goes before it. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Bytes before `body` in its own buffer that may be overwritten: the head goes there if it fits. */
  headroom?: number | undefined;
}

/** Head and body. Given headers replace the defaults, whatever their case; framing headers are always set here. */
export function requestBytes(
  target: HttpTarget,
  options: { request: ExchangeRequest; keepAlive: boolean },
): Uint8Array {
  const { request } = options;
  if (!TOKEN.test(request.method)) throw new Error(`not an HTTP method: "${request.method}"`);
  const path = target.basePath + request.path;
  if (!PATH.test(path)) throw new Error(`not an HTTP path: "${path}"`);
  let head = `${request.method} ${path} HTTP/1.1\r\n`;
  const given = new Set<string>();
  for (const [name, value] of Object.entries(request.headers)) {
    const lowerCase = name.toLowerCase();
    if (FRAMING.has(lowerCase)) continue;
    if (!TOKEN.test(name)) throw new Error(`not a header name: "${name}"`);
    if (!VALUE.test(value)) throw new Error(`not a value for header "${name}"`);
    given.add(lowerCase);
    head += `${name}: ${value}\r\n`;
  }
  if (!given.has("host")) head += `Host: ${target.authority}\r\n`;
  if (!given.has("user-agent")) head += "User-Agent: dynbench\r\n";
  // A gateway that compresses would also hold events back.
  if (!given.has("accept-encoding")) head += "Accept-Encoding: identity\r\n";
  const bodyLength = request.body?.length ?? 0;
  if (request.body !== undefined || request.method === "POST") {
    head += `Content-Length: ${bodyLength}\r\n`;
  }
  head += options.keepAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return joined(head, request);
}

/** Copying a body of 85 KB is the largest cost here, so the head goes before the body where there is room. */
function joined(head: string, { body, headroom = 0 }: ExchangeRequest): Uint8Array {
  if (body === undefined) return Buffer.from(head, "latin1");
  if (head.length <= headroom) {
    const start = body.byteOffset - head.length;
    const bytes = Buffer.from(body.buffer, start, head.length + body.length);
    bytes.write(head, 0, "latin1");
    return bytes;
  }
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 0, "latin1");
  bytes.set(body, head.length);
  return bytes;
}

const FRAMING = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PATH = /^\/[\x21-\x7e]*$/;
/** Visible characters, blanks and tabs of latin1: no line ends that would start another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
