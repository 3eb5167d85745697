/** Trust checks: was the set-up what its label claims, from the first request to the last? */
import { counted } from "../../base/counted.ts";
import type { Finding } from "../../contract/result.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** Hit share above the ideal that the shared tokens of a chat template still explain. */
const WARM_CACHE_SHARE = 0.02;
/** Requests that workers may count late or twice: a few, or this share of all. */
const MISCOUNTED = 2;
const MISCOUNTED_SHARE = 0.02;
/** One honest run in a thousand. */
const CHANCE_MAX = 0.001;

export const SETUP_CHECKS: readonly TrustCheck[] = [
  aborted,
  idleWorker,
  unseenRole,
  workersUnknown,
  noKvEvents,
  warmCache,
  servedElsewhere,
  servedForOthers,
];

function aborted({ summary }: CellUnderTrial): Finding | undefined {
  if (summary.state !== "aborted") return undefined;
  const { ok, aborted: inFlight } = summary.requests;
  const rest = inFlight === undefined ? "" : `, ${inFlight} in flight were aborted`;
  return {
    id: "aborted",
    severity: "untrusted",
    message: `Stopped early, after ${counted(ok, "completed request")}${rest}`,
    hint: "Continue with --resume and the run's folder",
  };
}

function idleWorker({ summary, evidence }: CellUnderTrial): Finding | undefined {
  const idle = summary.workers.filter((worker) => worker.requests === 0).map(({ id }) => id);
  if (idle.length === 0 || idle.length === summary.workers.length) return undefined;
  const tooFew = summary.requests.ok < summary.workers.length;
  // Each in turn leaves none out; by chance, or where ties are broken by chance, one of many may get nothing.
  const isChance = chanceOfIdle(summary.requests.ok, summary.workers.length) > CHANCE_MAX;
  return {
    id: "idle-worker",
    severity: evidence.traits.spreads && !tooFew && !isChance ? "untrusted" : "note",
    message: `${idle.join(", ")} served no request`,
    hint:
      tooFew || (evidence.traits.spreads && isChance)
        ? "Use --requests to send more requests: so few may all go to the other workers by chance"
        : evidence.traits.spreads
          ? "Check that the router sees every worker; this router is meant to use them all"
          : "Raise the load or the number of prefixes to use all workers: this router keeps a prompt on its worker",
  };
}

/** That one of the workers gets nothing when each request goes to any of them: at most n (1 − 1/n)^requests. */
function chanceOfIdle(requests: number, workers: number): number {
  return workers * (1 - 1 / workers) ** requests;
}

/** Split workers: an answer that skipped a stage contradicts the label. */
function unseenRole({ summary }: CellUnderTrial): Finding | undefined {
  const served = (role: string): number =>
    summary.workers.reduce((sum, each) => sum + (each.role === role ? each.requests : 0), 0);
  const isSplit = summary.workers.some(({ role }) => role !== undefined);
  const unseen = ["prefill", "decode"].filter((role) => served(role) === 0);
  if (!isSplit || unseen.length === 0 || summary.requests.ok === 0) return undefined;
  return {
    id: "role-unseen",
    severity: "untrusted",
    message: `No answer names a ${unseen.join(" or a ")} worker`,
    hint: "Check that the router sends each request to a prefill and then to a decode worker",
  };
}

function workersUnknown({ summary }: CellUnderTrial): Finding | undefined {
  const named = summary.workers.some((worker) => worker.requests > 0);
  if (named || summary.requests.ok === 0) return undefined;
  return {
    id: "workers-unknown",
    severity: "note",
    message: "Answers do not name the worker that served them, so shares per worker are unknown",
    hint: "Use an engine or router that names the worker in a response header",
  };
}

function noKvEvents({ summary, evidence }: CellUnderTrial): Finding | undefined {
  if (!evidence.traits.kvEvents || summary.routerCost?.eventsApplied !== 0) return undefined;
  return {
    id: "no-kv-events",
    severity: "untrusted",
    message: "The router routes by KV events and received none",
    hint: "Check that the engine publishes KV events and that its prefix cache is on",
  };
}

function warmCache({ summary }: CellUnderTrial): Finding | undefined {
  const { cachedShare, idealShare } = summary.cache;
  if (cachedShare === undefined || !(cachedShare > idealShare + WARM_CACHE_SHARE)) return undefined;
  return {
    id: "warm-cache",
    severity: "untrusted",
    message: `Workers had ${percent(cachedShare)} of the prompt tokens cached, more than the ${percent(idealShare)} that these requests alone can leave`,
    hint: "Restart the engine, or use another --seed: an earlier run's prompts are still cached",
  };
}

/** Answers that no worker has given. */
function servedElsewhere({ tally, evidence }: CellUnderTrial): Finding | undefined {
  const { servedByWorkers: served } = evidence;
  const { answered } = tally.everyPhase;
  if (served === undefined || served + slack(answered) >= answered) return undefined;
  return {
    id: "served-elsewhere",
    severity: "untrusted",
    message: `The workers count ${counted(served, "request")} and ${answered} were answered: ${answered - served} answers came from elsewhere`,
    hint: "Switch off caches of answers in the router and before it, and look for workers that are not among those of this run",
  };
}

/** Requests that the load has not sent: sent twice or again by the router, or another client's. */
function servedForOthers({ tally, evidence }: CellUnderTrial): Finding | undefined {
  const { servedByWorkers: served } = evidence;
  const { sent } = tally.everyPhase;
  if (served === undefined || served <= sent + slack(sent)) return undefined;
  return {
    id: "served-more",
    severity: "untrusted",
    message: `The workers count ${counted(served, "request")} and ${sent} were sent: ${served - sent} came from elsewhere`,
    hint: "Look for a router that sends requests twice or again, and for another client of these workers",
  };
}

function slack(requests: number): number {
  return Math.max(MISCOUNTED, MISCOUNTED_SHARE * requests);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
