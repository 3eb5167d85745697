/**
 * Trust check: does an open loop send more than is served? Then a queue grows as long as the run
 * lasts, and latencies measure the length of the run, not the router. A closed loop waits for answers
 * and cannot saturate in this way.
 *
 * A cell is saturated when all of these hold. Open requests (due and not ended) grow from quarter to
 * quarter of the run. From the second quarter to the last they grow by more than chance explains, and
 * by a share of the requests that came in between. Waiting grows, which separates a queue from an
 * unfinished start-up: TTFT grows by half, or, where all requests start at once and share the
 * workers, E2E grows in a run much longer than one answer. In simulated queues of 4, 32 and 160
 * servers with 40 to 4,000 requests, at most 3 % of the runs at 0.9 of capacity are called saturated,
 * and 99 % of the runs of 1,000 requests at 1.2 of the capacity of 32 servers.
 *
 * A time-out hides such a queue: requests that wait too long leave it, and it stops growing. So a
 * request that timed out counts as one that never ended and that waited for the whole time-out.
 * Waiting also counts as growing where late answers begin only after a large part of the time-out and
 * early answers do not. When a single worker hangs, the answers of the others still begin early.
 *
 * That a cell is not saturated needs a proof of its own: the run is much longer than an answer, and its
 * open requests grew by less than a small share of what came in, as far as chance allows a statement.
 * Where a good part of the requests waited for nothing, the spread of the backlog within the run is the
 * measure of chance; else a random walk is, which a queue close to its capacity follows. Between the two
 * proofs the run is too short to say. In the queues above, with 200 requests or more, at most 5 % of the
 * runs at 1.05 of capacity and 2 % of those at 1.1 are taken for not saturated.
 */
import { counted } from "../../base/counted.ts";
import type { Finding, RequestPoints } from "../../contract/result.ts";
import type { CellUnderTrial } from "./trust-check.ts";

export const SATURATED = "saturated";
const UNKNOWN = "saturation-unknown";

/** With fewer requests a quarter has fewer than ten. */
const REQUESTS_MIN = 40;
/** Growth in standard deviations; counts in flight are about Poisson distributed. */
const BACKLOG_DEVIATIONS = 2;
const LATENCY_DEVIATIONS = 3;
/** Growth divided by the requests that came between the middles of the two quarters, half of all. */
const BACKLOG_SHARE = 0.03;
const TTFT_RATIO = 1.5;
const E2E_RATIO = 1.1;
/** A run this many times as long as an answer is past its start-up in the second quarter. */
const PAST_START_UP = 4;
const TIMEOUTS_OF_FAILED = 0.9;
/** Answers that begin later than this share of the time-out have waited, whatever their prompts. */
const TIMEOUT_SHARE = 0.25;
/** Share of the answered requests that arrived while the system was nearly empty. */
const EARLY_SHARE = 0.05;
const EARLY_MIN = 10;

/** Proof of the opposite: growth below this share, with a probability of error of 5 % (one-sided normal). */
const STEADY_SHARE = 0.04;
const STEADY_DEVIATIONS = 1.645;
const STEADY_ANSWERS = 8;
/** A request waited for nothing when its TTFT is within twice the 5 % quantile; so many did where there is room. */
const FREE_RATIO = 2;
const FREE_SHARE = 0.25;
/** Parts of a quarter whose means show how the backlog spreads. */
const PARTS = 5;
/** Squared coefficient of variation of the times of service, about that of lengths in use. */
const SERVICE_VARIATION = 0.25;
/** No proof needs more. */
const MAX_REQUESTS = 1e6;

/** Saturated, or too short a run to say; undefined where the load was shown to be served. */
export function saturation(cell: CellUnderTrial): Finding | undefined {
  return saturated(cell) ?? saturationUnknown(cell);
}

function saturated({ summary, load, points }: CellUnderTrial): Finding | undefined {
  const gaveUp = timedOut(summary) ? load.timeoutS : undefined;
  const requests = timesOf(points, gaveUp);
  if (load.arrival === "closed" || requests.length < REQUESTS_MIN) return undefined;
  const waiting = quarters(backlogs(requests));
  const isWaiting =
    waitingGrows(requests) || (gaveUp !== undefined && nearsTimeout(requests, gaveUp));
  if (!isWaiting || !backlogGrows(waiting, requests.length)) return undefined;
  const [, early, , late] = waiting.map(({ mean }) => mean);
  const { came, served } = ratesOf(requests);
  const left = requests.filter(({ toS }) => toS === Infinity).length;
  const slower =
    load.arrival === "trace" ? "Slow the trace down with --arrival-speedup" : "Lower --rate";
  return {
    id: SATURATED,
    severity: "untrusted",
    message:
      `Saturated: ${came.toFixed(1)} requests/s arrived and ${served.toFixed(1)} were served; ` +
      `open requests grew from ${early!.toFixed(0)} to ${late!.toFixed(0)}, ` +
      (left === 0 ? "" : `${left} requests timed out, `) +
      `so latencies measure the length of the run`,
    hint: `${slower} to below the rate that is served, or measure the highest throughput with a closed loop: --concurrency`,
  };
}

