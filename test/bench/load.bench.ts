/**
 * The load generator against the null server: the error in the figures it reports, its cost, and
 * whether its own faults are detected. Where a figure depends on the machine too, a client that only
 * takes timestamps is measured in turn with it.
 */
import { summarizeCell } from "../../core/metrics/summary/summary.ts";
import { exampleCell, exampleInput } from "../core/metrics/example-cells.ts";
import { measure, measureRaw, type Lags, type Measured, type Trial } from "./load-trial.ts";
import { priority } from "./real-time.ts";
import type { Row } from "./row.ts";

export const name = "load";

export async function run(): Promise<Row[]> {
  return [
    ...(await poissonInFlight()),
    ...(await waveOfStreams()),
    ...(await thousandStreams()),
    ...(await stall()),
    ...(await poissonGaps()),
    ...(await waiting()),
    ...(await longPrompts()),
  ];
}

/** Spread starts, as in the peers' figures: starts at once would measure the burst of the server. */
async function poissonInFlight(): Promise<Row[]> {
  const trial: Trial = {
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "poisson", rateRps: 45, requests: 360 },
    osl: 100,
  };
  const raw = await measureRaw(trial);
  const ours = await measure(trial);
  const error = "reported TTFT − truth, Poisson 45/s, ~100 in flight";
  return [
    {
      what: "first event: our stamp − server's write, ~100 streams, p50",
      value: quantile(ours.firstLagMs, 0.5),
      unit: "ms",
      must: 0.2,
      note: `Poisson 45/s, ttft 200, itl 20; ${priority()}`,
    },
    { what: "all events: stamp lag p99, ~100 streams", ...lag(ours, 0.99), note: "aiperf 61" },
    { what: "  the same, raw client: the floor", ...lag(raw, 0.99) },
    { what: `${error}, p50`, value: quantile(ours.ttftErrorMs, 0.5), unit: "ms", must: 0.5 },
    { what: `${error}, p99`, value: quantile(ours.ttftErrorMs, 0.99), unit: "ms" },
    {
      what: "lateness p50, Poisson 45/s",
      value: ours.health.latenessMs.p50,
      unit: "ms",
      must: 0.4,
    },
    {
      what: "CPU per 1,000 events, everything recorded, ~100 streams",
      ...cpu(ours),
      must: 0.05,
      note: "aiperf .365",
    },
    { what: "  the same, raw client: the floor", ...cpu(raw) },
  ];
}

async function waveOfStreams(): Promise<Row[]> {
  const wave = await measure({
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "closed", concurrency: 100, requests: 300 },
    osl: 100,
  });
  const what = "closed loop of 100, all in step";
  return [
    { what: `${what}: first event lag p50`, value: quantile(wave.firstLagMs, 0.5), unit: "ms" },
    { what: `${what}: stamp lag p99`, ...lag(wave, 0.99), note: "aiperf 61" },
    {
      what: `${what}: reported TTFT − truth, p50`,
      value: quantile(wave.ttftErrorMs, 0.5),
      unit: "ms",
      note: "aiperf 8.4",
    },
  ];
}

/** Single trials vary from hour to hour: the two clients take turns, and medians are reported. */
const PAIRS = 3;

async function thousandStreams(): Promise<Row[]> {
  // A stream lasts 2.18 s, so 459 a second are 1,000 at once.
  const trial: Trial = {
    server: { ttftMs: 200, itlMs: 20 },
    load: { arrival: "poisson", rateRps: 459, requests: 2000 },
    osl: 100,
  };
  const raws: Lags[] = [];
  const ours: Measured[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    raws.push(await measureRaw(trial));
    ours.push(await measure(trial));
  }
  const floor = "  the same, raw client: the floor";
  return [
    {
      what: "all events: stamp lag p99, 1,000 streams × 20 ms",
      ...medianOf(ours, (trial) => lag(trial, 0.99)),
      must: 5,
      note: `median of ${PAIRS}; ${priority()}; aiperf 727 at 500 streams`,
    },
    { what: floor, ...medianOf(raws, (trial) => lag(trial, 0.99)) },
    {
      what: "all events: stamp lag p50, 1,000 streams",
      ...medianOf(ours, (trial) => lag(trial, 0.5)),
    },
    { what: floor, ...medianOf(raws, (trial) => lag(trial, 0.5)) },
    {
      what: "CPU per 1,000 events, everything recorded, 1,000 streams",
      ...medianOf(ours, cpu),
      must: 0.03,
      note: "aiperf .138 at 500 streams",
    },
    { what: floor, ...medianOf(raws, cpu) },
    {
      what: "memory of the load child, 1,000 streams",
      ...medianOf(ours, ({ health }) => ({ value: health.maxRssMb!, unit: "MB" })),
      must: 200,
    },
  ];
}

