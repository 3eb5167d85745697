/** The rate at which an open loop's requests were due, and the rate at which they were sent. */
import type { LoadShape } from "../../contract/plan.ts";
import type { RequestPoints } from "../../contract/result.ts";

export interface SendRates {
  /** Requests per second, from the first due time to the last. */
  readonly requestedRps: number;
  /** Requests per second, from the first send to the last. */
  readonly sentRps: number;
}

/** Undefined for a closed loop, which has no planned rate, and for requests sent at a single moment. */
export function sendRates(
  { sentS, latenessMs }: Pick<RequestPoints, "sentS" | "latenessMs">,
  { arrival }: Pick<LoadShape, "arrival">,
): SendRates | undefined {
  if (arrival === "closed" || sentS.length < 2) return undefined;
  const gaps = sentS.length - 1;
  const requestedRps = gaps / spanOf(sentS.map((s, i) => s - latenessMs[i]! / 1000));
  const sentRps = gaps / spanOf(sentS);
  return Number.isFinite(requestedRps) && Number.isFinite(sentRps)
    ? { requestedRps, sentRps }
    : undefined;
}

function spanOf(times: readonly number[]): number {
  return times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b));
}
