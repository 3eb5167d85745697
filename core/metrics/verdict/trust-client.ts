/** Trust checks: did the load generator, and the machine it runs on, keep up? Wall clock only. */
import type { Finding, RouterCost } from "../../contract/result.ts";
import { sendRates } from "../tally/send-rate.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** Lateness adds to every latency: allowed is this much, or this share of the figure that it adds to. */
const LATE_MS = 5;
const LATE_MEAN_MS = 1;
const LATE_TTFT_SHARE = 0.05;
/** One stall of the generator spoils every request in flight, however few were sent late. */
const STALL_MS = 250;
const STALL_TTFT_SHARE = 0.1;
/** Busy share above which the generator's single thread, or the cores of the machine, count as full. */
const THREAD_FULL = 0.9;
const MACHINE_FULL = 0.95;
/** Other programs harm a run from so many cores up, where no more of the machine than this is idle. */
const OTHER_CORES = 0.3;
const IDLE_ENOUGH = 0.3;
/** dynbench's own share of TTFT on a sped-up engine: above the first a note, above the second untrusted. */
const OVERHEAD_NOTED = 0.02;
const OVERHEAD_MAX = 0.1;
/** Sent rate over planned rate of an open loop. */
const RATE_REACHED = 0.95;
export const CLIENT_CHECKS: readonly TrustCheck[] = [
  clientLate,
  clientStalled,
  loopLag,
  cpuFull,
  otherLoad,
  timeScale,
  rateNotReached,
  clockStepped,
].map(
  (check) => (cell: CellUnderTrial) => (cell.summary.clock === "wall" ? check(cell) : undefined),
);

function clientLate({ summary, points }: CellUnderTrial): Finding | undefined {
  const { p99 } = summary.client.latenessMs;
  const mean = points.latenessMs.reduce((a, b) => a + b, 0) / Math.max(1, points.latenessMs.length);
  const late = lateBeyond(summary, { mean, p99 });
  if (late === undefined) return undefined;
  return {
    id: "client-late",
    severity: "untrusted",
    message: `Requests were sent late: ${late.what} lateness ${ms(late.seen)}, harmless up to ${ms(late.limit)}`,
    hint: "Give the load generator a core of its own, or lower --concurrency or --rate",
  };
}

function clientStalled({ summary }: CellUnderTrial): Finding | undefined {
  const longest = Math.max(summary.client.latenessMs.max, summary.client.loopLagMs?.max ?? 0);
  if (longest <= Math.max(STALL_MS, STALL_TTFT_SHARE * meanTtftMs(summary))) return undefined;
  return {
    id: "client-stalled",
    severity: "untrusted",
    message: `The load generator stalled for ${ms(longest)}`,
    hint: "Look for other load on the machine, suspended processes or swapping, then run again",
  };
}

function loopLag({ summary }: CellUnderTrial): Finding | undefined {
  const { mean = 0, p99 = 0 } = summary.client.loopLagMs ?? {};
  const late = lateBeyond(summary, { mean, p99 });
  if (late === undefined) return undefined;
  return {
    id: "loop-lag",
    severity: "untrusted",
    message: `Timestamps of the load generator are late: ${late.what} lag of its event loop ${ms(late.seen)}, harmless up to ${ms(late.limit)}`,
    hint: "Give the load generator a core of its own, or lower --concurrency or --rate",
  };
}

function cpuFull({ summary, evidence }: CellUnderTrial): Finding | undefined {
  const thread = summary.client.busyShare ?? 0;
  const machine = evidence.machineCpuShare ?? 0;
  if (!(thread > THREAD_FULL) && !(machine > MACHINE_FULL)) return undefined;
  return {
    id: "cpu-full",
    severity: "untrusted",
    message:
      thread > THREAD_FULL
        ? `The load generator was busy ${(100 * thread).toFixed(0)} % of the time`
        : `The machine's cores were ${(100 * machine).toFixed(0)} % busy`,
    hint:
      summary.timeScale > 1
        ? "Lower --speedup, --concurrency or --workers, or use a machine with more cores"
        : "Lower --concurrency or --rate, or use a machine with more cores",
  };
}

