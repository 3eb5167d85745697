/**
 * A routing policy as its host asks it: shows it the view, checks what it answers, and turns whatever
 * goes wrong in it into a `PolicyFault` that names the policy, what it did and what it could pick.
 */
import {
  HOLD,
  type Candidate,
  type RouteRequest,
  type RoutingPolicy,
  type RoutingView,
} from "../contract/routing-policy.ts";
import { PolicyFault, threw, whyNotEligible } from "./routing-fault.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface AskedPolicyOptions {
  readonly policy: RoutingPolicy;
  /** What messages call it. */
  readonly policyName?: string;
  readonly candidates: readonly Candidate[];
  /** Monotonic nanoseconds, to time decisions with; left out where time is virtual. */
  readonly probeNs?: () => number;
}

/** What the host contributes. */
export interface PolicyKnowledge {
  /** Fills the columns of the view that depend on the request, except `scores`. */
  look(blocks: Int32Array, nowNs: number): void;
  isAlive(candidate: number): boolean;
}

export class AskedPolicy {
  /** Its time and who is eligible are set by the host before each `pick`. */
  readonly view: Mutable<RoutingView>;
  /** Duration of the last look-up and of the last `pick`; 0 without a probe. */
  readonly lastCost = { lookupNs: 0, scoreNs: 0 };
  readonly #options: AskedPolicyOptions;
  readonly #known: PolicyKnowledge;

  constructor(options: AskedPolicyOptions, view: Mutable<RoutingView>, known: PolicyKnowledge) {
    this.#options = options;
    this.view = view;
    this.#known = known;
  }

  /** One of `view.eligible`, which is not empty, or `HOLD`. Throws `PolicyFault`. */
  pick(request: RouteRequest): number {
    const { view } = this;
    const { policy, probeNs } = this.#options;
    const startNs = probeNs === undefined ? 0 : probeNs();
    this.#show(request);
    const lookedNs = probeNs === undefined ? 0 : probeNs();
    let picked: number;
    try {
      picked = policy.pick(request, view);
    } catch (error) {
      throw this.fault(threw(error), request, error);
    }
    this.lastCost.lookupNs = lookedNs - startNs;
    this.lastCost.scoreNs = probeNs === undefined ? 0 : probeNs() - lookedNs;
    if (picked !== HOLD) this.#check(picked, request);
    return picked;
  }

  /** Of a request that has to wait; 0 where the policy gives none. Throws `PolicyFault`. */
  urgency(request: RouteRequest, nowNs: number): number {
    const { policy } = this.#options;
    if (policy.urgency === undefined) return 0;
    this.view.nowNs = nowNs;
    this.#show(request);
    try {
      const urgency = policy.urgency(request, this.view);
      if (Number.isNaN(urgency)) throw new RangeError("it is no number");
      return urgency;
    } catch (error) {
      throw this.fault(`in "urgency" ${threw(error)}`, request, error);
    }
  }

  /** Throws `PolicyFault`. */
  notify(
    event: "dispatched" | "firstToken" | "ended",
    request: RouteRequest,
    candidate: number,
    nowNs: number,
  ): void {
    try {
      this.#options.policy[event]?.(request, candidate, nowNs);
    } catch (error) {
      throw this.fault(`in "${event}" ${threw(error)}`, request, error);
    }
  }

  fault(did: string, request: RouteRequest, cause?: unknown): PolicyFault {
    const { policyName = "unnamed" } = this.#options;
    const { candidates, eligible } = this.view;
    const action = `route request ${request.id}`;
    return new PolicyFault(did, { policyName, action, candidates, eligible, cause });
  }

  #show({ blocks }: RouteRequest): void {
    // An unknown block must be given an id of its own, or two unknown prompts would look alike.
    if (blocks[blocks.length - 1]! < 0) throw new Error("a block of the request has no id");
    this.view.scores.fill(NaN);
    this.#known.look(blocks, this.view.nowNs);
  }

  #check(picked: number, request: RouteRequest): void {
    const { eligible, candidates } = this.view;
    if (eligible.includes(picked)) return;
    const candidate = candidates[picked];
    const why = candidate && whyNotEligible(candidate, request, this.#known.isAlive(picked));
    throw this.fault(`returned ${String(picked)}, ${why ?? "which is no candidate"}`, request);
  }
}
