/** A request of split workers, as a policy is asked about it: once for its prefill, once for its decode. */
import type { WorkerRole } from "../contract/request.ts";
import type { Candidate, RouteRequest } from "../contract/routing-policy.ts";

/** The same request in that stage. Hosts keep what they are given, so a stage never changes. */
export function atStage(request: RouteRequest, stage: WorkerRole): RouteRequest {
  const { id, blocks, isl, osl, session, key, priority } = request;
  return {
    id,
    blocks,
    isl,
    osl,
    stage,
    priority,
    ...(session === undefined ? {} : { session }),
    ...(key === undefined ? {} : { key }),
    prefixHash: (tokens) => request.prefixHash(tokens),
  };
}

/** Whether the workers share a request's two stages between them. */
export function isSplit(workers: readonly { readonly role: WorkerRole }[]): boolean {
  return workers.some(({ role }) => role !== "aggregated");
}

/** Aggregated and prefill picks share one account: a request has one or the other. */
export function stagesOf(stage: WorkerRole | undefined): readonly WorkerRole[] {
  return stage === undefined ? ["aggregated", "decode"] : [stage];
}

export function rolesOf(candidates: readonly Candidate[], role: WorkerRole): number[] {
  return candidates.filter((each) => each.role === role).map((each) => each.index);
}
