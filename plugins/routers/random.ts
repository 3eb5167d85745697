/** Any worker, each equally likely. */
import { defineRouter, v, type RoutingPolicy } from "dynbench";

export const random = defineRouter({
  name: "random",
  summary: "Any worker, each equally likely",
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
    pick: (_request, view) => view.eligible[view.random.int(view.eligible.length)]!,
  }),
});
