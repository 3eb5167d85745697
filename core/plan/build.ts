/**
 * Options → plan. Pure: it reads no file, clock or environment, so the same options give the same
 * plan everywhere. All faults are collected and reported at once, each with its place.
 */
import { argumentFaults, roleFaults } from "./arm-faults.ts";
import { axesOf } from "./axes.ts";
import { countFaults, planCells } from "./cells.ts";
import { choosePlugins } from "./choose.ts";
import { clockFaults } from "./clock-faults.ts";
import { parseOptions, parsePlan } from "./parse-options.ts";
import { planeFaults } from "./plane-options.ts";
import { planArms } from "./planned-arms.ts";
import { planPoints } from "./planned-points.ts";
import { typedPoints } from "./points.ts";
import type { RawOption } from "./raw-option.ts";
import { arranged, primaryOf, primaryFaults, repetitionOf, withControl } from "./repetition.ts";
import type { RunOptions } from "./run-options.ts";
import { simSettings } from "./sim-options.ts";
import { assignOptions } from "./typed-options.ts";
import { wireOf } from "./wire.ts";
import { PlanFaults, type Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { VERSION } from "../base/version.ts";
import type { Plan } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";

export interface PlanRequest {
  /** Flags and config entries; a later one replaces an earlier one. */
  readonly options: readonly RawOption[];
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
  /** Faults found in the command line itself, to be reported with the others. */
  readonly faults?: readonly Fault[];
}

export interface BuiltPlan {
  readonly plan: Plan;
  readonly run: RunOptions;
}

/** Throws `PlanFaults` with every fault found. */
export function buildPlan(request: PlanRequest, plugins: Plugins): BuiltPlan {
  const faults: Fault[] = [...(request.faults ?? [])];
  const built = planOf(request, plugins, faults);
  if (!built || faults.length > 0) throw new PlanFaults(distinct(faults));
  return built;
}

/** Undefined, with the reasons in `faults`, where one phase leaves nothing for the next. */
function planOf(
  { options, engineArgs }: PlanRequest,
  plugins: Plugins,
  faults: Fault[],
): BuiltPlan | undefined {
  // Choose: without the plugins no option can be judged.
  const chosen = choosePlugins(options, plugins, faults);
  if (!chosen) return undefined;

  // Assign: each option to the part that it means.
  const typed = assignOptions(options, { chosen, plugins }, faults);

  // Sweep: `--sweep` is one of the run's options, so these are parsed first.
  const run = parseOptions(typed.run, faults);
  const axes = axesOf(run?.sweep ?? [], typed, faults);
  const repetition = repetitionOf(run, { arms: chosen.arms.length }, faults);
  const { repeats, until } = repetition;
  const tooMany = countFaults(axes, { arms: chosen.arms.length, repeats });
  faults.push(...tooMany);
  const swept = tooMany.length > 0 ? [] : typedPoints(axes, typed);

  // Parse: options become values. Then each part is planned by itself.
  const parsed = parsePlan(typed, swept, faults);
  const arms = planArms(chosen, parsed.arms, faults);
  const points = planPoints(swept, parsed.points, faults);
  const sim = parsed.sim && simSettings(parsed.sim, faults);
  const { plane } = parsed;
  if (!run || !sim || !plane || faults.length > 0) return undefined;

  // Check the parts together.
  const planes = new Set(arms.map(({ router }) => router.plane));
  const wire = wireOf(run, arms, faults);
  faults.push(
    ...planeFaults(plane, typed.plane.typed, planes),
    ...clockFaults({ clock: run.clock, settings: sim, typed: typed.sim.typed }, arms, plugins),
    ...roleFaults(arms, plugins),
    ...argumentFaults(arms, engineArgs),
    ...primaryFaults(primaryOf(run), points),
  );
  if (!wire || faults.length > 0) return undefined;

  // Cells.
  const planned = withControl(
    arms.map(({ arm }) => arm),
    repetition,
  );
  const plan: Plan = {
    schemaVersion: 1,
    tool: { name: "dynbench", version: VERSION },
    seed: run.seed,
    clock: run.clock,
    repeats,
    primary: primaryOf(run),
    ...given({ until }),
    preflight: run.preflight === "on",
    settle: run.settle === "on",
    pooledBounds: run.pooledBounds === "on",
    wire,
    arms: planned,
    cells: arranged(planCells(planned, points, { axes, repeats, seed: run.seed }), planned, until),
    reporters: parsed.reporters.map((use) => use!),
    engineArgs,
    host: run.host,
    replicas: run.replicas,
    ...(run.clock === "virtual" ? { sim } : {}),
    ...(planes.has("dynamo") ? { planeSettings: plane } : {}),
  };
  return { plan, run };
}

/** The same fault of several arms or points is one fault. */
function distinct(faults: readonly Fault[]): Fault[] {
  const groups = Map.groupBy(faults, ({ path, message }) => `${path}\n${message}`);
  return [...groups.values()].map(([first]) => first!);
}
