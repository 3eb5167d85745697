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
 */
import type { Finding, RequestPoints } from "./result.ts";
import type { CellUnderTrial } from "./trust.ts";

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

export function saturated({ load, points }: CellUnderTrial): Finding | undefined {
  const requests = timesOf(points);
  if (load.arrival === "closed" || requests.length < REQUESTS_MIN) return undefined;
  const waiting = quarters(backlogs(requests));
  if (!backlogGrows(waiting, requests.length) || !waitingGrows(requests)) return undefined;
  const [, early, , late] = waiting.map(({ mean }) => mean);
  const { came, served } = ratesOf(requests);
  const slower =
    load.arrival === "trace" ? "Slow the trace down with --arrival-speedup" : "Lower --rate";
  return {
    id: SATURATED,
    severity: "untrusted",
    message:
      `Saturated: ${came.toFixed(1)} requests/s came and ${served.toFixed(1)} were served; ` +
      `those begun and not ended grew from ${early!.toFixed(0)} to ${late!.toFixed(0)}, ` +
      `so latencies tell how long the run was`,
    hint: `${slower} to below what is served, or measure the most that is with a closed loop: --concurrency`,
  };
}

interface Times {
  /** When it should have been sent. */
  readonly fromS: number;
  readonly toS: number;
  readonly ttftS: number;
}

/** Completed requests, by when they were due: what waits in the generator, for a cap, waits too. */
function timesOf({ sentS, latenessMs, ttftMs, e2eMs }: RequestPoints): Times[] {
  return sentS
    .map((s, i) => {
      const fromS = s - latenessMs[i]! / 1000;
      return { fromS, toS: fromS + e2eMs[i]! / 1000, ttftS: ttftMs[i]! / 1000 };
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
  const e2e = quarters(requests.map(({ fromS, toS }) => toS - fromS));
  const spanS = requests.at(-1)!.fromS - requests[0]!.fromS;
  return spanS > PAST_START_UP * e2e[1]!.mean && grows(e2e, E2E_RATIO);
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
