/**
 * Sticky sessions: the first request of a key goes to the worker with the fewest requests in flight,
 * the later ones follow it for as long as that worker can be picked and the key is in use.
 *
 * The key is the value of the routing header: the session where requests have one, else the group
 * of their prefix. Requests without a key go to the fewest requests. Ties are random.
 *
 * Source: policy `manual` of SGLang's SMG 1.13 with `--assignment-mode min_load` and its
 * `--max-idle-secs` 14,400 (its default mode is random), and `sticky_least_loaded` of vLLM's router
 * 0.1.17. A key whose worker died moves for good.
 */
import { chooseLeast, defineRouter, v, type RouteRequest, type RoutingPolicy } from "dynbench";
import { seconds } from "../shared/option-shapes.ts";

/** Keys remembered; the least recently used leave. */
const MAX_KEYS = 1 << 20;

interface Pinned {
  worker: number;
  usedNs: number;
}

export const sticky = defineRouter({
  name: "sticky",
  summary: "Each session stays on the worker that its first request got, the least loaded one",
  plane: "http",
  options: v.strictObject({
    idleS: v.pipe(
      v.optional(seconds, 14_400),
      v.description("Seconds after its last request for which a session stays where it is"),
      v.metadata({ tune: { from: 10, to: 86_400, scale: "log" } }),
    ),
  }),
  // Fewer sessions than workers leave workers idle.
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: false,
    kvEvents: false,
    keyHeader: "x-dynbench-key",
  }),
  policy: ({ idleS }): RoutingPolicy => {
    // Prefill and decode workers are each pinned on their own. In the order of last use.
    const prefills = new Map<string, Pinned>();
    const decodes = new Map<string, Pinned>();
    const pinsOf = (stage: RouteRequest["stage"]) => (stage === "decode" ? decodes : prefills);
    const isIdle = ({ usedNs }: Pinned, nowNs: number): boolean => nowNs - usedNs > idleS * 1e9;
    return {
      reads: [],
      pick({ key, stage }, view) {
        const pinned = key === undefined ? undefined : pinsOf(stage).get(key);
        const stays =
          pinned && !isIdle(pinned, view.nowNs) && view.eligible.includes(pinned.worker);
        return stays ? pinned.worker : chooseLeast(view, view.requests);
      },
      dispatched({ key, stage }, worker, nowNs) {
        if (key === undefined) return;
        const pins = pinsOf(stage);
        const pinned = pins.get(key) ?? { worker, usedNs: nowNs };
        pinned.worker = worker;
        pinned.usedNs = nowNs;
        pins.delete(key); // to the end
        pins.set(key, pinned);
        for (const [oldest, pin] of pins) {
          if (pins.size <= MAX_KEYS && !isIdle(pin, nowNs)) break;
          pins.delete(oldest);
        }
      },
      reset() {
        prefills.clear();
        decodes.clear();
      },
    };
  },
});
