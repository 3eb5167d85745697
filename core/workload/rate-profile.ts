/**
 * How the rate of an open loop changes over time. Arrivals are made at an even rate of one and then
 * stretched: the n-th is due when the integral of the rate over time has reached it. So every
 * distribution of gaps goes with every profile, and the timetable stays absolute. Pure.
 */
import type { RateProfile } from "../contract/plan.ts";
import { cos } from "../base/portable-math.ts";

/** Time in seconds at which so many requests are due; grows with `count`. */
export type TimeOfCount = (count: number) => number;

/** `rateRps`: the mean rate, or that at the end of a ramp; of no meaning where the profile has its own. */
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

/** The rate grows evenly from 0 to `rateRps` over `overS` seconds: integral rate · t² / (2 · over). */
function rampTime(rateRps: number, overS: number): TimeOfCount {
  const rampCount = (rateRps * overS) / 2;
  return (count) =>
    count <= rampCount
      ? Math.sqrt((2 * overS * count) / rateRps)
      : overS + (count - rampCount) / rateRps;
}

/** Each rate holds until the next step begins, the last for ever. */
function stepTime(steps: readonly { fromS: number; rateRps: number }[]): TimeOfCount {
  let reached = 0;
  const counts = steps.map(({ rateRps }, i) => {
    const before = reached;
    const end = steps[i + 1]?.fromS ?? Infinity;
    reached += rateRps === 0 ? 0 : rateRps * (end - steps[i]!.fromS);
    return before;
  });
  return (count) => {
    // The last step that begins before the count is reached, and sends anything.
    let step = steps.length - 1;
    while (step > 0 && (counts[step]! > count || steps[step]!.rateRps === 0)) step -= 1;
    return steps[step]!.fromS + (count - counts[step]!) / steps[step]!.rateRps;
  };
}

/**
 * rate(t) = mean + swing · sin(2πt/period − π/2): it begins at the lowest rate, as Dynamo's
 * `sin_load_generator` does. Integral: mean · t − swing · period / 2π · sin(2πt/period).
 */
function sineTime(profile: { minRps: number; maxRps: number; periodS: number }): TimeOfCount {
  const { minRps, maxRps, periodS } = profile;
  const meanRps = (minRps + maxRps) / 2;
  const swing = (((maxRps - minRps) / 2) * periodS) / (2 * Math.PI);
  const countAt = (timeS: number): number =>
    meanRps * timeS - swing * cos((2 * Math.PI * timeS) / periodS - Math.PI / 2);
  return (count) => {
    // The integral never is farther from its mean line than the swing, and never falls.
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

/** A swing of an hour is cut down to less than a nanosecond. */
const HALVINGS = 45;
