/**
 * The host of a routing policy, live and virtual: it keeps what a policy looks at (prefix index and load
 * accounts), asks it, books the request at the worker it picked, and keeps the queue of those that it
 * holds. Pure: its owner delivers the events, the gateway from HTTP, the simulator from its heap.
 */
import { PrefixIndex } from "./kv/prefix-index.ts";
import type { RandomStream } from "../base/random.ts";
import type { WorkerRole } from "../contract/request.ts";
import { HOLD, type RouteRequest, type RoutingView } from "../contract/routing-policy.ts";
import { AskedPolicy, type AskedPolicyOptions } from "./asked-policy.ts";
import type { HostJournal } from "./host-journal.ts";
import { HoldQueue, MAX_HELD, MAX_HOLD_NS, type HeldRequest } from "./hold-queue.ts";
import { LoadAccounts } from "./load-accounts.ts";
import { PredictedIndex, predictedIndexOf } from "./predicted-index.ts";
import { NoWorkerFault } from "./routing-fault.ts";
import { rolesOf, stagesOf } from "./stage.ts";

/** `candidates[i].index` is `i`. */
export interface PolicyHostOptions extends AskedPolicyOptions {
  /** Tokens per block of every candidate. */
  readonly blockSize: number;
  /** The policy's draws. */
  readonly random: RandomStream;
  /** A held request was routed to the candidate. A policy may hold only where both callbacks are given. */
  readonly onRelease?: (request: RouteRequest, candidate: number) => void;
  /** A held request can no longer be routed: `PolicyFault` or `NoWorkerFault`. */
  readonly onFault?: (request: RouteRequest, error: unknown) => void;
  /** Gets every call of the host, before it has any effect. */
  readonly journal?: HostJournal;
}

export class PolicyHost {
  readonly #options: PolicyHostOptions;
  readonly #accounts: LoadAccounts;
  readonly #readsOverlap: boolean;
  #index: PrefixIndex | undefined;
  readonly #predicted: PredictedIndex | undefined;
  readonly #isAlive: Uint8Array;
  /** Alive candidates by role; lists are replaced and never changed, a pick in progress keeps its own. */
  readonly #alive: Record<WorkerRole, readonly number[]>;
  readonly #asked: AskedPolicy;
  readonly #view: AskedPolicy["view"];
  readonly #held = new HoldQueue();
  readonly #heldForDecode = new HoldQueue();
  #isReleasing = false;
  #mustReleaseAgain = false;
  #resets = 0;

