/** Sends each request to the worker that holds most of its prompt, unless that one is full. */
import { chooseLeast, defineRouter, v } from "dynbench";

export default defineRouter({
  apiVersion: 2,
  name: "longest-prefix",
  summary: "The worker that holds most of the prompt, unless it is full",
  plane: "http",
  options: v.strictObject({
    maxRequests: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 8),
      v.description("Requests in flight from which a worker counts as full"),
    ),
  }),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: true,
    kvEvents: true,
  }),
  policy: ({ maxRequests }) => ({
    reads: ["overlap"],
    index: { source: "events" },
    pick(_request, view) {
      for (const w of view.eligible) {
        const isFull = view.requests[w]! >= maxRequests;
        view.scores[w] = isFull ? 0 : -view.overlapBlocks[w]!;
      }
      return chooseLeast(view, view.scores);
    },
  }),
});
