/** What a comparison shows, and what that means for one of its arms. */
import type { Claim, Comparison, Interval } from "../../contract/result.ts";
import { REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import { metricOf } from "../definitions.ts";
import { COMPARABLE } from "./compared.ts";

export type ArmClaim = "better" | "worse" | "none";

/** What the adjusted interval of a ratio shows. */
export function claimOf({ low, high }: Pick<Interval, "low" | "high">): Claim {
  return high < 1 ? "lower" : low > 1 ? "higher" : "none";
}

/** What a comparison claims of one of its arms. */
export function claimFor({ b, claim, metric }: Comparison, arm: string): ArmClaim {
  if (claim === "none") return "none";
  const { key } = COMPARABLE.find(({ name }) => name === metric)!;
  const isBetter = (claim === "higher") === (metricOf(key).better === "higher");
  return isBetter === (b === arm) ? "better" : "worse";
}

/** Whether there are too few repeats to claim anything, whatever the interval. */
export function isOpen({ unitOfN, n }: Comparison): boolean {
  return unitOfN === "requests" || n < REPEATS_FOR_CLAIMS;
}
