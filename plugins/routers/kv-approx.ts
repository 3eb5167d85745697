/**
 * KV-aware routing without KV events: the cost of `kv.ts`, with overlap from the router's own
 * decisions. Each routed prompt is believed cached where it went for `ttlS` after its last use.
 *
 * Source: Dynamo 1.6 with `--no-router-kv-events` (`--router-ttl-secs`, 120), which rounds expiry up
 * to 100 ms; here it is exact.
 */
import { defineRouter, v, type RoutingPolicy } from "dynbench";
import { seconds } from "../shared/option-shapes.ts";
import { costOptions, costPolicy, costTraits } from "./kv.ts";

export const kvApprox = defineRouter({
  name: "kv-approx",
  summary: "Cached prefix against load, from the router's own predictions (no KV events)",
  plane: "http",
  options: v.strictObject({
    ...costOptions,
    ttlS: v.pipe(
      v.optional(seconds, 120),
      v.description("Seconds that a prompt is believed cached after its last use"),
      v.metadata({ tune: { from: 5, to: 3600, scale: "log" } }),
    ),
  }),
  traits: (options) => ({ ...costTraits(options), kvEvents: false }),
  policy: (options): RoutingPolicy => ({
    ...costPolicy(options),
    index: { source: "predicted", ttlMs: options.ttlS * 1000 },
  }),
});
