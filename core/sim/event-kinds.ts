/**
 * Kinds of events, in the order in which they happen at equal times: what is sent goes before what
 * workers do, as on a machine where a step takes in everything that came until it began.
 */

/** A worker dies or comes back. */
export const FAULT = 0;
/** A decode worker has a prompt's KV: the prefill worker lets go of it. */
export const RELEASE = 1;
/** The load has something to send. */
export const SEND = 2;
/** A request reaches its router, or comes back to it between prefill and decode. */
export const ROUTE = 3;
/** A request reaches its worker. */
export const DISPATCH = 4;
/** The routers learn of a first token, of the end of a prefill, and of an end. */
export const FIRST_TOKEN_KNOWN = 5;
export const PREFILL_KNOWN = 6;
export const END_KNOWN = 7;
/** A worker's batch changes. */
export const WORKER = 8;
/** An answer's end reaches the client. */
export const END = 9;
/** A policy has held a request as long as it may. */
export const HELD_TOO_LONG = 10;
/** A client has waited as long as it will. */
export const TIMEOUT = 11;
