/**
 * When the requests of an open loop are due: one absolute timetable, fixed before anything is sent,
 * so that a slow server or a slow generator never moves it. Pure.
 */
import { DynbenchError } from "../base/errors.ts";
import type { LoadShape } from "../contract/plan.ts";
import type { RandomStream } from "../base/random.ts";
import type { RequestSpec } from "../contract/request.ts";
import { timeOfCount } from "./rate-profile.ts";

/** Due time of the next request in nanoseconds after the start of the load; called once a request, in order. */
export type Arrivals = (spec: RequestSpec) => number;

/**
 * The timetable of a load shape. `constant`: the first at 0, then evenly. `poisson`: gaps are
 * exponential, never clipped, the first one before the first request. `gamma`: gaps of a gamma
 * distribution with shape `burstiness`, as vLLM's benchmark means it: 1 is Poisson, below comes in
 * bursts, above goes towards even. All of them follow the rate's profile. `trace`: the requests' own
 * times, counted from the first one's. A closed loop has none: every request is due at once and waits
 * for a slot.
 */
export function arrivals(load: LoadShape, random: RandomStream): Arrivals {
  switch (load.arrival) {
    case "closed":
      return () => 0;
    case "constant":
      return timetable(load, (count) => count - 1);
    case "poisson":
      return timetable(
        load,
        sumOf(() => random.exponential(1)),
      );
    case "gamma": {
      const shape = load.burstiness!;
      return timetable(
        load,
        sumOf(() => random.gamma(shape) / shape),
      );
    }
    case "trace": {
      let firstNs: number | undefined;
      return (spec) => {
        if (spec.atNs === undefined && spec.after !== undefined) return 0;
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

/** `dueCount`: how much of the integral of the rate lies before request number `count`, from 1. */
function timetable(load: LoadShape, dueCount: (count: number) => number): Arrivals {
  if (load.rateRps === undefined || !(load.rateRps > 0)) {
    throw new DynbenchError("plan", `Cannot send requests with ${load.arrival} arrivals: no rate`, {
      hint: "Give --rate",
    });
  }
  const timeS = timeOfCount(load.rateRps, load.rateProfile);
  let count = 0;
  // A follow-up has no time of its own: it is due when the request before it has ended.
  return ({ after }) => (after === undefined ? Math.round(timeS(dueCount((count += 1))) * 1e9) : 0);
}

/** Sums of gaps with mean 1. */
function sumOf(gap: () => number): () => number {
  let sum = 0;
  return () => (sum += gap());
}
