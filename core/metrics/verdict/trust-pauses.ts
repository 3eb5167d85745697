/**
 * Trust checks: did every party keep going? Each process of dynbench notices by its own clock when it
 * stood still. Foreign ones show in the streams: those of one worker, or all, that fall silent at once for
 * longer than anything else in the run explains. A stand-still of the load generator itself is
 * `client-stalled`. Wall clock only.
 */
import type { Finding } from "../../contract/result.ts";
import type { Silence } from "../tally/silences.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** Shorter pauses are those of a busy machine; each is also compared with the latencies that it spoils. */
const PAUSE_MS = 500;
const PAUSE_TTFT_SHARE = 0.1;
/** A silence that stands out is so many times as long as the next one, */
const NEXT_RATIO = 4;
/** and as what the prompts that were being read then would take. */
const PREFILL_RATIO = 3;
/** Silences begin and end within a part of 50 ms; twice that is their edge. */
const EDGE_S = 0.1;

export const PAUSE_CHECKS: readonly TrustCheck[] = [processPaused, streamsSilent];

function processPaused({ summary, evidence }: CellUnderTrial): Finding | undefined {
  const pauses = evidence.pauses ?? [];
  const longest = pauses.reduce((a, b) => (b.ms > a.ms ? b : a), { name: "", ms: 0 });
  if (longest.ms < leastMs(summary)) return undefined;
  const names = [
    ...new Set(pauses.filter(({ ms }) => ms >= leastMs(summary)).map(({ name }) => name)),
  ];
  return stoodStill(names.join(", "), longest.ms, {
    seen: "as its own clock shows",
    hint: "Look for other load on the machine, suspended processes or swapping, then run again",
  });
}

function streamsSilent(cell: CellUnderTrial): Finding | undefined {
  const { summary, tally, evidence } = cell;
  if (summary.clock === "virtual") return undefined;
  const { all, ofWorker } = tally.silences;
  // What is named already silences the streams too.
  const namedMs = Math.max(
    summary.client.loopLagMs?.max ?? 0,
    ...(evidence.pauses ?? []).map(({ ms }) => ms),
  );
  const isNamed = ({ lengthMs }: Silence): boolean => namedMs > lengthMs / 2;
  const ofAll = standsOut(all.longest(2), cell);
  if (ofAll !== undefined) {
    if (isNamed(ofAll)) return undefined;
    const party =
      ofWorker.size === 1
        ? `${[...ofWorker.keys()][0]}, or the way to it,`
        : `Router "${summary.arm}", or the way to it,`;
    return stoodStill(party, ofAll.lengthMs, silent(ofAll, "all"));
  }
  for (const [worker, activity] of ofWorker) {
    const silence = standsOut(activity.longest(2), cell);
    if (silence !== undefined && !isNamed(silence)) {
      return stoodStill(worker, silence.lengthMs, silent(silence, "its"));
    }
  }
  return undefined;
}

/** The longest silence, where neither the next one nor the prompts of the run come near it. */
function standsOut([longest, next]: readonly Silence[], cell: CellUnderTrial): Silence | undefined {
  if (longest === undefined || longest.lengthMs < leastMs(cell.summary)) return undefined;
  if (longest.lengthMs < NEXT_RATIO * (next?.lengthMs ?? 0)) return undefined;
  return longest.lengthMs < PREFILL_RATIO * prefillMs(longest, cell) ? undefined : longest;
}

/** What the prompts would take that waited for their first token all through a silence, at the pace of the others. */
function prefillMs({ fromS, lengthMs }: Silence, { points }: CellUnderTrial): number {
  const paces: number[] = [];
  let waitingTokens = 0;
  for (const [i, sentS] of points.sentS.entries()) {
    const ttftMs = points.ttftMs[i]!;
    if (Number.isNaN(ttftMs)) continue;
    const uncached = points.uncachedTokens[i]!;
    const tokens = Math.max(1, Number.isNaN(uncached) ? points.promptTokens[i]! : uncached);
    const firstS = sentS + (ttftMs - points.latenessMs[i]!) / 1000;
    const isWaiting = sentS < fromS + EDGE_S && firstS > fromS + lengthMs / 1000 - EDGE_S;
    if (isWaiting) waitingTokens += tokens;
    else paces.push(ttftMs / tokens);
  }
  const pace = paces.toSorted((a, b) => a - b)[Math.floor(paces.length / 2)] ?? 0;
  return waitingTokens * pace;
}

function silent({ fromS, streams }: Silence, whose: string): { seen: string; hint: string } {
  return {
    seen: `${fromS.toFixed(1)} s after the start, ${whose} ${streams} answers under way fell silent at once`,
    hint: "Look for a process that was suspended, swapped out or starved there, then run again",
  };
}

function stoodStill(party: string, ms: number, details: { seen: string; hint: string }): Finding {
  return {
    id: "stood-still",
    severity: "untrusted",
    message: `${party} stood still for ${(ms / 1000).toFixed(1)} s: ${details.seen}`,
    hint: details.hint,
  };
}

function leastMs(summary: CellUnderTrial["summary"]): number {
  return Math.max(PAUSE_MS, PAUSE_TTFT_SHARE * (summary.metrics.ttftMs?.mean ?? 0));
}
