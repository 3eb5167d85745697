/** Errors of the gateway itself, in the form OpenAI's API and vLLM use, so that clients need no second parser. */
import type { Answer } from "./http-server.ts";

/** `type` is stable, for programs; `message` is for people. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: null;
    readonly code: number;
  };
}

export function errorBody(
  status: number,
  { type, message }: { type: string; message: string },
): ErrorBody {
  return { error: { message, type, param: null, code: status } };
}

/** Answers a request with an error and nothing else. */
export function answerError(
  answer: Answer,
  status: number,
  error: { type: string; message: string },
): void {
  const body = encoder.encode(JSON.stringify(errorBody(status, error)));
  answer.head(status, [["content-type", "application/json"]], body.length);
  answer.data(body);
  answer.end();
}

const encoder = new TextEncoder();

/**
 * The event that ends a stream which broke after its first byte: no `[DONE]` follows, so no client
 * can take the answer for a whole one. `midLine`: the last byte sent was not the end of a line.
 */
export function errorFrame(message: string, midLine: boolean): Uint8Array {
  const body = errorBody(502, { type: "upstream_error", message });
  return encoder.encode(`${midLine ? "\n\n" : ""}data: ${JSON.stringify(body)}\n\n`);
}
