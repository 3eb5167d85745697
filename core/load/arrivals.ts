/**
 * When the requests of an open loop are due: one absolute timetable, fixed before anything is sent,
 * so that a slow server or a slow generator never moves it. Pure.
 */
import { DynbenchError } from "../errors.ts";
import type { LoadShape } from "../plan/plan.ts";
import type { RandomStream } from "../random.ts";
import type { RequestSpec } from "../request.ts";

/** Due time of the next request in nanoseconds after the start of the load; called once a request, in order. */
export type Arrivals = (spec: RequestSpec) => number;

/**
 * The timetable of a load shape. `constant`: the first at 0, then every 1/rate. `poisson`: gaps are
 * exponential with mean 1/rate, never clipped, the first one before the first request. `trace`: the
 * requests' own times, counted from the first one's. A closed loop has none: every request is due at
 * once and waits for a slot.
 */
export function arrivals(load: LoadShape, random: RandomStream): Arrivals {
  switch (load.arrival) {
    case "closed":
      return () => 0;
    case "constant": {
      const gapNs = meanGapNs(load);
      let count = 0;
      return () => Math.round(count++ * gapNs);
    }
    case "poisson": {
      const gapNs = meanGapNs(load);
      let atNs = 0;
      return () => Math.round((atNs += random.exponential(gapNs)));
    }
    case "trace": {
      let firstNs: number | undefined;
      return (spec) => {
        if (spec.atNs === undefined) {
          throw new DynbenchError(
            "plan",
            `Cannot send request ${spec.index}: it has no timestamp`,
            {
              hint: "Give --rate or --concurrency instead of --arrival trace",
            },
          );
        }
        firstNs ??= spec.atNs;
        return Math.max(0, spec.atNs - firstNs);
      };
    }
  }
}

function meanGapNs(load: LoadShape): number {
  if (load.rateRps === undefined || !(load.rateRps > 0)) {
    throw new DynbenchError("plan", `Cannot send requests with ${load.arrival} arrivals: no rate`, {
      hint: "Give --rate",
    });
  }
  return 1e9 / load.rateRps;
}
