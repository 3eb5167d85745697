/**
 * Finds the best setting of some routers for a load, and judges it on requests that the search never
 * saw. Everything is simulated.
 *
 * The search (`core/search`) minimises the objective over slices of the load, each relative to what the
 * usual setting reached there. Of hundreds of settings the luckiest looks better than it is, so the
 * gain that counts is that on the slices held out, with its interval; beside it stands the gain that
 * the search saw. The winner is judged again where the load or the cluster is not as planned.
 */
import { armAt, type Tunable } from "./tunable.ts";
import { excess, figure, scoreOf, type Base, type Limit, type Objective } from "./objective.ts";
import type { Slices } from "./slices.ts";
import { TrialRunner, type TrialCell } from "./trials.ts";
import { DynbenchError } from "../base/errors.ts";
import { exp, log } from "../base/portable-math.ts";
import { randomStream } from "../base/random.ts";
import type { Plan, PlannedArm } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { CellResult, Claim, Interval } from "../contract/result.ts";
import { compareArms } from "../metrics/compare/compare.ts";
import { meanScore, search, type Candidate, type Trial } from "../search/search.ts";
import type { Setting } from "../search/space.ts";
import { monotonicNs } from "../system/clock.ts";
import { scenarios, type Scenario } from "./scenarios.ts";

/** How long to search: in seconds, or in cells, which repeats exactly. */
export type Budget = { readonly seconds: number } | { readonly cells: number };

export interface TuneTask {
  /** On the virtual clock; its arms are those of `tunables`. */
  readonly plan: Plan;
  readonly tunables: readonly Tunable[];
  readonly slices: Slices;
  readonly objective: Objective;
  readonly limits: readonly Limit[];
  readonly budget: Budget;
}

export interface TuneDeps {
  readonly plugins: Plugins;
  readonly jobs: number;
  /** Ends the search; what was found until then is judged. */
  readonly signal: AbortSignal;
  onProgress(progress: TuneProgress): void;
}

export interface TuneProgress {
  readonly phase: "search" | "judge" | "robust";
  readonly cells: number;
  /** The best setting so far and its gain in the search, as a ratio to the usual setting. */
  readonly best?: { readonly arm: PlannedArm; readonly ratio: number };
}

/** A setting beside the usual one of its router. */
export interface Judged {
  readonly router: string;
  readonly arm: PlannedArm;
  readonly usual: PlannedArm;
  /** Values of the objective on the slices held out, geometric means. */
  readonly value: number;
  readonly usualValue: number;
  /** Value / usual value in the search, on the slices tuned on, and on those held out. */
  readonly seen: number;
  readonly heldOut: Interval;
  readonly claim: Claim;
  /** Limits that it does not keep on the slices held out. */
  readonly broken: readonly string[];
}

export interface Robust {
  readonly scenario: Scenario["name"];
  readonly ratio: Interval;
  readonly claim: Claim;
}

export interface Tuned {
  /** One for each router, the lowest objective held out first; settings within the limits go before. */
  readonly ranked: readonly Judged[];
  /** Of the first, where it is not the usual setting. */
  readonly robust: readonly Robust[];
  /** All settings that were tried on every slice tuned on, with their ratio to the first usual one. */
  readonly known: readonly { readonly arm: PlannedArm; readonly ratio: number }[];
  readonly settings: number;
  readonly cells: number;
  readonly seconds: number;
  readonly isCutShort: boolean;
}

/** Part of a budget in seconds that is searched; the rest is for judging. */
const SEARCHED = 0.75;

export async function tune(task: TuneTask, deps: TuneDeps): Promise<Tuned> {
  const startNs = monotonicNs();
  const seconds = (): number => (monotonicNs() - startNs) / 1e9;
  const { tunables } = task;
  // The search can be ended; what it found is judged all the same.
  await using searching = new TrialRunner(task.plan, deps);
  const found = await searched(task, { ...deps, runner: searching, seconds });
  await using judging = new TrialRunner(task.plan, {
    ...deps,
    signal: new AbortController().signal,
  });
  const ranked: Judged[] = [];
  for (const [i, tunable] of tunables.entries()) {
    deps.onProgress({ phase: "judge", cells: searching.done + judging.done });
    const best = found.known.find(({ setting }) => setting.subject === i);
    if (best !== undefined) ranked.push(await judged(task, tunable, { best, runner: judging }));
  }
  ranked.sort((a, b) => a.broken.length - b.broken.length || inOrderOf(task, a, b));
  const robust: Robust[] = [];
  const [first] = ranked;
  if (first !== undefined && first.arm !== first.usual) {
    for (const scenario of scenarios(task)) {
      deps.onProgress({ phase: "robust", cells: searching.done + judging.done });
      const pair = await comparedOn(task, [first.usual, first.arm], { scenario, runner: judging });
      robust.push({ scenario: scenario.name, ratio: pair.ratio, claim: pair.claim });
    }
  }
  const armOf = ({ setting }: Candidate): PlannedArm => armAt(tunables[setting.subject]!, setting);
  return {
    ranked,
    robust,
    known: found.known.map((one) => ({ arm: armOf(one), ratio: exp(meanScore(one)) })),
    settings: found.tried.length,
    cells: searching.done + judging.done,
    seconds: seconds(),
    isCutShort: deps.signal.aborted,
  };
}

function inOrderOf({ objective }: TuneTask, a: Judged, b: Judged): number {
  return objective.better === "lower" ? a.value - b.value : b.value - a.value;
}

