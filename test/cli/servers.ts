/** Misbehaving servers, to test the binary against. */
import { afterAll } from "bun:test";
import {
  NULL_SERVER_DEFAULTS,
  type NullServerOptions,
} from "../../core/load/null-server/null-events.ts";
import { startNullServer } from "../../core/load/null-server/null-server.ts";

const MODELS = { object: "list", data: [{ id: "null", object: "model" }] };

/** A server with a model list and the given answer to completions; returns its URL. */
export function serve(answer: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: (request) =>
      new URL(request.url).pathname === "/v1/models" ? Response.json(MODELS) : answer(request),
  });
  afterAll(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

/** A server that answers everything in the same way; returns its URL. */
export function serveAll(answer: (request: Request) => Response): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  afterAll(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

/** A null server that misbehaves as configured; returns its URL. */
export function misbehave(options: Partial<NullServerOptions>): string {
  const server = startNullServer({ ...NULL_SERVER_DEFAULTS, ttftMs: 1, itlMs: 1, ...options });
  afterAll(() => server[Symbol.asyncDispose]());
  return server.url;
}
