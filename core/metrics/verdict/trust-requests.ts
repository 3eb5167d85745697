/** Trust checks: were the requests served as the workload asked? */
import { counted } from "../../base/counted.ts";
import { probe } from "../../statistics/quantiles.ts";
import type { Finding } from "../../contract/result.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";

/** Share of requests that may fail or end short; with more, the rest no longer represent the load. */
const FAULTY_SHARE_MAX = 0.01;
/** Mean deviation of prompt lengths from their targets. */
const PROMPT_OFF_MAX = 0.01;
/** No engine gives one stream tokens faster than this, in modelled time: 5,000 tokens a second. */
const PACE_MS_MIN = 0.2;
const BURST_SHARE_MAX = 0.1;
/** With fewer requests p99 is the slowest one or close to it. */
const REQUESTS_FOR_P99 = 100;
const TOKENS_PER_CHUNK_MAX = 1.05;

export const REQUEST_CHECKS: readonly TrustCheck[] = [
  failedRequests,
  shortOutputs,
  longOutputs,
  burstAnswers,
  promptsOffTarget,
  cachedTokensUnknown,
  severalTokensPerChunk,
  fewRequests,
];

function failedRequests({ summary }: CellUnderTrial): Finding | undefined {
  const { sent, failed } = summary.requests;
  if (failed === 0) return undefined;
  return {
    id: "errors",
    severity: failed / sent > FAULTY_SHARE_MAX ? "untrusted" : "note",
    message: `${failed} of ${sent} requests failed${mostOf(summary.errors)}`,
    hint: summary.errors.some(isTooLong)
      ? "Raise --max-model-len (a larger --gpu holds more), or send shorter prompts: --max-isl of a trace, --isl"
      : "Read the errors of the cell and the engine's and router's logs" +
        (summary.errors.some(isOverload) ? "; a lower load may be enough" : ""),
  };
}

/** In the words of vLLM, SGLang and the mocker. */
function isTooLong({ message }: CellUnderTrial["summary"]["errors"][number]): boolean {
  return /maximum context length|longer than the model's context length|KV cache blocks/i.test(
    message,
  );
}

/** Refused for now, or not served in time: errors that a lower load may avoid. */
function isOverload({ kind, status }: CellUnderTrial["summary"]["errors"][number]): boolean {
  return kind === "timeout" || kind === "connect" || status === 503 || status === 429;
}

function mostOf([most, ...others]: CellUnderTrial["summary"]["errors"]): string {
  if (most === undefined) return "";
  const { message, url } = most;
  if (url === undefined) return `, most with: ${message}`;
  const isOne = others.every((other) => other.url === url);
  return isOne
    ? `, all of them at ${url}, most with: ${message}`
    : `, most at ${url} with: ${message}`;
}

function shortOutputs({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { shortOutputs: short } = tally.oddities;
  if (short === 0) return undefined;
  return {
    id: "short-output",
    severity: short / summary.requests.ok > FAULTY_SHARE_MAX ? "untrusted" : "note",
    message: `${short} of ${summary.requests.ok} answers had fewer tokens than requested`,
    hint: "Check that the server honours ignore_eos, and that prompt and answer fit its context",
  };
}

function longOutputs({ summary, tally }: CellUnderTrial): Finding | undefined {
  const { longOutputs: long } = tally.oddities;
  if (long === 0) return undefined;
  return {
    id: "long-output",
    severity: long / summary.requests.ok > FAULTY_SHARE_MAX ? "untrusted" : "note",
    message: `${long} of ${summary.requests.ok} answers had more tokens than max_tokens allowed`,
    hint: "Check that the server honours max_tokens, and that its usage counts the tokens that it sent",
  };
}

function burstAnswers({ summary, tally }: CellUnderTrial): Finding | undefined {
  const paces = tally.oddities.paceMs;
  if (summary.clock === "virtual" || paces.length === 0) return undefined;
  const bursts = paces.filter((pace) => pace * summary.timeScale < PACE_MS_MIN).length;
  if (bursts / paces.length <= BURST_SHARE_MAX) return undefined;
  return {
    id: "burst-answers",
    severity: "untrusted",
    message: `${bursts} of ${paces.length} answers arrived all at once, so TTFT, ITL and TPOT measure a buffer`,
    hint: "Look for a proxy that buffers between here and the engine, and for an engine that does not stream",
  };
}

function promptsOffTarget({ tally }: CellUnderTrial): Finding | undefined {
  const { promptOffTarget, promptTokensOff, promptTokensCounted } = tally.oddities;
  if (promptOffTarget === 0) return undefined;
  const off = promptTokensOff / promptTokensCounted;
  return {
    id: "prompt-tokens-off",
    severity: off > PROMPT_OFF_MAX ? "untrusted" : "note",
    message: `The server counted other lengths for ${counted(promptOffTarget, "prompt")}, off by ${(100 * off).toFixed(2)} % of all prompt tokens`,
    hint: "Use --prompt-form ids, whose lengths are exact, or the model's own tokenizer for text",
  };
}

function cachedTokensUnknown({ summary, tally }: CellUnderTrial): Finding | undefined {
  const unknown = summary.requests.ok - tally.cache.requests;
  if (unknown === 0) return undefined;
  const all = tally.cache.requests === 0;
  const isSplit = summary.workers.some(({ role }) => role !== undefined);
  return {
    id: "cached-tokens-unknown",
    severity: "note",
    message: all
      ? "The server does not report cached tokens, so the hit share is unknown"
      : `${unknown} of ${summary.requests.ok} answers did not report cached tokens; the hit share is that of the others`,
    hint: isSplit
      ? "Leave hit shares aside: the workers that decode answer, and do not report what others had cached"
      : "Let the server report them (vLLM: --enable-prompt-tokens-details, SGLang: --enable-cache-report), or leave hit shares aside",
  };
}

function severalTokensPerChunk({ summary }: CellUnderTrial): Finding | undefined {
  const tokens = summary.metrics.tokensPerChunk;
  if (tokens === undefined || tokens <= TOKENS_PER_CHUNK_MAX) return undefined;
  return {
    id: "tokens-per-chunk",
    severity: "note",
    message: `A chunk carries ${tokens.toFixed(2)} tokens on average, and ITL counts chunks`,
    hint: "Compare TPOT instead, which counts tokens",
  };
}

function fewRequests({ summary, points }: CellUnderTrial): Finding | undefined {
  const { ok } = summary.requests;
  if (ok === 0 || ok >= REQUESTS_FOR_P99) return undefined;
  const [max] = probe(WeightedSamples.of(points.ttftMs), [1]);
  return {
    id: "few-requests",
    severity: "note",
    message: `The p99 of ${counted(ok, "request")} is close to the slowest of them (TTFT ${max!.toFixed(1)} ms)`,
    hint: `Use --requests ${REQUESTS_FOR_P99} or more for a meaningful p99`,
  };
}
