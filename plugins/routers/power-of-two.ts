/**
 * Two different workers drawn at random; the one with fewer requests in flight gets the request, the
 * first drawn if they are even.
 *
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing" (2001); `power-of-two`
 * of Dynamo 1.6 and `power_of_two` of SGLang's router.
 */
import { defineRouter, v, type RoutingPolicy } from "dynbench";

export const powerOfTwo = defineRouter({
  name: "power-of-two",
  summary: "The less loaded of two workers drawn at random",
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
    pick(_request, { eligible, requests, random }) {
      if (eligible.length === 1) return eligible[0]!;
      const first = random.int(eligible.length);
      const skip = random.int(eligible.length - 1);
      const a = eligible[first]!;
      const b = eligible[skip < first ? skip : skip + 1]!;
      return requests[b]! < requests[a]! ? b : a;
    },
  }),
});
