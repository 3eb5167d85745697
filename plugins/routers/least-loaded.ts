/**
 * The worker with the fewest requests in flight, ties at random.
 *
 * Source: `least-loaded` of Dynamo 1.6, which also draws among equals (measured: spread evenly
 * without load), so that an idle cluster does not start at its first worker every time.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy } from "dynbench";

export const leastLoaded = defineRouter({
  name: "least-loaded",
  summary: "The worker with the fewest requests in flight",
  plane: "http",
  options: v.strictObject({}),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: false,
    spreads: true,
    kvEvents: false,
  }),
  policy: (): RoutingPolicy => ({
    reads: [],
    pick: (_request, view) => chooseLeast(view, view.requests),
  }),
});
