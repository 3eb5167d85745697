/**
 * Findings in a cell's records beside its figures: a role that no answer names, answers that waited for
 * an acknowledgement, answers that broke off. Records stream past and are not kept. Pure.
 */
import { counted } from "../base/counted.ts";
import type { Finding } from "../contract/result.ts";
import type { Wire } from "../contract/plan.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { WorkerRole } from "../contract/request.ts";

/** Looks at each record once. */
export interface RecordWatch {
  add(record: RequestRecord): void;
  /** After the last record. */
  findings(): Finding[];
}

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

/** Of a live cell. */
export function watchLive(place: {
  readonly workers: readonly RoleOfWorker[];
  readonly connection: Wire["connection"];
  readonly keyHeader?: string;
}): RecordWatch {
  const { workers, connection, keyHeader } = place;
  const roleOf = new Map(workers.map(({ id, role }) => [id, role]));
  const seen = new Set<WorkerRole | undefined>();
  let served = 0;
  let stalled = 0;
  return {
    add: (record) => {
      if (record.state !== "ok") return;
      served += 1;
      seen.add(roleOf.get(record.worker ?? ""));
      seen.add(roleOf.get(record.prefillWorker ?? ""));
      if (connection === "keep-alive" && isStalled(record)) stalled += 1;
    },
    findings: () => {
      const roles = new Set(roleOf.values());
      const unseen = served > 0 && roles.has("prefill") ? [...roles.difference(seen)] : [];
      return [
        ...(unseen.length === 0 ? [] : [unseenRole(unseen)]),
        ...(stalled === 0 || stalled < STALLED_SHARE * served ? [] : [ackStall(stalled, served)]),
        ...(keyHeader === undefined ? [] : [namedGroup(keyHeader)]),
      ];
    },
  };
}

/**
 * Of a simulated cell. Its spans are not taken apart again when an answer breaks off; live gaps come
 * with their record.
 */
export function watchSimulated(): RecordWatch {
  let broken = 0;
  return {
    add: ({ phase, state, osl }) => {
      const hasBrokenOff = phase === "measured" && state !== "ok" && osl > 1;
      if (hasBrokenOff) broken += 1;
    },
    findings: () => (broken === 0 ? [] : [brokenAnswers(broken)]),
  };
}

function brokenAnswers(count: number): Finding {
  return {
    id: "broken-answers",
    severity: "note",
    message: `ITL holds the gaps of ${counted(count, "answer")} that broke off, beside those of completed ones`,
    hint: "Raise --timeout or keep the workers up, to have completed answers alone",
  };
}

/** Prefill and decode are split, and no answer named a worker of one of them. */
function unseenRole(unseen: readonly WorkerRole[]): Finding {
  return {
    id: "role-unseen",
    severity: "untrusted",
    message: `No answer names a ${unseen.join(" or ")} worker, though the engine is split by role`,
    hint: "Check that the router sends prompts to prefill workers first; see its log",
  };
}

/** A router that need not find out what prompts share has an easier task than one that must. */
function namedGroup(keyHeader: string): Finding {
  return {
    id: "told-group",
    severity: "note",
    message: `The client names the group to the router: the session or prefix group is in header ${keyHeader}`,
    hint: "Mind it in comparisons: the other arms see the prompts alone",
  };
}

/** A part of most answers is held back for as long as an acknowledgement is delayed. */
function ackStall(stalled: number, served: number): Finding {
  return {
    id: "ack-stall",
    severity: "untrusted",
    message:
      `${stalled} of ${served} answers were held back once for 40 to 47 ms: the server waits for an ` +
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
