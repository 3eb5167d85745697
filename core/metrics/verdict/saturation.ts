/**
 * Trust check: does an open loop send more than is served? Then requests wait for one another, the
 * longer the run the longer they wait, and a latency tells how long the run was, not how good the
 * router. A closed loop waits for answers and cannot get there.
 *
 * Saturated means all of: requests begun and not ended grow from quarter to quarter of the run; from
 * the second quarter to the last they grow by more than chance and by a part of all that came
 * between; and waiting grows, which tells a queue from a start-up that is not over: TTFT by half, or,
 * where all start at once and share, the whole answer's time, in a run much longer than that. Drawn
 * from queues of 4, 32 and 160 servers, at 40 to 4,000 requests, this is met by at most 3 % of runs
 * at .9 of capacity; by 99 % of runs of 1,000 requests at 1.2 of the capacity of 32.
 *
 * A time-out hides such a queue: whoever waits too long leaves it, and soon it grows no more. So a
 * request that timed out counts as one that never ended, and as one that waited that long; and
 * waiting also grows where late answers take a good part of the time-out to begin and early ones do
 * not. Where a worker hangs, the answers of the others begin as early as ever.
 */
import type { Finding, RequestPoints } from "../../contract/result.ts";
import type { CellUnderTrial } from "./trust-check.ts";

export const SATURATED = "saturated";

/** Fewer requests make quarters of less than ten. */
const REQUESTS_MIN = 40;
/** Growth in standard deviations of what it is compared with: counts in flight are about Poisson. */
const BACKLOG_DEVIATIONS = 2;
const LATENCY_DEVIATIONS = 3;
/** Growth over what came between the middles of the two quarters, half of all. */
const BACKLOG_SHARE = 0.05;
const TTFT_RATIO = 1.5;
const E2E_RATIO = 1.1;
/** A run this many times as long as an answer is past its start-up in the second quarter. */
const PAST_START_UP = 4;
const TIMEOUTS_OF_FAILED = 0.9;
/** Answers that begin this late have waited, whatever their prompts. */
const TIMEOUT_SHARE = 0.25;
/** Of the answered requests: those that found the system all but empty. */
const EARLY_SHARE = 0.05;
const EARLY_MIN = 10;

export function saturated({ summary, load, points }: CellUnderTrial): Finding | undefined {
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
      `Saturated: ${came.toFixed(1)} requests/s came and ${served.toFixed(1)} were served; ` +
      `those begun and not ended grew from ${early!.toFixed(0)} to ${late!.toFixed(0)}, ` +
      (left === 0 ? "" : `with ${left} that timed out, `) +
      `so latencies tell how long the run was`,
    hint: `${slower} to below what is served, or measure the most that is with a closed loop: --concurrency`,
  };
}

interface Times {
  /** When it should have been sent. */
  readonly fromS: number;
  /** Infinity for one that timed out. */
  readonly toS: number;
  readonly ttftS: number;
  readonly e2eS: number;
}

/** Nearly all that failed did so by their time-out. */
function timedOut({ errors, requests: { failed } }: CellUnderTrial["summary"]): boolean {
  const count = errors.reduce((sum, one) => sum + (one.kind === "timeout" ? one.count : 0), 0);
  return count > 0 && count >= TIMEOUTS_OF_FAILED * failed;
}

/**
 * Completed requests, by when they were due: what waits in the generator, for a cap, waits too. With
 * `gaveUpS` those that failed as well: after so long.
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

/** For each request, how many had begun and not ended when it was due. */
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
  /** Of the mean. */
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
  const spanS = requests.at(-1)!.fromS - requests[0]!.fromS;
  return spanS > PAST_START_UP * e2e[1]!.mean && grows(e2e, E2E_RATIO);
}

function nearsTimeout(requests: readonly Times[], gaveUpS: number): boolean {
  const answered = requests.filter(({ toS }) => toS !== Infinity).map(({ ttftS }) => ttftS);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const early = mean(answered.slice(0, Math.max(EARLY_MIN, EARLY_SHARE * answered.length)));
  const late = mean(answered.slice(-Math.ceil(answered.length / 4)));
  return late > TIMEOUT_SHARE * gaveUpS && late > TTFT_RATIO * early;
}

function grows([, early, , late]: readonly Quarter[], ratio: number): boolean {
  const growth = late!.mean - early!.mean;
  const deviation = Math.sqrt(late!.variance + early!.variance);
  return late!.mean > ratio * early!.mean && growth > LATENCY_DEVIATIONS * deviation;
}

/** Over the second half of the run, when what started empty is full. */
function ratesOf(requests: readonly Times[]): { came: number; served: number } {
  const half = requests.slice(Math.floor(requests.length / 2));
  const fromS = half[0]!.fromS;
  const untilS = half.at(-1)!.fromS;
  const spanS = Math.max(untilS - fromS, 1e-9);
  const ended = requests.filter(({ toS }) => toS > fromS && toS <= untilS).length;
  return { came: (half.length - 1) / spanS, served: ended / spanS };
}
