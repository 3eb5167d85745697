/**
 * What a cell's records show beside its figures: a role that nobody saw, an acknowledgement that was
 * waited for. Pure.
 */
import type { Finding } from "../contract/result.ts";
import type { Wire } from "../contract/plan.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { WorkerRole } from "../contract/request.ts";

type RoleOfWorker = { readonly id: string; readonly role: WorkerRole };

/**
 * How long a part of an answer is held back where the server waits for an acknowledgement: Linux
 * delays one by 40 ms; 39.5 to 46.5 ms were measured with Dynamo's frontend 1.6.1 and sglang-router 0.3.2.
 */
const STALL_MS = { from: 39.5, to: 47 } as const;
/** One part of an answer is held back; more of them are an engine with such a pace. */
const STALLS_MAX = 2;
/** So many of the requests show it where there is one; waits that happen to be as long do not crowd so. */
const STALLED_SHARE = 0.5;
const NS_PER_MS = 1e6;

export function cellFindings(
  records: readonly RequestRecord[],
  place: {
    readonly workers: readonly RoleOfWorker[];
    readonly connection: Wire["connection"];
    readonly keyHeader?: string;
  },
): Finding[] {
  const served = records.filter(({ state }) => state === "ok");
  const found = [
    unseenRole(served, place.workers),
    place.connection === "keep-alive" ? ackStall(served) : undefined,
    place.keyHeader === undefined ? undefined : toldGroup(place.keyHeader),
  ];
  return found.filter((finding) => finding !== undefined);
}

/** Prefill and decode are split, and no answer named a worker of one of them. */
function unseenRole(
  served: readonly RequestRecord[],
  workers: readonly RoleOfWorker[],
): Finding | undefined {
  const roleOf = new Map(workers.map(({ id, role }) => [id, role]));
  const roles = new Set(roleOf.values());
  if (!roles.has("prefill") || served.length === 0) return undefined;
  const seen = new Set(
    served.flatMap(({ worker = "", prefillWorker = "" }) => [
      roleOf.get(worker),
      roleOf.get(prefillWorker),
    ]),
  );
  const unseen = [...roles].filter((role) => !seen.has(role));
  if (unseen.length === 0) return undefined;
  return {
    id: "role-unseen",
    severity: "untrusted",
    message: `No answer names a ${unseen.join(" or ")} worker, though the engine is split by role`,
    hint: "Check that the router sends prompts to prefill workers first; see its log",
  };
}

/** A router that need not find out what prompts share has an easier task than one that must. */
function toldGroup(keyHeader: string): Finding {
  return {
    id: "told-group",
    severity: "note",
    message: `The router was told the group by the client: the session or prefix group is in header ${keyHeader}`,
    hint: "Mind it in comparisons: the other arms see the prompts alone",
  };
}

/** A part of most answers is held back for as long as an acknowledgement is delayed. */
function ackStall(served: readonly RequestRecord[]): Finding | undefined {
  const stalled = served.filter(isStalled).length;
  if (stalled === 0 || stalled < STALLED_SHARE * served.length) return undefined;
  return {
    id: "ack-stall",
    severity: "untrusted",
    message:
      `${stalled} of ${served.length} answers were held back once for 40 to 47 ms: the server waits for an ` +
      "acknowledgement that is delayed on a reused connection (it does not set TCP_NODELAY)",
    hint: "Use --connection per-request, which all arms then have; else latencies have a floor of 43 ms",
  };
}

function isStalled({ headersNs, firstTokenNs, gapsNs = [], lastTokenNs, endNs }: RequestRecord) {
  if (headersNs === undefined || firstTokenNs === undefined || lastTokenNs === undefined) {
    return false;
  }
  const waits = [firstTokenNs - headersNs, ...gapsNs, endNs - lastTokenNs];
  const stalls = waits.filter(
    (ns) => ns >= STALL_MS.from * NS_PER_MS && ns <= STALL_MS.to * NS_PER_MS,
  );
  return stalls.length > 0 && stalls.length <= STALLS_MAX;
}
