/**
 * What the gateway refuses of requests that a web page may have sent, which runs on a user's machine
 * and so reaches loopback: a page names itself in `Origin`, may send without permission only what a form
 * can (no JSON), and reaches us under a name of its own only in `Host` (DNS rebinding). A state that
 * another may change is worth nothing, so that takes the token of the run as well. Pure.
 */
import { urlHost } from "../wire/http/target.ts";
import type { ParsedRequest } from "./http-server.ts";

export interface Refusal {
  readonly status: 403 | 415;
  readonly message: string;
}

type Headers = ParsedRequest["headers"];

/** The name by which clients reach what is bound to `host`, as they write it in `Host`. */
export function nameOf(host: string): string {
  return URL.parse(`http://${urlHost(host)}`)?.hostname ?? host;
}

/** Carries the token of `GatewayTask`, with which state may be changed. */
export const TOKEN_HEADER = "x-dynbench-token";

/** Of a request for the workers; undefined for one that is passed on. vLLM reads JSON alone too. `boundTo`: see `nameOf`. */
export function refusalOfPrompt(headers: Headers, boundTo: string): Refusal | undefined {
  const { origin } = headers;
  if (origin !== undefined && !isOwnOrigin(headers, boundTo)) return foreign(origin);
  const type = headers["content-type"];
  if (type === "application/json" || (type !== undefined && JSON_TYPE.test(type))) return undefined;
  const message = "Unsupported Media Type: Only 'application/json' is allowed";
  return { status: 415, message };
}

/** Of a request for the gateway's own state. `token`: of the task, for what changes it. */
export function refusalOfControl(
  headers: Headers,
  { boundTo, token }: { boundTo: string; token?: string },
): Refusal | undefined {
  const { host = "", origin } = headers;
  if (!isOwnHost(host, boundTo)) {
    const message = `This is answered at a loopback address only, not at "${host}"`;
    return { status: 403, message };
  }
  if (origin !== undefined && !isOwnOrigin(headers, boundTo)) return foreign(origin);
  if (token === undefined || headers[TOKEN_HEADER] === token) return undefined;
  return { status: 403, message: `This takes the run's own token in ${TOKEN_HEADER}` };
}

const JSON_TYPE = /^\s*application\/json\s*(;|$)/i;
/** Names of this machine alone, which no name server can give to another. */
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i;

/** `Host` without its port is a loopback name, or the address that the gateway was told to bind to. */
function isOwnHost(host: string, boundTo: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return LOOPBACK.test(name) || name.toLowerCase() === boundTo;
}

function isOwnOrigin({ host = "", origin }: Headers, boundTo: string): boolean {
  return isOwnHost(host, boundTo) && origin === `http://${host}`;
}

function foreign(origin: string): Refusal {
  return { status: 403, message: `Pages of "${origin}" may not send requests here` };
}