/** Of a cell that does not look saturated. */
function saturationUnknown(cell: CellUnderTrial): Finding | undefined {
  const { summary, load, points } = cell;
  // Of a rate that changes the backlog changes too.
  if (load.arrival === "closed" || load.rateProfile !== undefined) return undefined;
  const requests = timesOf(points, timedOut(summary) ? load.timeoutS : undefined);
  if (requests.length === 0) return undefined;
  const backlog = backlogs(requests);
  if (isSteady(requests, backlog)) return undefined;
  const [, early, , late] = quarters(backlog).map(({ mean }) => mean);
  // Of fewer than four requests a quarter has none.
  const went =
    requests.length < 4
      ? `over ${counted(requests.length, "request")}`
      : `over ${requests.length} requests the open ones went from ${early!.toFixed(0)} to ${late!.toFixed(0)}`;
  return {
    id: UNKNOWN,
    severity: "note",
    message: `Too short to say whether more arrived than was served: ${went}`,
    hint: `Use --requests ${roundedUp(requestsForProof(requests, backlog))}, or a closed loop, which cannot saturate: --concurrency`,
  };
}

/** Long enough, and growth of the backlog is shown to be below a small share of what came in. */
function isSteady(requests: readonly Times[], backlog: readonly number[]): boolean {
  const n = requests.length;
  if (!isLong(requests)) return false;
  const deviation = hasRoom(requests)
    ? spreadOf(backlog)
    : Math.sqrt(walkVariance(requests) * (n / 3));
  return growthOf(backlog) + STEADY_DEVIATIONS * deviation < (STEADY_SHARE * n) / 2;
}

/** How many requests would show it, where the load is served. */
function requestsForProof(requests: readonly Times[], backlog: readonly number[]): number {
  const n = requests.length;
  // Requests of a single moment have no rate.
  const forLength = (STEADY_ANSWERS * meanE2eS(requests) * n) / Math.max(spanS(requests), 1e-9);
  const bounded = Math.max(0, growthOf(backlog)) + STEADY_DEVIATIONS * spreadOf(backlog);
  const forChance =
    isLong(requests) && hasRoom(requests)
      ? (2 * bounded) / STEADY_SHARE
      : ((2 * STEADY_DEVIATIONS) / STEADY_SHARE) ** 2 * (walkVariance(requests) / 3);
  const needed = Math.max(REQUESTS_MIN, Math.min(forLength, MAX_REQUESTS), forChance);
  // As many as there are did not do: what grew must be made up for.
  return needed > n ? needed : 2 * n;
}

/** Past its start-up several times over; before, nothing waits yet, whatever the load. */
function isLong(requests: readonly Times[]): boolean {
  return requests.length >= REQUESTS_MIN && spanS(requests) >= STEADY_ANSWERS * meanE2eS(requests);
}

function hasRoom(requests: readonly Times[]): boolean {
  const ttft = requests.map(({ ttftS }) => ttftS).sort((a, b) => a - b);
  const least = ttft[Math.floor(0.05 * ttft.length)]!;
  const half = requests.slice(Math.floor(requests.length / 2));
  return half.filter(({ ttftS }) => ttftS <= FREE_RATIO * least).length >= FREE_SHARE * half.length;
}

function growthOf(backlog: readonly number[]): number {
  const [, early, , late] = quarters(backlog).map(({ mean }) => mean);
  return late! - early!;
}

/**
 * Standard deviation of the growth between two quarters of a backlog that keeps its level: that of the
 * difference of their means, from the means of their parts, which hold neighbours that hang together.
 */
function spreadOf(backlog: readonly number[]): number {
  const variances = [1, 3].map((quarter) => {
    const from = Math.floor((quarter * backlog.length) / 4);
    const part = backlog.slice(from, Math.floor(((quarter + 1) * backlog.length) / 4));
    const means = Array.from({ length: PARTS }, (_, i) =>
      meanOf(part.slice((i * part.length) / PARTS, ((i + 1) * part.length) / PARTS)),
    );
    const mean = meanOf(means);
    return meanOf(means.map((value) => (value - mean) ** 2)) / (PARTS - 1);
  });
  return Math.sqrt(variances[0]! + variances[1]!);
}

/** Of a random walk a request: of the times between arrivals, as measured, and of service. */
function walkVariance(requests: readonly Times[]): number {
  const gaps = requests.slice(1).map(({ fromS }, i) => fromS - requests[i]!.fromS);
  const mean = meanOf(gaps);
  const variation = meanOf(gaps.map((gap) => (gap - mean) ** 2)) / mean ** 2;
  return (Number.isFinite(variation) ? variation : 1) + SERVICE_VARIATION;
}