  constructor(options: PolicyHostOptions) {
    const { policy, candidates, blockSize, random } = options;
    const count = candidates.length;
    this.#options = options;
    this.#accounts = new LoadAccounts(count, {
      countsBlocks: policy.reads.includes("activeBlocks"),
    });
    this.#readsOverlap = policy.reads.includes("overlap");
    this.#index = policy.index?.source === "events" ? new PrefixIndex(count) : undefined;
    this.#predicted = predictedIndexOf(policy, count);
    this.#isAlive = new Uint8Array(count).fill(1);
    this.#alive = {
      aggregated: rolesOf(candidates, "aggregated"),
      prefill: rolesOf(candidates, "prefill"),
      decode: rolesOf(candidates, "decode"),
    };
    const { requests, prefillTokens, activeBlocks, addedBlocks } = this.#accounts;
    const loads = { requests, prefillTokens, activeBlocks, addedBlocks };
    const overlapBlocks = new Int32Array(count);
    const scores = new Float64Array(count);
    const fixed = { nowNs: 0, blockSize, candidates, eligible: [], random };
    this.#view = { ...fixed, ...loads, overlapBlocks, scores };
    this.#asked = new AskedPolicy(options, this.#view, {
      look: (blocks, nowNs) => this.#look(blocks, nowNs),
      isAlive: (candidate) => this.isAlive(candidate),
    });
  }

  /** As the policy saw it in the last pick, loads kept up to date. Columns are reused: copy what you keep. */
  get view(): RoutingView {
    return this.#view;
  }

  /** Nanoseconds of the last look-up and of the last `pick`; 0 without a probe. */
  get lastCost(): AskedPolicy["lastCost"] {
    return this.#asked.lastCost;
  }

  /** Whether requests must come with their `blocks`; otherwise their owner may save the hashing. */
  get needsBlocks(): boolean {
    return this.#options.policy.reads.length > 0 || this.#predicted !== undefined;
  }

  /** Whether `view.overlapBlocks` is filled. */
  get readsOverlap(): boolean {
    return this.#readsOverlap;
  }

  /** Whether `stored`, `removed` and `cleared` have any effect. */
  get needsEvents(): boolean {
    return this.#index !== undefined;
  }

  get heldRequests(): number {
    return this.#held.size + this.#heldForDecode.size;
  }

  /** Latest moment at which `checkHeld` must be called; Infinity when nothing is held. */
  get holdDeadlineNs(): number {
    return Math.min(this.#held.sinceNs, this.#heldForDecode.sinceNs) + MAX_HOLD_NS;
  }

  isAlive(candidate: number): boolean {
    return this.#isAlive[candidate] === 1;
  }

  /** Blocks that the candidate has cached by its events; 0 where the policy wants no events. */
  cachedBlocks(candidate: number): number {
    return this.#index?.held(candidate) ?? 0;
  }

  /**
   * Picks a candidate and books the request there. `HOLD`: it is queued until `onRelease`. For a retry
   * call again, with what was tried in `exclude`: the request is moved. Throws
   * `PolicyFault` or `NoWorkerFault`; then nothing is booked.
   */
  route(request: RouteRequest, nowNs: number, exclude?: ReadonlySet<number>): number {
    this.#options.journal?.route(request, nowNs, exclude);
    const queue = this.#queueOf(request.stage);
    queue.delete(request.id);
    this.#leave(request.id, request.stage, nowNs);
    if (queue.size > 0) this.#askForHeld(nowNs);
    // A newcomer overtakes only if it is more urgent; else the policy is not asked about it.
    const waits = queue.size > 0 && this.#asked.urgency(request, nowNs) <= queue.first()!.urgency;
    const candidate = waits ? HOLD : this.#pick(request, nowNs, exclude);
    if (candidate === HOLD) this.#hold({ request, sinceNs: nowNs, exclude });
    else this.#book(request, candidate, nowNs);
    return candidate;
  }

  /** A router in sync with this one picked the candidate: booked as if picked here. */
  adopt(
    request: RouteRequest,
    at: { readonly candidate: number; readonly overlapBlocks: number },
    nowNs: number,
  ): void {
    this.#leave(request.id, request.stage, nowNs);
    const { candidate, overlapBlocks } = at;
    this.#accounts.book(request, candidate, overlapBlocks * this.#view.blockSize);
    this.#asked.notify("dispatched", request, candidate, nowNs);
  }

  /** The request's first output token came; of one stage, or of every one it is in flight for. */
  firstToken(requestId: number, nowNs: number, stage?: WorkerRole): void {
    this.#options.journal?.request("firstToken", requestId, { atNs: nowNs, stage });
    for (const each of stagesOf(stage)) {
      const booking = this.#accounts.firstToken(requestId, each);
      if (booking === undefined) continue;
      this.#asked.notify("firstToken", booking.request, booking.candidate, nowNs);
    }
    this.#askForHeld(nowNs);
  }

  /** The request finished, failed or was aborted, in flight or held; in one stage, or in every one. Unknown ids are ignored. */
  ended(requestId: number, nowNs: number, stage?: WorkerRole): void {
    this.#options.journal?.request("ended", requestId, { atNs: nowNs, stage });
    const stages = stagesOf(stage);
    for (const each of stages) this.#queueOf(each).delete(requestId);
    this.#leaveAll(
      stages.map((each) => ({ id: requestId, stage: each })),
      nowNs,
    );
  }

  /** A worker died or came back. Its requests and its cache are forgotten when it dies. */
  setAlive(candidate: number, alive: boolean, nowNs: number): void {
    if (this.isAlive(candidate) === alive) return;
    this.#options.journal?.worker(alive ? "alive" : "dead", candidate, nowNs);
    this.#isAlive[candidate] = alive ? 1 : 0;
    const { role } = this.#view.candidates[candidate]!;
    const ofRole = rolesOf(this.#view.candidates, role);
    this.#alive[role] = ofRole.filter((index) => this.isAlive(index));
    if (alive) return this.#askForHeld(nowNs);
    this.#index?.clear(candidate);
    this.#predicted?.clear(candidate);
    this.#leaveAll(this.#accounts.at(candidate), nowNs);
  }

  /** KV events: the candidate has one more copy of each block. */
  stored(candidate: number, blocks: ArrayLike<number>, nowNs: number): void {
    if (this.#index === undefined) return;
    this.#options.journal?.cache("stored", { candidate, blocks }, nowNs);
    for (let i = 0; i < blocks.length; i += 1) this.#index.stored(candidate, blocks[i]!);
    this.#askForHeld(nowNs);
  }

  /** KV events: the candidate has one copy less of each block. */
  removed(candidate: number, blocks: ArrayLike<number>, nowNs: number): void {
    if (this.#index === undefined) return;
    this.#options.journal?.cache("removed", { candidate, blocks }, nowNs);
    for (let i = 0; i < blocks.length; i += 1) this.#index.removed(candidate, blocks[i]!);
    this.#askForHeld(nowNs);
  }

  /** KV events: the candidate dropped its whole cache. */
  cleared(candidate: number, nowNs: number): void {
    this.#options.journal?.worker("cleared", candidate, nowNs);
    this.#index?.clear(candidate);
    this.#askForHeld(nowNs);
  }

  /** Asks again for what is held. Every event does; the owner must at `holdDeadlineNs` too. */
  checkHeld(nowNs: number): void {
    if (this.heldRequests === 0) return;
    this.#options.journal?.checkHeld(nowNs);
    this.#askForHeld(nowNs);
  }

  /**
   * A new cell: forgets requests, loads, what is held and all that was believed cached, and draws from a
   * fresh random stream, of the cell's own where it is named: then a router that was started anew for
   * each repeat does not repeat its draws. Which workers are alive stays known. The owner resets its
   * event trackers too.
   */
  reset(cell?: string): void {
    this.#options.journal?.reset(cell);
    const { policy, candidates, random } = this.#options;
    this.#accounts.clear();
    this.#held.clear();
    this.#heldForDecode.clear();
    if (this.#index !== undefined) this.#index = new PrefixIndex(candidates.length);
    for (const { index } of candidates) this.#predicted?.clear(index);
    this.#resets += 1;
    this.#view.random = random.split("reset", cell ?? this.#resets);
    policy.reset?.();
  }

  #askForHeld(nowNs: number): void {
    if (this.heldRequests === 0) return;
    this.#mustReleaseAgain = true;
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    try {
      while (this.#mustReleaseAgain) {
        this.#mustReleaseAgain = false;
        this.#release(this.#held, nowNs);
        this.#release(this.#heldForDecode, nowNs);
      }
    } finally {
      this.#isReleasing = false;
    }
  }

  #pick(request: RouteRequest, nowNs: number, exclude: ReadonlySet<number> | undefined): number {
    const alive = this.#alive[request.stage];
    const view = this.#view;
    view.nowNs = nowNs;
    view.eligible = exclude === undefined ? alive : alive.filter((index) => !exclude.has(index));
    if (view.eligible.length === 0) throw new NoWorkerFault(request, view.candidates, alive);
    return this.#asked.pick(request);
  }

  /** Fills the columns that depend on the request. */
  #look(blocks: Int32Array, nowNs: number): void {
    this.#accounts.look(blocks);
    if (!this.#readsOverlap) return;
    this.#predicted?.depths(blocks, nowNs, this.#view.overlapBlocks);
    this.#index?.depths(blocks, this.#view.overlapBlocks);
  }

  #book(request: RouteRequest, candidate: number, nowNs: number): void {
    const { overlapBlocks, blockSize } = this.#view;
    const cachedTokens = this.#readsOverlap ? overlapBlocks[candidate]! * blockSize : 0;
    this.#accounts.book(request, candidate, cachedTokens);
    try {
      this.#asked.notify("dispatched", request, candidate, nowNs);
    } catch (error) {
      this.#accounts.leave(request.id, request.stage);
      throw error;
    }
    if (request.stage !== "decode") this.#predicted?.record(candidate, request.blocks, nowNs);
  }

  /** All leave, and what is held is asked for, even where the policy's hook fails; its first fault is thrown last. */
  #leaveAll(requests: readonly Pick<RouteRequest, "id" | "stage">[], nowNs: number): void {
    let fault: unknown;
    for (const { id, stage } of requests) {
      try {
        this.#leave(id, stage, nowNs);
      } catch (error) {
        fault ??= error;
      }
    }
    this.#askForHeld(nowNs);
    if (fault !== undefined) throw fault;
  }

  #leave(requestId: number, stage: WorkerRole, nowNs: number): void {
    const booking = this.#accounts.leave(requestId, stage);
    if (booking === undefined) return;
    this.#asked.notify("ended", booking.request, booking.candidate, nowNs);
  }

  #hold(held: Omit<HeldRequest, "urgency">): void {
    const { request, sinceNs } = held;
    const { onRelease, onFault } = this.#options;
    if (onRelease === undefined || onFault === undefined) {
      throw this.#asked.fault("held it, which this host does not allow", request);
    }
    const queue = this.#queueOf(request.stage);
    if (queue.size >= MAX_HELD) {
      throw this.#asked.fault(`holds ${MAX_HELD} requests already`, request);
    }
    queue.push({ ...held, urgency: this.#asked.urgency(request, sinceNs) });
  }

  #release(queue: HoldQueue, nowNs: number): void {
    for (let held = queue.first(); held !== undefined; held = queue.first()) {
      const { request } = held;
      let candidate: number;
      try {
        candidate = this.#pick(request, nowNs, held.exclude);
        if (candidate === HOLD) {
          const overdue = queue.takeOverdue(nowNs)?.request;
          if (overdue === undefined) return;
          const did = `held it for ${MAX_HOLD_NS / 1e9} s`;
          this.#options.onFault?.(overdue, this.#asked.fault(did, overdue));
          continue;
        }
        queue.delete(request.id);
        this.#book(request, candidate, nowNs);
      } catch (error) {
        queue.delete(request.id);
        this.#options.onFault?.(request, error);
        continue;
      }
      this.#options.onRelease?.(request, candidate);
    }
  }

  #queueOf(stage: WorkerRole): HoldQueue {
    return stage === "decode" ? this.#heldForDecode : this.#held;
  }
}