const STALL_MS = 1_000;

async function stall(): Promise<Row[]> {
  const { health, load, records } = await measure({
    server: { ttftMs: 5, itlMs: 1 },
    load: { arrival: "constant", rateRps: 100, requests: 300 },
    osl: 2,
    stallAfterMs: 1000,
  });
  const ttftMs = records.map(({ firstTokenNs, intendedNs }) => (firstTokenNs! - intendedNs) / 1e6);
  const highestMs = Math.max(...ttftMs);
  const { verdict } = summarizeCell(
    exampleInput(records, { health, cell: exampleCell({ load }) }),
  ).summary;
  return [
    {
      what: "a 1 s stall of the generator: what highest lateness is off it",
      value: Math.abs(health.latenessMs.max - STALL_MS),
      unit: "ms",
      must: 50,
      note: `lateness ${health.latenessMs.max.toFixed(0)} ms; aiperf reported 30`,
    },
    {
      what: "a 1 s stall of the generator: what highest TTFT is off it",
      value: Math.abs(highestMs - STALL_MS),
      unit: "ms",
      must: 50,
      note: `TTFT ${highestMs.toFixed(0)} ms; aiperf reported 106`,
    },
    {
      what: "a 1 s stall of the generator: verdicts that trust the run",
      value: verdict.state === "trusted" ? 1 : 0,
      unit: "of 1",
      must: 0,
      note: verdict.reasons.map(({ id }) => id).join(" "),
    },
  ];
}

async function poissonGaps(): Promise<Row[]> {
  const { truths, records, health } = await measure({
    server: { ttftMs: 10, itlMs: 1 },
    load: { arrival: "poisson", rateRps: 200, requests: 2000 },
    osl: 2,
  });
  const planned = variation(records.map(({ intendedNs }) => intendedNs));
  const kept = variation(truths.map(({ bodyReadNs }) => bodyReadNs));
  return [
    {
      what: "Poisson 200/s: what std/mean of gaps at the server is off 1",
      value: Math.abs(kept - 1),
      unit: "",
      must: 0.05,
      note: `${kept.toFixed(3)}; the timetable's own is ${planned.toFixed(3)}; aiperf 1.18`,
    },
    { what: "Poisson 200/s: lateness p50", value: health.latenessMs.p50, unit: "ms", must: 0.4 },
    { what: "Poisson 200/s: lateness p99", value: health.latenessMs.p99, unit: "ms" },
  ];
}

async function waiting(): Promise<Row[]> {
  const { cpuSeconds } = await measure({
    server: { ttftMs: 3000, itlMs: 1 },
    load: { arrival: "closed", concurrency: 1, requests: 1 },
    osl: 2,
  });
  const what = "part of a core burnt while waiting for one answer";
  return [{ what, value: cpuSeconds / 3, unit: "cores", must: 0.02, note: "aiperf 1.0" }];
}

async function longPrompts(): Promise<Row[]> {
  const { firstSendS, health } = await measure({
    server: { ttftMs: 50, itlMs: 5 },
    load: { arrival: "closed", concurrency: 20, requests: 200 },
    osl: 20,
    isl: 14_000,
  });
  return [
    {
      what: "child's launch to first request, 200 prompts of 14,000 tokens",
      value: firstSendS,
      unit: "s",
      must: 2,
      note: "aiperf 11.3",
    },
    { what: "lateness p50, prompts of 14,000 tokens", value: health.latenessMs.p50, unit: "ms" },
  ];
}

type Figure = Pick<Row, "value" | "unit">;

function lag({ lagMs }: Lags, part: number): Figure {
  return { value: quantile(lagMs, part), unit: "ms" };
}

function cpu({ cpuSeconds, lagMs }: Lags): Figure {
  return { value: (cpuSeconds / lagMs.length) * 1000, unit: "CPU-s" };
}

function medianOf<T>(trials: readonly T[], figure: (trial: T) => Figure): Figure {
  const figures = trials.map(figure);
  return {
    ...figures[0]!,
    value: quantile(
      figures.map(({ value }) => value),
      0.5,
    ),
  };
}

function quantile(values: readonly number[], part: number): number {
  return Float64Array.from(values).sort()[Math.ceil(part * values.length) - 1]!;
}

/** Standard deviation of the gaps over their mean; 1 for a Poisson process. */
function variation(timesNs: readonly number[]): number {
  const sorted = timesNs.toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((ns, i) => ns - sorted[i]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  return Math.sqrt(variance) / mean;
}
