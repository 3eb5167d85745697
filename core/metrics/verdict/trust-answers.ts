/**
 * Trust checks: did the answers hold what their server counted, and were they computed? A server that
 * opens its stream early, counts tokens that it never sends, or answers before any engine could have
 * read the prompt, looks faster than it is. Wall clock only: a simulation has no server.
 */
import type { Finding } from "../../contract/result.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** Share of the answers that may be odd; with more, the rest no longer represent the load. */
const FAULTY_SHARE_MAX = 0.01;
/**
 * No worker reads prompts faster than this, in modelled time. A token takes two operations a parameter,
 * so a model of one billion parameters would take 1 PFLOP/s, more than engines get out of a GPU of 2025.
 */
const PREFILL_TPS_MAX = 5e5;
const TOO_FAST_SHARE_MAX = 0.1;
/** A first gap is far from the others when it is so many times as long, and longer than TTFT itself. */
const FIRST_GAP_RATIO = 5;
const FIRST_GAP_TTFTS = 2;
/** With fewer answers a median is chance. */
const ANSWERS_MIN = 10;
/** A blank start is named where the wait for content after it is as long as so many gaps. */
const BLANK_START_GAPS = 3;

export const ANSWER_CHECKS: readonly TrustCheck[] = [
  usageInvalid,
  usageMissing,
  notStreamed,
  tooFast,
  blankStart,
  firstGap,
].map(
  (check) => (cell: CellUnderTrial) => (cell.summary.clock === "wall" ? check(cell) : undefined),
);

function usageInvalid({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { usageFaults, firstUsageFault } = tally.oddities;
  if (usageFaults === 0) return undefined;
  return {
    id: "usage-invalid",
    severity: usageFaults / summary.requests.ok > FAULTY_SHARE_MAX ? "untrusted" : "note",
    message: `${usageFaults} of ${summary.requests.ok} answers reported counts that cannot be, which were left out; the first: ${firstUsageFault}`,
    hint: "Look at a whole answer with curl: the server, or a proxy before it, spoils its usage",
  };
}

function usageMissing({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { withoutUsage } = tally.oddities;
  if (withoutUsage === 0) return undefined;
  return {
    id: "usage-missing",
    severity: "note",
    message: `${withoutUsage} of ${summary.requests.ok} answers reported no usage: each of their chunks counts as one token`,
    hint: "Let the server honour stream_options.include_usage; without it no count of the server confirms the tokens",
  };
}

function notStreamed({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { notStreamed: answers, notStreamedTokens } = tally.oddities;
  if (answers === 0) return undefined;
  const share = notStreamedTokens / tally.sums.outputTokens;
  return {
    id: "tokens-not-streamed",
    severity: answers / summary.requests.ok > FAULTY_SHARE_MAX ? "untrusted" : "note",
    message: `${answers} of ${summary.requests.ok} answers reported more tokens than their text can hold: ${(100 * share).toFixed(0)} % of all output tokens never came`,
    hint: "Throughput counts what the server reports; compare its usage with the text of one answer",
  };
}

/** Prompts without those tokens that were cached, or that could have been where that is not known. */
function tooFast({ summary, points }: CellUnderTrial): Finding | undefined {
  const rates = points.ttftMs.flatMap((ttftMs, i) => {
    if (Number.isNaN(ttftMs)) return [];
    const uncached = points.uncachedTokens[i]!;
    const tokens = Number.isNaN(uncached)
      ? points.promptTokens[i]! * (1 - summary.cache.idealShare)
      : uncached;
    return [(tokens / ttftMs) * 1000];
  });
  const fast = rates.filter((tps) => tps > PREFILL_TPS_MAX * summary.timeScale);
  if (fast.length === 0 || fast.length / rates.length <= TOO_FAST_SHARE_MAX) return undefined;
  return {
    id: "too-fast",
    severity: "untrusted",
    message: `${fast.length} of ${rates.length} answers began before any engine could have read their prompts: TTFT p50 ${summary.metrics.ttftMs!.p50.toFixed(1)} ms, as if ${millions(median(fast))} million prompt tokens were read a second`,
    hint: "Look for canned answers, a cache of answers before the engine, and a first chunk that is sent before the prompt was read",
  };
}

function blankStart({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { blankStartMs, otherGapsMs } = tally.oddities;
  if (blankStartMs.length === 0) return undefined;
  const waitMs = median(blankStartMs);
  if (otherGapsMs.length > 0 && waitMs < BLANK_START_GAPS * median(otherGapsMs)) return undefined;
  return {
    id: "blank-start",
    severity: "note",
    message: `${blankStartMs.length} of ${summary.requests.ok} answers began with a chunk without content, ${waitMs.toFixed(1)} ms (p50) before the first with content; TTFT counts to that one`,
    hint: "Other tools may take the first chunk for the first token: compare TTFT with theirs only with care",
  };
}

function firstGap({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { firstGapMs, otherGapsMs } = tally.oddities;
  if (firstGapMs.length < ANSWERS_MIN || summary.metrics.ttftMs === undefined) return undefined;
  const first = median(firstGapMs);
  const others = median(otherGapsMs);
  const ttft = summary.metrics.ttftMs.p50;
  if (first <= FIRST_GAP_RATIO * others || first <= FIRST_GAP_TTFTS * ttft) return undefined;
  // Where prefill and decode are split, the KV cache travels in this gap.
  const isSplit = summary.workers.some(({ role }) => role !== undefined);
  return {
    id: "first-gap",
    severity: isSplit ? "note" : "untrusted",
    message: `The first gap of an answer is ${first.toFixed(1)} ms (p50), the others ${others.toFixed(1)} ms, and TTFT ${ttft.toFixed(1)} ms: the first token came before the prompt was read`,
    hint: "Compare E2E instead, which counts to the last token, and look for what sends a first token early",
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function millions(tps: number): string {
  return (tps / 1e6).toFixed(1);
}
