/**
 * Kinds of events, in the order in which they happen at equal times. Ends of a moment come before its
 * sendings, so the router of a request that fills a freed slot has seen every end (as in Dynamo's
 * replay). A step that starts in that moment takes in everything that was sent in it.
 */

/** A worker dies or comes back. */
export const FAULT = 0;
/** The KV that a prefill worker keeps of a request is released. */
export const RELEASE = 1;
/** A worker's batch changes at the end of a step. */
export const STEP_END = 2;
/** A first token, the end of a prefill and the end of a request reach the routers. */
export const FIRST_TOKEN_KNOWN = 3;
export const PREFILL_KNOWN = 4;
export const END_KNOWN = 5;
/** An answer's end reaches the client. */
export const END = 6;
/** The load has something to send. */
export const SEND = 7;
/** A request reaches its router, or comes back to it between prefill and decode. */
export const ROUTE = 8;
/** A request reaches its worker. */
export const DISPATCH = 9;
/** A worker starts a step with all that it has. */
export const STEP_START = 10;
/** Policies are asked again for what they hold: a cache changed, or a request was held as long as it may be. */
export const LOOK_AT_HELD = 11;
/** A client has waited as long as it will. */
export const TIMEOUT = 12;

/** A worker that must be woken at once has a step to start; any later change is the end of one. */
export function stepKind(atNs: number, nowNs: number): number {
  return atNs === nowNs ? STEP_START : STEP_END;
}

export function isStep(kind: number): boolean {
  return kind === STEP_END || kind === STEP_START;
}
