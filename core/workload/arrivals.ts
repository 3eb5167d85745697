/**
 * When the requests of an open loop are due: an absolute timetable that is fixed before anything is
 * sent, so that neither a slow server nor a slow generator moves it. Pure.
 */
import { DynbenchError } from "../base/errors.ts";
import type { LoadShape } from "../contract/plan.ts";
import type { RandomStream } from "../base/random.ts";
import type { RequestSpec } from "../contract/request.ts";
import { timeOfCount } from "./rate-profile.ts";

/** Due time of the next request, in nanoseconds after the start of the load; called once for each request, in order. */
export type Arrivals = (spec: RequestSpec) => number;

/**
 * The timetable of a load shape. `constant`: the first request at 0, then even gaps. `poisson`:
 * exponential gaps, never clipped, with one before the first request. `gamma`: gaps of a gamma
 * distribution with shape `burstiness`, as in vLLM's benchmark: 1 is Poisson, below 1 requests come in
 * bursts, above 1 more evenly. All of these follow the rate's profile. `trace`: the requests' own times,
 * counted from the first. A closed loop has none: every request is due at once and waits for a slot.
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

/** `dueCount`: the integral of the rate up to the time when request number `count`, from 1, is due. */
function timetable(load: LoadShape, dueCount: (count: number) => number): Arrivals {
  if (load.rateRps === undefined || !(load.rateRps > 0)) {
    throw new DynbenchError("plan", `Cannot send requests with ${load.arrival} arrivals: no rate`, {
      hint: "Give --rate",
    });
  }
  const timeS = timeOfCount(load.rateRps, load.rateProfile);
  let count = 0;
  // A follow-up is not in the timetable: it is due after the end of the request before it.
  return ({ after }) => (after === undefined ? Math.round(timeS(dueCount((count += 1))) * 1e9) : 0);
}

/** Sums of gaps with mean 1. */
function sumOf(gap: () => number): () => number {
  let sum = 0;
  return () => (sum += gap());
}
