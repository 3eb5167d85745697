/**
 * Where requests go: the URL of a server, parsed once, so that nothing on the hot path parses it.
 */
import { DynbenchError } from "../../base/errors.ts";

export interface HttpTarget {
  /** Name or address to connect to; IPv6 addresses without brackets. */
  host: string;
  port: number;
  tls: boolean;
  /** Put before every path: `/base` of `http://h:8000/base/`, or empty. */
  basePath: string;
  /** Value of the `Host` header. */
  authority: string;
}

const HINT = "Give a URL such as http://127.0.0.1:8000 or https://host/base";

/** Hint for a server that asks for a key. */
export const KEY_HINT = "Name the variable that holds the key with --api-key-env";

/** Parses an http or https URL; throws a `DynbenchError` that quotes the URL. */
export function parseTarget(url: string): HttpTarget {
  const parsed = URL.parse(url);
  if (parsed === null) throw fault(url, "it is not a URL");
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw fault(url, `scheme "${parsed.protocol}" is neither http: nor https:`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw fault(hidePassword(parsed), "it carries a user name or password", {
      hint: KEY_HINT,
    });
  }
  if (parsed.search !== "" || parsed.hash !== "") {
    throw fault(url, "it carries a query or fragment");
  }
  const tls = parsed.protocol === "https:";
  const bracketed = parsed.hostname.startsWith("[");
  return {
    host: bracketed ? parsed.hostname.slice(1, -1) : parsed.hostname,
    port: parsed.port === "" ? (tls ? 443 : 80) : Number(parsed.port),
    tls,
    basePath: parsed.pathname.replace(/\/+$/, ""),
    authority: parsed.host,
  };
}

/** The host for a URL: loopback for an address that listens everywhere; IPv6 in brackets. */
export function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function fault(url: string, state: string, details: { hint?: string } = {}): DynbenchError {
  return new DynbenchError("plan", `Cannot use URL "${url}": ${state}`, {
    hint: details.hint ?? HINT,
  });
}

function hidePassword(url: URL): string {
  return `${url.protocol}//…@${url.host}${url.pathname}`;
}
