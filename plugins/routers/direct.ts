/** No router: requests go to the workers' own addresses in turn. It is the reference for the cost of a router. */
import { defineRouter, DynbenchError, v } from "dynbench";

export const direct = defineRouter({
  name: "direct",
  summary: "No router: the client deals its requests to the workers in turn",
  options: v.strictObject({}),
  plane: "http",
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: false,
    spreads: true,
    kvEvents: false,
  }),
  start: async (_options, engine, { signal }) => {
    signal.throwIfAborted();
    if (engine.workers.length === 0) {
      throw new DynbenchError("start", 'Cannot start router "direct": the engine has no workers', {
        hint: "Name them with --worker-url, or use --router attach --url for a whole deployment",
      });
    }
    return {
      urls: engine.workers.map((worker) => worker.url),
      facts: {},
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
