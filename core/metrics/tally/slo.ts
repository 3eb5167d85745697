/**
 * Which requests kept all limits of `--slo`. A request that failed or was never sent kept none; one
 * without a TPOT, because its answer was a single token, keeps that limit. Requests that dynbench
 * itself aborted are not counted.
 */
import type { ServiceLevel } from "../../contract/plan.ts";

export interface Latencies {
  readonly ttftMs: number;
  /** NaN below two tokens. */
  readonly tpotMs: number;
  readonly e2eMs: number;
}

/** Whether a completed request kept all limits. */
export function keeps({ ttftMs, tpotMs, e2eMs }: Latencies, limits: ServiceLevel): boolean {
  return (
    (limits.ttftMs === undefined || ttftMs <= limits.ttftMs) &&
    (limits.tpotMs === undefined || Number.isNaN(tpotMs) || tpotMs <= limits.tpotMs) &&
    (limits.e2eMs === undefined || e2eMs <= limits.e2eMs)
  );
}

/** Share of all requests that kept the limits; undefined without limits or requests. */
export function keptShare(
  completed: Iterable<Latencies>,
  requests: { readonly ok: number; readonly failed: number; readonly dropped: number },
  limits: ServiceLevel | undefined,
): number | undefined {
  const all = requests.ok + requests.failed + requests.dropped;
  if (limits === undefined || all === 0) return undefined;
  let kept = 0;
  for (const latencies of completed) if (keeps(latencies, limits)) kept += 1;
  return kept / all;
}
