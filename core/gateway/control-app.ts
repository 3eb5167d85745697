/** Everything the gateway serves besides the requests themselves: models, health, metrics, control. */
import { Hono } from "hono";
import { errorBody } from "./openai-error.ts";
import type { Refusal } from "./reach.ts";

export interface ControlOptions {
  readonly model: string;
  /** Workers that answer, of all. */
  alive(): { alive: number; all: number };
  state(): Readonly<Record<string, unknown>>;
  /** Prometheus gauges by full name, labels included. */
  gauges(): readonly (readonly [name: string, value: number])[];
  /** False while requests are in flight. `cell` labels what comes after. */
  reset(cell: string | undefined): Promise<boolean>;
  /** Of a request for the state, or for a change of it. */
  refusal(headers: Readonly<Record<string, string>>, changes: boolean): Refusal | undefined;
}

export function controlApp(options: ControlOptions): Hono {
  const app = new Hono();
  const { model } = options;
  app.get("/v1/models", (c) =>
    c.json({
      object: "list",
      data: [{ id: model, object: "model", created: 0, owned_by: "dynbench" }],
    }),
  );
  app.get("/health", (c) => {
    const { alive, all } = options.alive();
    return c.json(
      { status: alive > 0 ? "ok" : "no worker answers", alive, workers: all },
      alive > 0 ? 200 : 503,
    );
  });
  app.get("/metrics", (c) => {
    const lines = options.gauges().map(([name, value]) => `${name} ${value}\n`);
    return c.text(lines.join(""), 200, { "content-type": "text/plain; version=0.0.4" });
  });
  app.use("/dynbench/*", async (c, next) => {
    const refusal = options.refusal(c.req.header(), c.req.method !== "GET");
    if (refusal === undefined) return next();
    const { status, message } = refusal;
    return c.json(errorBody(status, { type: "invalid_request_error", message }), status);
  });
  app.get("/dynbench/state", (c) => c.json(options.state()));
  app.post("/dynbench/reset", async (c) => {
    if (await options.reset(c.req.query("cell"))) return c.json({ reset: true });
    const message = "Cannot reset: requests are in flight";
    return c.json(errorBody(409, { type: "busy", message }), 409);
  });
  app.notFound((c) => {
    const message = `The gateway does not serve ${c.req.method} ${c.req.path}`;
    return c.json(errorBody(404, { type: "not_found", message }), 404);
  });
  return app;
}
