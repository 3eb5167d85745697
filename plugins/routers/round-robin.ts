/** Each worker in turn; one that is down is passed over and keeps its place. */
import { defineRouter, v, type RoutingPolicy } from "dynbench";

export const roundRobin = defineRouter({
  name: "round-robin",
  summary: "Each worker in turn",
  plane: "http",
  control: {},
  options: v.strictObject({}),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: false,
    spreads: true,
    kvEvents: false,
  }),
  policy: (): RoutingPolicy => {
    // Prefill and decode workers each have a turn of their own.
    const next = { aggregated: 0, prefill: 0, decode: 0 };
    return {
      reads: [],
      pick({ stage }, { eligible }) {
        const picked = eligible.find((candidate) => candidate >= next[stage]) ?? eligible[0]!;
        next[stage] = picked + 1;
        return picked;
      },
      reset: () => Object.assign(next, { aggregated: 0, prefill: 0, decode: 0 }),
    };
  },
});
