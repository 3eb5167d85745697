/** Why a simulation cannot go on, in words for the user. */
import { DynbenchError } from "../base/errors.ts";

/** An open loop that sends more than the workers serve would fill memory and never end. */
export function overloaded(inFlight: number, elapsedS: number): DynbenchError {
  return new DynbenchError(
    "load",
    `Stopped the load: ${inFlight} requests were in flight after ${elapsedS.toFixed(1)} s, more is sent than served`,
    { hint: "Lower --rate, or cap the requests in flight with --concurrency" },
  );
}

/** Nothing will ever happen again, and requests are left. */
export function stuck(sent: number): DynbenchError {
  return new DynbenchError(
    "load",
    `Cannot go on after ${sent} requests: the others wait for requests that are never sent`,
    { hint: "Mend the workload: a request may only wait for an earlier one of the same cell" },
  );
}
