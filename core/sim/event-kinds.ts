/**
 * Kinds of events, in the order in which they happen at equal times: what is sent goes before what
 * workers do, as on a machine where a step takes in everything that came until it began.
 */

/** A worker dies or comes back. */
export const FAULT = 0;
/** The load has something to send. */
export const SEND = 1;
/** A request reaches its router. */
export const ROUTE = 2;
/** A request reaches its worker. */
export const DISPATCH = 3;
/** The routers learn of a first token, and of an end. */
export const FIRST_TOKEN_KNOWN = 4;
export const END_KNOWN = 5;
/** A worker's batch changes. */
export const WORKER = 6;
/** An answer's end reaches the client. */
export const END = 7;
/** A policy has held a request as long as it may. */
export const HELD_TOO_LONG = 8;
/** A client has waited as long as it will. */
export const TIMEOUT = 9;
