/**
 * What each candidate has been given and not finished yet, as a router counts it.
 *
 * The accounts are those of Dynamo's KV router (1.6, `lib/kv-router/src/sequences`): a request is in
 * flight and holds its prompt blocks from dispatch to end, each block once however many requests
 * share it; its uncached prompt tokens are outstanding until its first token. A decode worker is
 * sent the prompt's KV: it has nothing to prefill and holds its own copy of every block.
 */
import type { WorkerRole } from "../contract/request.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";
import { ActiveBlocks } from "./active-blocks.ts";

/** A request at a candidate, as it was booked. */
export interface Booking {
  readonly request: RouteRequest;
  readonly candidate: number;
  readonly prefillTokens: number;
  /** Its prefill tokens are no longer outstanding. */
  hasFirstToken: boolean;
}

export class LoadAccounts {
  /** The columns of the routing view, by candidate. */
  readonly requests: Int32Array;
  readonly prefillTokens: Float64Array;
  readonly activeBlocks: Int32Array;
  readonly addedBlocks: Int32Array;
  readonly #active: ActiveBlocks | undefined;
  /** By request id. A decode pick is a second booking of the same request. */
  readonly #bookings = new Map<number, Booking>();
  readonly #decodeBookings = new Map<number, Booking>();

  /** Without `countsBlocks` the two columns of blocks stay 0 and cost nothing. */
  constructor(candidates: number, { countsBlocks }: { countsBlocks: boolean }) {
    this.#active = countsBlocks ? new ActiveBlocks(candidates) : undefined;
    this.requests = new Int32Array(candidates);
    this.prefillTokens = new Float64Array(candidates);
    this.activeBlocks = this.#active?.held ?? new Int32Array(candidates);
    this.addedBlocks = new Int32Array(candidates);
  }

  /** Fills `addedBlocks` for a request with these blocks. */
  look(blocks: Int32Array): void {
    this.#active?.missing(blocks, this.addedBlocks);
  }

  book(request: RouteRequest, candidate: number, cachedTokens: number): void {
    const { id, stage, isl, blocks } = request;
    const prefillTokens = stage === "decode" ? 0 : Math.max(0, isl - cachedTokens);
    this.#bookingsOf(stage).set(id, { request, candidate, prefillTokens, hasFirstToken: false });
    this.requests[candidate]! += 1;
    this.prefillTokens[candidate]! += prefillTokens;
    if (stage === "decode") this.#active?.addCopies(candidate, blocks.length);
    else this.#active?.add(candidate, blocks);
  }

  /** Books the first token; undefined when the request is not here or had one already. */
  firstToken(requestId: number, stage: WorkerRole): Booking | undefined {
    const booking = this.#bookingsOf(stage).get(requestId);
    if (booking === undefined || booking.hasFirstToken) return undefined;
    booking.hasFirstToken = true;
    this.prefillTokens[booking.candidate]! -= booking.prefillTokens;
    return booking;
  }

  /** Takes the request off its candidate; undefined when it is not here. */
  leave(requestId: number, stage: WorkerRole): Booking | undefined {
    const bookings = this.#bookingsOf(stage);
    const booking = bookings.get(requestId);
    if (booking === undefined) return undefined;
    bookings.delete(requestId);
    const { request, candidate, prefillTokens, hasFirstToken } = booking;
    this.requests[candidate]! -= 1;
    if (!hasFirstToken) this.prefillTokens[candidate]! -= prefillTokens;
    if (stage === "decode") this.#active?.addCopies(candidate, -request.blocks.length);
    else this.#active?.remove(candidate, request.blocks);
    return booking;
  }

  /** The requests at a candidate, in order of dispatch. */
  at(candidate: number): RouteRequest[] {
    return [...this.#bookings.values(), ...this.#decodeBookings.values()]
      .filter((booking) => booking.candidate === candidate)
      .map((booking) => booking.request);
  }

  clear(): void {
    this.#bookings.clear();
    this.#decodeBookings.clear();
    this.requests.fill(0);
    this.prefillTokens.fill(0);
    this.#active?.clear();
  }

  #bookingsOf(stage: WorkerRole): Map<number, Booking> {
    return stage === "decode" ? this.#decodeBookings : this.#bookings;
  }
}