type SearchDeps = TuneDeps & { readonly runner: TrialRunner; seconds(): number };

async function searched(task: TuneTask, deps: SearchDeps) {
  const { tunables, slices } = task;
  const steps = search({
    subjects: tunables.map(({ subject }) => subject),
    slices: slices.tune.length,
    random: randomStream(task.plan.seed, "tune"),
  });
  const bases: Base[] = [];
  let best: { setting: Setting; score: number } | undefined;
  let step = steps.next();
  while (step.done !== true) {
    const trials = step.value;
    const scores = await scored(trials, { ...deps, task, bases });
    const means = Map.groupBy(trials.keys(), (i) => trials[i]!.setting);
    for (const [setting, own] of means) {
      if (own.length < slices.tune.length / 2) continue; // few slices prove little
      const score = own.reduce((sum, i) => sum + scores[i]!, 0) / own.length;
      if (best === undefined || score < best.score) best = { setting, score };
    }
    deps.onProgress({
      phase: "search",
      cells: deps.runner.done,
      ...(best === undefined
        ? {}
        : {
            best: {
              arm: armAt(tunables[best.setting.subject]!, best.setting),
              ratio: exp(best.score),
            },
          }),
    });
    step = steps.next({ scores, trialsLeft: trialsLeft(task, deps) });
  }
  return step.value;
}

/** Scores of trials; Infinity for those that a signal kept from being run. */
async function scored(
  trials: readonly Trial[],
  { task, runner, bases, onProgress }: SearchDeps & { task: TuneTask; bases: Base[] },
): Promise<number[]> {
  const { tunables, slices, objective, limits } = task;
  const cells = trials.map(({ setting, slice }): TrialCell => ({
    arm: armAt(tunables[setting.subject]!, setting),
    cell: slices.tune[slice]!,
  }));
  const scores = trials.map(() => Infinity);
  let at = 0;
  for await (const { summary } of runner.run(cells)) {
    const { slice } = trials[at]!;
    bases[slice] ??= baseOf(summary, objective);
    scores[at] = scoreOf(summary, { objective, limits, base: bases[slice] });
    onProgress({ phase: "search", cells: runner.done });
    at += 1;
  }
  return scores;
}

/** The first trials are those of the first router's usual setting. */
function baseOf(summary: CellResult["summary"], { metric }: Objective): Base {
  const value = figure(summary, metric);
  if (value !== undefined) return { value, failed: summary.requests.failed };
  throw new DynbenchError("load", `Cannot tune: "${summary.arm}" has no ${metric} on this load`, {
    hint: "Name another --objective, or run it once and look: dynbench run --clock virtual",
  });
}

function trialsLeft({ budget }: TuneTask, { runner, seconds, signal }: SearchDeps): number {
  if (signal.aborted) return 0;
  if ("cells" in budget) return budget.cells - runner.done;
  const left = SEARCHED * budget.seconds - seconds();
  return Math.max(0, Math.floor((left * runner.done) / Math.max(seconds(), 1e-3)));
}

async function judged(
  task: TuneTask,
  tunable: Tunable,
  { best, runner }: { best: Candidate; runner: TrialRunner },
): Promise<Judged> {
  const arm = armAt(tunable, best.setting);
  const usual = tunable.arm;
  const pair = await comparedOn(task, [usual, arm], { runner });
  return {
    router: usual.label,
    arm,
    usual,
    value: pair.values[1]!,
    usualValue: pair.values[0]!,
    seen: exp(meanScore(best)),
    heldOut: pair.ratio,
    claim: pair.claim,
    broken: task.limits
      .filter((limit) => meanOf(pair.cells.map(({ summary }) => excess(summary, limit))) > 0)
      .map(({ text }) => text),
  };
}

/** Two arms on the slices held out. `cells`: those of the second. */
async function comparedOn(
  { plan, slices, objective }: TuneTask,
  arms: readonly [PlannedArm, PlannedArm],
  { runner, scenario }: { runner: TrialRunner; scenario?: Scenario },
): Promise<{
  ratio: Interval;
  claim: Claim;
  values: readonly number[];
  cells: readonly CellResult[];
}> {
  const trials = arms.flatMap((arm) =>
    slices.judge.map((cell): TrialCell => ({ arm, cell, ...scenario?.of(cell) })),
  );
  const cells: CellResult[] = [];
  for await (const result of runner.run(trials)) {
    const arm = cells.length < slices.judge.length ? 0 : 1;
    cells.push({ ...result, cell: { ...result.cell, arm } });
  }
  const halves = [cells.slice(0, slices.judge.length), cells.slice(slices.judge.length)];
  const values = halves.map((own) => geometric(own, objective));
  if (arms[0] === arms[1]) {
    return { ratio: { value: 1, low: 1, high: 1 }, claim: "none", values, cells: halves[1]! };
  }
  const compared = compareArms(cells, { ...plan, arms, primary: objective.metric });
  const primary = compared.comparisons.find(({ role }) => role === "primary");
  const value = values[1]! / values[0]!;
  return {
    ratio: primary?.ratio ?? { value, low: 0, high: Infinity },
    claim: primary?.claim ?? "none",
    values,
    cells: halves[1]!,
  };
}

function geometric(cells: readonly CellResult[], { metric }: Objective): number {
  const logs = cells.flatMap(({ summary }) => {
    const value = figure(summary, metric);
    return value === undefined ? [] : [log(value)];
  });
  return exp(meanOf(logs));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