/** One that wakes up in some cells alone makes a difference between arms out of nothing. */
function otherLoad({ evidence }: CellUnderTrial): Finding | undefined {
  const { otherCores = 0, machineCpuShare = 0 } = evidence;
  const idle = 1 - machineCpuShare;
  if (otherCores < OTHER_CORES || idle > IDLE_ENOUGH) return undefined;
  return {
    id: "other-load",
    severity: "untrusted",
    message: `Other programs kept ${otherCores.toFixed(1)} of the machine's cores busy, and ${(100 * idle).toFixed(0)} % of it was idle`,
    hint: "Stop them (top shows their names), or use a machine with more cores, then run again",
  };
}

/** On a sped-up engine dynbench's own milliseconds weigh `timeScale` times as much as on a real one. */
function timeScale({ summary, evidence }: CellUnderTrial): Finding | undefined {
  if (summary.timeScale <= 1) return undefined;
  const cost = summary.routerCost;
  const decisionMs = cost === undefined ? 0 : decisionUs(cost) / 1000;
  const ownMs = summary.client.latenessMs.p50 + decisionMs + (evidence.gatewayMs ?? 0);
  // Own time × scale over the modelled TTFT equals own time over the measured TTFT.
  const share = ownMs / meanTtftMs(summary);
  if (!(share > OVERHEAD_NOTED)) return undefined;
  return {
    id: "time-scale",
    severity: share > OVERHEAD_MAX ? "untrusted" : "note",
    message: `dynbench's own ${ownMs.toFixed(2)} ms a request are ${(100 * share).toFixed(1)} % of TTFT at ${summary.timeScale}x speed`,
    hint: "Lower --speedup, or use --clock virtual, which has no overhead",
  };
}

function decisionUs(cost: RouterCost): number {
  const { hashUs, lookupUs, scoreUs, tokeniseUs, tokeniseWaitUs } = cost;
  const parts = [hashUs, lookupUs, scoreUs, tokeniseUs, tokeniseWaitUs];
  return parts.reduce((sum, part) => sum + (part?.p50 ?? 0), 0);
}

function rateNotReached({ load, points }: CellUnderTrial): Finding | undefined {
  const rates = sendRates(points, load);
  if (rates === undefined) return undefined;
  const reached = rates.sentRps / rates.requestedRps;
  if (reached >= RATE_REACHED) return undefined;
  return {
    id: "rate-not-reached",
    severity: "untrusted",
    message: `Requests were sent at ${(100 * reached).toFixed(0)} % of the planned rate`,
    hint: "Raise --concurrency, which caps requests in flight, or lower --rate",
  };
}

/** Latencies are taken on the monotonic clock, which nobody sets. */
function clockStepped({ summary }: CellUnderTrial): Finding | undefined {
  const { clockStepMs } = summary.client;
  if (clockStepMs === undefined) return undefined;
  const way = clockStepMs < 0 ? "back" : "forward";
  return {
    id: "clock-stepped",
    severity: "note",
    message: `The machine's clock was set ${way} by ${(Math.abs(clockStepMs) / 1000).toFixed(1)} s during the cell; latencies do not use it and hold`,
    hint: "Mind it where times of day are compared: in logs, in metrics.jsonl and between machines",
  };
}

interface Late {
  readonly what: "p99" | "mean";
  readonly seen: number;
  readonly limit: number;
}

/** p99 is compared with p99 and mean with mean: a few late requests change the tail, many the mean. */
function lateBeyond(
  summary: CellUnderTrial["summary"],
  { mean, p99 }: { mean: number; p99: number },
): Late | undefined {
  const tail = Math.max(LATE_MS, LATE_TTFT_SHARE * (summary.metrics.ttftMs?.p99 ?? 0));
  if (p99 > tail) return { what: "p99", seen: p99, limit: tail };
  const limit = Math.max(LATE_MEAN_MS, LATE_TTFT_SHARE * meanTtftMs(summary));
  return mean > limit ? { what: "mean", seen: mean, limit } : undefined;
}

/** 0 where unknown, so that the fixed limits apply. */
function meanTtftMs(summary: CellUnderTrial["summary"]): number {
  return summary.metrics.ttftMs?.mean ?? 0;
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} ms`;
}
