/** Connection errors in plain words; the runtime's own messages address its developers. */
import { messageOf } from "../../base/errors.ts";

/** `connection refused (ECONNREFUSED)`: words to read, and the system's code to search for. */
export function faultWords(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) return messageOf(error);
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "host name not resolved",
  ETIMEDOUT: "connection timed out",
  EPIPE: "connection broken",
  EPROTO: "that port does not answer TLS",
  Malformed_HTTP_Response: "the server there does not speak HTTP",
};

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
