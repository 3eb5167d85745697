/**
 * How the rate of an open loop changes over time. Arrivals are drawn at a constant rate of one and then
 * stretched: the n-th is due when the integral of the rate over time reaches its value. So every
 * distribution of gaps can be combined with every profile, and the timetable stays absolute. Pure.
 */
import type { RateProfile } from "../contract/plan.ts";
import { cos } from "../base/portable-math.ts";

/** Time in seconds at which the integral of the rate reaches `count`; rises with `count`. */
export type TimeOfCount = (count: number) => number;

/** `rateRps`: the mean rate, or the rate at the end of a ramp; not used by profiles that have their own rates. */
export function timeOfCount(rateRps: number, profile: RateProfile | undefined): TimeOfCount {
  switch (profile?.kind) {
    case undefined:
      return (count) => count / rateRps;
    case "ramp":
      return rampTime(rateRps, profile.overS);
    case "steps":
      return stepTime(profile.steps);
    case "sine":
      return sineTime(profile);
  }
}

/** The rate rises linearly from 0 to `rateRps` over `overS` seconds: its integral is rate · t² / (2 · over). */
function rampTime(rateRps: number, overS: number): TimeOfCount {
  const rampCount = (rateRps * overS) / 2;
  return (count) =>
    count <= rampCount
      ? Math.sqrt((2 * overS * count) / rateRps)
      : overS + (count - rampCount) / rateRps;
}

/** Each rate holds until the next step begins; the last one has no end. */
function stepTime(steps: readonly { fromS: number; rateRps: number }[]): TimeOfCount {
  let reached = 0;
  const counts = steps.map(({ rateRps }, i) => {
    const before = reached;
    const end = steps[i + 1]?.fromS ?? Infinity;
    reached += rateRps === 0 ? 0 : rateRps * (end - steps[i]!.fromS);
    return before;
  });
  return (count) => {
    // The last step that begins before the count is reached and whose rate is not 0.
    let step = steps.length - 1;
    while (step > 0 && (counts[step]! > count || steps[step]!.rateRps === 0)) step -= 1;
    return steps[step]!.fromS + (count - counts[step]!) / steps[step]!.rateRps;
  };
}

/**
 * rate(t) = mean + amplitude · sin(2πt/period − π/2): it begins at the lowest rate, like Dynamo's
 * `sin_load_generator`. Integral: mean · t − swing · cos(2πt/period − π/2), swing = amplitude · period / 2π.
 */
function sineTime(profile: { minRps: number; maxRps: number; periodS: number }): TimeOfCount {
  const { minRps, maxRps, periodS } = profile;
  const meanRps = (minRps + maxRps) / 2;
  const swing = (((maxRps - minRps) / 2) * periodS) / (2 * Math.PI);
  const countAt = (timeS: number): number =>
    meanRps * timeS - swing * cos((2 * Math.PI * timeS) / periodS - Math.PI / 2);
  return (count) => {
    // The integral never falls, and is never farther from mean · t than the swing.
    let low = Math.max(0, (count - swing) / meanRps);
    let high = (count + swing) / meanRps;
    for (let i = 0; i < HALVINGS; i += 1) {
      const middle = (low + high) / 2;
      if (countAt(middle) < count) low = middle;
      else high = middle;
    }
    return high;
  };
}

/** Narrows an interval of an hour down to less than a nanosecond. */
const HALVINGS = 45;
