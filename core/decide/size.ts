/**
 * How many workers a load needs so that a share of its requests keeps the limits of `--slo`, for each
 * router and GPU type; or the highest rate that a number of workers holds. Everything is simulated.
 */
import { findEdge, type Edge } from "./edge.ts";
import { TrialRunner, type TrialCell } from "./trials.ts";
import { deriveSeed } from "../base/random.ts";
import type { Engine } from "../contract/engine.ts";
import type { Plan, PlannedArm, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { CellSummary, Interval } from "../contract/result.ts";
import { isNamed, optionSpecs } from "../plan/option-spec.ts";
import { engineKey } from "../plan/secrets.ts";
import { tInterval } from "../statistics/mean-interval.ts";
import { monotonicNs } from "../system/clock.ts";

export interface SizeTask {
  /** On the virtual clock, with an arm a router and one load. */
  readonly plan: Plan;
  /** Names of GPU types of the engine's model; undefined: the one that the engine has. */
  readonly gpus: readonly (string | undefined)[];
  /** Share of the requests that must keep the limits, 0 to 1. */
  readonly share: number;
  readonly find: "workers" | "rate";
  /** Most workers that are tried. */
  readonly most: number;
  /** Price of one worker for an hour, by GPU type. */
  readonly prices: ReadonlyMap<string, number>;
}

export interface SizeDeps {
  readonly plugins: Plugins;
  readonly jobs: number;
  readonly signal: AbortSignal;
  onProgress(progress: {
    readonly router: string;
    readonly at: string;
    readonly cells: number;
  }): void;
}

/** Runs of one router at one size. */
export interface SizeLook {
  readonly workers: number;
  /** Of the planned rate. */
  readonly rateFactor: number;
  /** Shares that kept the limits, one a run. */
  readonly shares: readonly number[];
  readonly share: Interval;
  /** Runs in which the share was reached. */
  readonly held: number;
  /** Price of a million output tokens, where the worker has a price. */
  readonly perMillionTokens?: number;
}

export interface SizeAnswer {
  readonly router: string;
  readonly gpu: string | undefined;
  /** The smallest size that holds, or the highest rate; undefined where none does. */
  readonly answer: SizeLook | undefined;
  /** The next smaller size, or higher rate, which does not. */
  readonly beyond: SizeLook | undefined;
  /** All that were looked at. */
  readonly curve: readonly SizeLook[];
  /** Larger sizes, or lower rates, that do not hold although the answer does. */
  readonly exceptions: readonly SizeLook[];
}

export interface Sized {
  readonly answers: readonly SizeAnswer[];
  readonly cells: number;
  readonly seconds: number;
}

/** Runs of a quick and of a close look. */
const QUICK = 3;
const CLOSE = 20;
/** Twenty shares of .95 have a mean of .9499999999999999. */
const ROUNDING = 1e-9;
/** Rates are found to 2 %, between a hundredth and a hundred times the planned one. */
const RATE_STEP = 1.02;
const RATE_STEPS = 232;

export async function size(task: SizeTask, deps: SizeDeps): Promise<Sized> {
  const startNs = monotonicNs();
  await using runner = new TrialRunner(task.plan, deps);
  const answers: SizeAnswer[] = [];
  for (const arm of task.plan.arms) {
    for (const gpu of task.gpus) {
      answers.push(await answerOf(task, { arm, gpu }, { ...deps, runner }));
      deps.signal.throwIfAborted();
    }
  }
  return { answers, cells: runner.done, seconds: (monotonicNs() - startNs) / 1e9 };
}

interface Place {
  readonly arm: PlannedArm;
  readonly gpu: string | undefined;
}

async function answerOf(
  task: SizeTask,
  place: Place,
  deps: SizeDeps & { runner: TrialRunner },
): Promise<SizeAnswer> {
  const { signal, runner, onProgress } = deps;
  const engine = (await deps.plugins.load(place.arm.engine)) as Engine;
  const planned = engine.limits!(place.arm.engine.options).workers;
  const gpuKey = optionSpecs(engine.options).find((spec) => isNamed(spec, "gpu"))?.key ?? "gpu";
  // A lower rate is easier, as more workers are: rates are counted downwards.
  const ofNumber = (at: number): { workers: number; rateFactor: number } =>
    task.find === "workers"
      ? { workers: at, rateFactor: 1 }
      : { workers: planned, rateFactor: RATE_STEP ** -at };
  const range =
    task.find === "workers"
      ? { first: Math.min(planned, task.most), least: 1, most: task.most }
      : { first: 0, least: -RATE_STEPS, most: RATE_STEPS };
  const edge: Edge<SizeLook> = await findEdge({
    ...range,
    // Few runs say where to look; that it holds is said of many, by the lower end of their interval.
    holds: ({ share, shares }) =>
      (shares.length < CLOSE ? share.value : share.low) >= task.share - ROUNDING,
    look: async (number, isClose) => {
      signal.throwIfAborted();
      const at = ofNumber(number);
      const text =
        task.find === "workers" ? `${at.workers} workers` : `${at.rateFactor.toPrecision(3)} x`;
      onProgress({ router: place.arm.label, at: text, cells: runner.done });
      return lookAt(task, { ...place, gpuKey }, { ...at, runner, runs: isClose ? CLOSE : QUICK });
    },
  });
  const { least, looks } = edge;
  return {
    router: place.arm.label,
    gpu: place.gpu,
    answer: least === undefined ? undefined : looks.get(least),
    beyond: looks.get((least ?? range.most + 1) - 1),
    curve: [...looks.values()],
    exceptions: edge.failsAbove.map((at) => looks.get(at)!),
  };
}

async function lookAt(
  { plan, share, prices }: SizeTask,
  { arm, gpu, gpuKey }: Place & { readonly gpuKey: string },
  on: { workers: number; rateFactor: number; runs: number; runner: TrialRunner },
): Promise<SizeLook> {
  const sized = sizedArm(arm, {
    workers: on.workers,
    ...(gpu === undefined ? {} : { [gpuKey]: gpu }),
  });
  const [planned] = plan.cells as [PlannedCell];
  const trials = Array.from({ length: on.runs }, (_, run): TrialCell => {
    const seed = deriveSeed(plan.seed, "size", run);
    const cell = atRate(
      { ...planned, id: `${sized.label}-${run}`, repeat: run, seed },
      on.rateFactor,
    );
    return { arm: sized, cell };
  });
  const shares: number[] = [];
  const tokensPerS: number[] = [];
  for await (const { summary } of on.runner.run(trials)) {
    shares.push(keptShare(summary));
    tokensPerS.push(summary.metrics.outputTps);
  }
  const price = prices.get(gpu ?? String(arm.engine.options[gpuKey]));
  const rate = tokensPerS.reduce((sum, one) => sum + one, 0) / tokensPerS.length;
  return {
    workers: on.workers,
    rateFactor: on.rateFactor,
    shares,
    share: withinOne(tInterval(shares)),
    held: shares.filter((one) => one >= share).length,
    ...(price === undefined
      ? {}
      : { perMillionTokens: (on.workers * price * 1e6) / (3600 * rate) }),
  };
}

/** A run that broke off under its load kept no limit. */
function keptShare({ state, sloShare = 0 }: CellSummary): number {
  return state === "completed" ? sloShare : 0;
}

function withinOne({ value, low, high }: Interval): Interval {
  return { value, low: Math.max(0, low), high: Math.min(1, high) };
}

function sizedArm(arm: PlannedArm, values: Readonly<Record<string, unknown>>): PlannedArm {
  const engine = { ...arm.engine, options: { ...arm.engine.options, ...values } };
  return { ...arm, engine, engineKey: engineKey(engine, arm.plane) };
}

function atRate(cell: PlannedCell, factor: number): PlannedCell {
  const { load, workload } = cell;
  if (factor === 1) return cell;
  if (load.rateRps !== undefined) {
    return { ...cell, load: { ...load, rateRps: load.rateRps * factor } };
  }
  const speedup = Number(workload.options["arrivalSpeedup"] ?? 1) * factor;
  const options = { ...workload.options, arrivalSpeedup: speedup };
  return { ...cell, workload: { ...workload, options } };
}