function spanS(requests: readonly Times[]): number {
  return requests.at(-1)!.fromS - requests[0]!.fromS;
}

function meanE2eS(requests: readonly Times[]): number {
  return meanOf(requests.map(({ e2eS }) => e2eS));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** To two digits. */
function roundedUp(count: number): number {
  let unit = 1;
  while (count / unit >= 100) unit *= 10;
  return Math.ceil(count / unit) * unit;
}

interface Times {
  /** When the request was due. */
  readonly fromS: number;
  /** Infinity for a request that timed out. */
  readonly toS: number;
  readonly ttftS: number;
  readonly e2eS: number;
}

/** Nearly all failed requests failed by their time-out. */
function timedOut({ errors, requests: { failed } }: CellUnderTrial["summary"]): boolean {
  const count = errors.reduce((sum, one) => sum + (one.kind === "timeout" ? one.count : 0), 0);
  return count > 0 && count >= TIMEOUTS_OF_FAILED * failed;
}

/**
 * Completed requests, sorted by their due times: waiting in the generator for a free slot counts as
 * waiting. With `gaveUpS` also the failed requests, each after that time.
 */
function timesOf(
  { sentS, latenessMs, ttftMs, e2eMs }: RequestPoints,
  gaveUpS: number | undefined,
): Times[] {
  return sentS
    .map((s, i) => {
      const fromS = s - latenessMs[i]! / 1000;
      const e2eS = e2eMs[i]! / 1000;
      if (gaveUpS === undefined || !Number.isNaN(e2eS)) {
        return { fromS, toS: fromS + e2eS, ttftS: ttftMs[i]! / 1000, e2eS };
      }
      return { fromS, toS: Infinity, ttftS: gaveUpS, e2eS: gaveUpS };
    })
    .filter(({ toS }) => !Number.isNaN(toS))
    .sort((a, b) => a.fromS - b.fromS);
}

/** For each request, the number of open requests at the time it was due. */
function backlogs(requests: readonly Times[]): number[] {
  const ends = requests.map(({ toS }) => toS).sort((a, b) => a - b);
  let ended = 0;
  return requests.map(({ fromS }, i) => {
    while (ended < ends.length && ends[ended]! <= fromS) ended += 1;
    return Math.max(0, i + 1 - ended);
  });
}

interface Quarter {
  readonly mean: number;
  /** Variance of the mean. */
  readonly variance: number;
}

function quarters(values: readonly number[]): Quarter[] {
  const n = values.length;
  return [0, 1, 2, 3].map((quarter) => {
    const part = values.slice(Math.floor((quarter * n) / 4), Math.floor(((quarter + 1) * n) / 4));
    const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
    const squares = part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, variance: squares / part.length ** 2 };
  });
}

function backlogGrows(waiting: readonly Quarter[], count: number): boolean {
  const [first, second, third, last] = waiting.map(({ mean }) => mean) as [
    number,
    number,
    number,
    number,
  ];
  const growth = last - second;
  return (
    first < second &&
    second < third &&
    third < last &&
    growth > BACKLOG_DEVIATIONS * Math.sqrt(second + last) &&
    growth > (BACKLOG_SHARE * count) / 2
  );
}

function waitingGrows(requests: readonly Times[]): boolean {
  if (grows(quarters(requests.map(({ ttftS }) => ttftS)), TTFT_RATIO)) return true;
  const e2e = quarters(requests.map(({ e2eS }) => e2eS));
  return spanS(requests) > PAST_START_UP * e2e[1]!.mean && grows(e2e, E2E_RATIO);
}

function nearsTimeout(requests: readonly Times[], gaveUpS: number): boolean {
  const answered = requests.filter(({ toS }) => toS !== Infinity).map(({ ttftS }) => ttftS);
  const early = meanOf(answered.slice(0, Math.max(EARLY_MIN, EARLY_SHARE * answered.length)));
  const late = meanOf(answered.slice(-Math.ceil(answered.length / 4)));
  return late > TIMEOUT_SHARE * gaveUpS && late > TTFT_RATIO * early;
}

function grows([, early, , late]: readonly Quarter[], ratio: number): boolean {
  const growth = late!.mean - early!.mean;
  const deviation = Math.sqrt(late!.variance + early!.variance);
  return late!.mean > ratio * early!.mean && growth > LATENCY_DEVIATIONS * deviation;
}

/** Over the second half of the run, when the system is no longer filling up. */
function ratesOf(requests: readonly Times[]): { came: number; served: number } {
  const half = requests.slice(Math.floor(requests.length / 2));
  const fromS = half[0]!.fromS;
  const untilS = half.at(-1)!.fromS;
  const spanS = Math.max(untilS - fromS, 1e-9);
  const ended = requests.filter(({ toS }) => toS > fromS && toS <= untilS).length;
  return { came: (half.length - 1) / spanS, served: ended / spanS };
}
