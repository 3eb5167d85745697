/** A line of the doctor: what was looked at, what was found there, and what to do next. */

/**
 * `fault` is in the way of every run, `warning` of some or of good figures; a `note` is worth knowing,
 * such as a program that only some runs need and that is not there.
 */
export type CheckState = "ok" | "note" | "warning" | "fault";

export interface Check {
  readonly group: "machine" | "place" | "engines and routers" | "dead runs";
  readonly name: string;
  readonly state: CheckState;
  readonly found: string;
  /** The next thing to do, without a final period. */
  readonly next?: string;
}

/** The worst of them. */
export function stateOf(checks: readonly Check[]): CheckState {
  const order = ["fault", "warning", "note"] as const;
  return order.find((state) => checks.some((check) => check.state === state)) ?? "ok";
}
