/**
 * Why a request could not be routed: the policy misbehaved, or there is nobody to route to. Both
 * name what a policy's author or a user needs to see: the policy, what it did, the candidates.
 */
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { Candidate, RouteRequest } from "../contract/routing-policy.ts";

/** Candidates listed in a message; a cluster of hundreds would bury the reason. */
const LISTED_CANDIDATES = 16;

/** The policy threw, returned something that is no eligible candidate, or held requests too long. */
export class PolicyFault extends DynbenchError {
  /** What the policy did: `returned 9, which is no candidate`. */
  readonly did: string;

  constructor(
    did: string,
    details: {
      policyName: string;
      action: string;
      candidates: readonly Candidate[];
      eligible: readonly number[];
      cause?: unknown;
    },
  ) {
    const { policyName, action, candidates, eligible, cause } = details;
    super(
      "load",
      `Cannot ${action}: policy "${policyName}" ${did} (could be picked: ${listed(candidates, eligible)})`,
      { hint: "Fix the policy, or try another router", cause },
    );
    this.name = "PolicyFault";
    this.did = did;
  }
}

/** No worker of the right role is alive, or all that are have been tried. */
export class NoWorkerFault extends DynbenchError {
  constructor(request: RouteRequest, candidates: readonly Candidate[], alive: readonly number[]) {
    const wanted = request.stage === "aggregated" ? "worker" : `${request.stage} worker`;
    super(
      "load",
      `Cannot route request ${request.id}: no ${wanted} is left to try ` +
        `(alive: ${listed(candidates, alive)}; known: ${candidates.length})`,
      { hint: "Look at the workers' logs for why they went away" },
    );
    this.name = "NoWorkerFault";
  }
}

/** `threw TypeError: x is undefined`, for `PolicyFault`. */
export function threw(error: unknown): string {
  return `threw ${error instanceof Error ? error.name : typeof error}: ${messageOf(error)}`;
}

function listed(candidates: readonly Candidate[], indices: readonly number[]): string {
  if (indices.length === 0) return "none";
  const names = indices.slice(0, LISTED_CANDIDATES).map((index) => {
    const { workerId, rank } = candidates[index]!;
    return rank === 0 ? `${index} = ${workerId}` : `${index} = ${workerId} rank ${rank}`;
  });
  const more = indices.length - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}

/** Of a candidate that a policy picked and may not. */
export function whyNotEligible(
  { workerId, role }: Candidate,
  { stage }: Pick<RouteRequest, "stage">,
  isAlive: boolean,
): string {
  if (!isAlive) return `but ${workerId} is dead`;
  return `but ${workerId} ${role === stage ? "was tried already" : `is a ${role} worker`}`;
}
