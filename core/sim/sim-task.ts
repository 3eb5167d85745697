/** What a simulation is told and what it tells. */
import type { PlannedCell, SimSettings } from "../plan/plan.ts";
import type { EngineModel } from "../plugin.ts";
import type { RequestRecord } from "../record.ts";
import type { RequestSpec } from "../request.ts";
import type { RoutingPolicy } from "../routing-policy.ts";

export interface SimTask {
  readonly cell: PlannedCell;
  readonly engine: EngineModel;
  /** A fresh policy: each router replica has its own. */
  policy(): RoutingPolicy;
  readonly policyName: string;
  /** The policy is told the session, or else the prefix group, as the client's routing key. */
  readonly sendsKey: boolean;
  /** The cell's requests, warm-up first. */
  readonly requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
  /** Router replicas; requests are dealt to them in turn. */
  readonly replicas: number;
  readonly settings: SimSettings;
  /** Deaths and returns of workers, in any order. */
  readonly faults?: readonly Fault[];
}

/** A worker dies, or comes back with an empty cache. */
export interface Fault {
  readonly atNs: number;
  /** Index into `engine.workers`. */
  readonly worker: number;
  readonly alive: boolean;
}

export interface SimOutput {
  /** Each request once, in the order of their ends. */
  onRecord(record: RequestRecord): void;
  /** After every event: for tests. */
  onEvent?(nowNs: number): void;
}

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
