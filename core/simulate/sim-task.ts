/** What goes into a simulation, and what comes out of it. */
import type { PlannedCell, SimSettings } from "../contract/plan.ts";
import type { EngineModel } from "../contract/engine.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { RequestSpec } from "../contract/request.ts";
import type { Decision } from "../routing/decision.ts";
import type { RoutingPolicy } from "../contract/routing-policy.ts";

export interface SimTask {
  readonly cell: PlannedCell;
  readonly engine: EngineModel;
  /** A fresh policy: each router replica has its own. */
  policy(): RoutingPolicy;
  readonly policyName: string;
  /** Requests carry the session, or else the prefix group, as the client's routing key. */
  readonly sendsKey: boolean;
  /** The cell's requests, warm-up first. */
  readonly requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
  /** Router replicas; requests are dealt to them in turn. */
  readonly replicas: number;
  readonly settings: SimSettings;
  /** Blocks of all caches together, where the share that they could serve as one cache is computed. */
  readonly pooledBlocks?: number | undefined;
}

export interface SimOutput {
  /** Each request once, in the order of their ends. */
  onRecord(record: RequestRecord): void;
  /** Each pick as it is made, where settings ask for decisions. */
  onDecision?(decision: Decision): void;
  /** After every event: for tests. */
  onEvent?(nowNs: number): void;
}

/** How far a simulation is. */
export interface SimCounts {
  sent: number;
  inFlight: number;
  done: number;
  failed: number;
  decisions: number;
  /** Decisions that the policy put off. */
  held: number;
  retries: number;
  /** KV events applied by the routers. */
  eventsApplied: number;
  policyFaults: number;
  firstPolicyFault: string | undefined;
  events: number;
}

export function noCounts(): SimCounts {
  return {
    sent: 0,
    inFlight: 0,
    done: 0,
    failed: 0,
    decisions: 0,
    held: 0,
    retries: 0,
    eventsApplied: 0,
    policyFaults: 0,
    firstPolicyFault: undefined,
    events: 0,
  };
}
