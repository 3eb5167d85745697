/**
 * Options → plan. Pure: it reads no file, clock or environment, so the same options give the same
 * plan everywhere. All faults are collected and told at once, each with its place.
 */
import { given } from "../base/given.ts";
import { armLabels } from "./arms.ts";
import { axesOf } from "./axes.ts";
import { choosePlugins, type Chosen } from "./choose.ts";
import { isControl } from "./control-arms.ts";
import { clockFaults } from "./clock-faults.ts";
import { loadShape } from "./load-shape.ts";
import { optionSpecs, type OptionSpec } from "./option-spec.ts";
import { parseOptions } from "./parse-options.ts";
import type { LoadShape, Plan, PlannedArm, PlannedCell, PluginUse } from "../contract/plan.ts";
import { assign, type RawOption, type Scope } from "./raw-option.ts";
import { roleFaults } from "./role-faults.ts";
import { LoadOptions, RunOptions } from "./run-options.ts";
import { PlaneOptions, planeFaults, planeSettings } from "./plane-options.ts";
import { SimOptions, simSettings } from "./sim-options.ts";
import {
  combinations,
  pointLabel,
  points,
  rotated,
  workloadPart,
  type Axis,
  type Point,
} from "./sweep.ts";
import { maskWords } from "./secret-words.ts";
import { engineKey } from "./secrets.ts";
import { wireOf } from "./wire.ts";
import { PlanFaults, type Fault } from "../base/errors.ts";
import type { LoadedPlugin, Plugins } from "../contract/plugins.ts";
import type { Engine } from "../contract/engine.ts";
import type { OptionsSchema } from "../contract/plugin.ts";
import type { AnyPlugin } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";
import type { Workload } from "../contract/workload.ts";
import { deriveSeed } from "../base/random.ts";
import type { Plane } from "../contract/request.ts";
import { VERSION } from "../base/version.ts";

/** More cells than this are a slip in a sweep: at ten seconds each they take a day. */
const MAX_CELLS = 10_000;

export interface PlanRequest {
  /** Flags and config entries, later ones win. */
  readonly options: readonly RawOption[];
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
  /** What reading the command line found wrong; told with the rest. */
  readonly faults?: readonly Fault[];
}

export interface BuiltPlan {
  readonly plan: Plan;
  readonly run: RunOptions;
}

/** Throws `PlanFaults` with every fault found. */
export function buildPlan(request: PlanRequest, plugins: Plugins): BuiltPlan {
  const faults: Fault[] = [...(request.faults ?? [])];
  const chosen = choosePlugins(request.options, plugins, faults);
  if (!chosen) throw new PlanFaults(distinct(faults)); // without the plugins no option can be judged

  const { scopes, takes } = assignOptions(request.options, { chosen, plugins }, faults);
  const scopeOf = (kind: string, plugin?: string): Scope =>
    scopes.find((scope) => scope.kind === kind && scope.plugin === plugin)!;
  const runGiven = takes(scopeOf("run"));
  const run = parseOptions(runGiven, { kind: "run", schema: RunOptions }, faults) as
    RunOptions | undefined;
  const simGiven = takes(scopeOf("sim"));
  const sim = parseOptions(simGiven, { kind: "sim", schema: SimOptions }, faults) as
    SimOptions | undefined;
  const planeGiven = takes(scopeOf("plane"));
  const plane = parseOptions(planeGiven, { kind: "plane", schema: PlaneOptions }, faults) as
    PlaneOptions | undefined;
  const workload = chosen.workload.plugin as Workload;
  const workloadGiven = takes(scopeOf("workload", workload.name));
  const loadGiven = takes(scopeOf("load"));
  const typed = { workload: workloadGiven, load: loadGiven };
  const axes = axesOf(run?.sweep ?? [], { workload, given: typed, scopes }, faults);
  const planes = new Set(chosen.arms.map(({ router }) => (router.loaded.plugin as Router).plane));
  const arms = chosen.arms.map((arm) => planArm(arm, { planes, takes, scopeOf }, faults));
  const reporters = plugins.ofKind("reporter").map((loaded) => {
    const { name, options: schema } = loaded.plugin;
    const part = { kind: "reporter", plugin: name, schema };
    return useOf(loaded, parseOptions(takes(scopeOf("reporter", name)), part, faults) ?? {});
  });
  const cellCount = combinations(axes) * arms.length * (run?.repeat ?? 1);
  if (cellCount > MAX_CELLS) {
    faults.push({
      path: combinations(axes) > MAX_CELLS ? "run.sweep" : "run.repeat",
      message: `makes ${cellCount} cells, more than ${MAX_CELLS}`,
      hint: "Sweep fewer values, or repeat less often",
    });
    throw new PlanFaults(distinct(faults)); // a slip in a sweep is not worth its memory
  }
  const swept = points(axes);
  const perPoint = swept.map((point) =>
    planPoint(point, { axes, workload: chosen.workload, workloadGiven, loadGiven }, faults),
  );
  const settings = sim && simSettings(sim, faults);
  if (!run || faults.length > 0) throw new PlanFaults(distinct(faults));

  const labels = armLabels(chosen.arms);
  const planned = arms.map((arm, i): PlannedArm => ({ label: labels[i]!, ...arm! }));
  const wire = wireOf(run, planned, plugins, faults);
  faults.push(...planeFaults(plane!, [...planeGiven.values()], planes));
  const settingsOfPlane = planeSettings(plane!, planes);
  const clock = { run, sim: settings!, simGiven: [...simGiven.values()] };
  faults.push(...clockFaults(clock, planned, plugins));
  faults.push(...roleFaults(planned, plugins));
  faults.push(...argumentFaults(request.engineArgs, planned, plugins));
  if (faults.length > 0) throw new PlanFaults(distinct(faults));
  const cells = planCells(planned, swept, { run, axes, perPoint });
  const plan: Plan = {
    schemaVersion: 1,
    tool: { name: "dynbench", version: VERSION },
    seed: run.seed,
    clock: run.clock,
    repeats: run.repeat,
    preflight: run.preflight === "on",
    ...(run.pooledBounds === "off" ? { pooledBounds: false } : {}),
    wire: wire!,
    arms: planned,
    cells,
    reporters,
    engineArgs: request.engineArgs,
    host: run.host,
    replicas: run.replicas,
    ...(run.clock === "virtual" ? { sim: settings! } : {}),
    ...given({ planeSettings: settingsOfPlane }),
  };
  return { plan, run };
}

/** Which scope takes which of the options as typed. */
function assignOptions(
  options: readonly RawOption[],
  { chosen, plugins }: { chosen: Chosen; plugins: Plugins },
  faults: Fault[],
): { scopes: Scope[]; takes: (scope: Scope) => Map<OptionSpec, RawOption> } {
  const reporters = plugins.ofKind("reporter").map(scopeOfPlugin);
  const scopes = [...scopesOf(chosen), ...reporters];
  const isChosen = (one: AnyPlugin): boolean =>
    scopes.some(({ kind, plugin }) => kind === one.kind && plugin === one.name);
  const others = plugins.all.filter(({ plugin }) => !isChosen(plugin)).map(scopeOfPlugin);
  const { assignments, faults: unknown } = assign(options, scopes, others);
  faults.push(...unknown);
  const given = new Map<Scope, Map<OptionSpec, RawOption>>();
  for (const { scope, spec, option } of assignments) {
    const own = given.get(scope) ?? new Map<OptionSpec, RawOption>();
    const earlier = own.get(spec);
    own.set(spec, isRepeatable(spec) && earlier ? merged(earlier, option) : option);
    given.set(scope, own);
  }
  return { scopes, takes: (scope) => given.get(scope) ?? new Map() };
}

function scopesOf(chosen: Chosen): Scope[] {
  const once = (all: readonly LoadedPlugin[]): LoadedPlugin[] => [...new Set(all)];
  return [
    { kind: "run", specs: optionSpecs(RunOptions) },
    { kind: "load", specs: optionSpecs(LoadOptions) },
    { kind: "sim", specs: optionSpecs(SimOptions) },
    { kind: "plane", specs: optionSpecs(PlaneOptions) },
    scopeOfPlugin(chosen.workload),
    ...once(chosen.arms.map(({ engine }) => engine.loaded)).map(scopeOfPlugin),
    ...once(chosen.arms.map(({ router }) => router.loaded)).map(scopeOfPlugin),
  ];
}

function scopeOfPlugin({ plugin }: LoadedPlugin): Scope {
  const { kind, name, options } = plugin;
  const isQualified = kind === "reporter";
  return { kind, plugin: name, specs: optionSpecs(options), isQualified };
}

function planArm(
  arm: Chosen["arms"][number],
  among: {
    /** Of all arms of the plan. */
    planes: ReadonlySet<Plane>;
    takes: (scope: Scope) => Map<OptionSpec, RawOption>;
    scopeOf: (kind: string, plugin?: string) => Scope;
  },
  faults: Fault[],
): Omit<PlannedArm, "label"> | undefined {
  const { planes, takes, scopeOf } = among;
  const optionsOf = (side: "engine" | "router") => {
    const { loaded, options: inline, name } = arm[side];
    const scope = scopeOf(side, name);
    const own = new Map([...defaultsOn(planes, scope, loaded.plugin), ...takes(scope)]);
    const { assignments, faults: unknown } = assign(inline, [scope]);
    faults.push(...unknown);
    for (const { spec, option } of assignments) own.set(spec, option);
    return parseOptions(own, { kind: side, plugin: name, schema: loaded.plugin.options }, faults);
  };
  const engine = arm.engine.loaded.plugin as Engine;
  const router = arm.router.loaded.plugin as Router;
  const engineOptions = optionsOf("engine");
  const routerOptions = optionsOf("router");
  if (!engineOptions || !routerOptions) return undefined;
  for (const fault of engine.check?.(engineOptions, router) ?? []) {
    faults.push({ ...fault, path: `engine.${fault.path}` });
  }
  const plane = router.plane;
  if (!engine.planes.includes(plane)) {
    faults.push({
      path: "run.engine",
      message: `engine "${engine.name}" cannot serve on plane "${plane}", which router "${router.name}" needs`,
      hint: `It serves on: ${engine.planes.join(", ")}`,
    });
  }
  const engineUse = useOf(arm.engine.loaded, engineOptions);
  const routerUse = useOf(arm.router.loaded, routerOptions);
  return {
    engine: engineUse,
    router: routerUse,
    plane,
    ...(isControl(router, routerUse) ? { isControl: true } : {}),
    engineKey: engineKey(engineUse, plane),
  };
}

/** Defaults of an engine that come with the planes of the comparison, as if they were typed. */
function defaultsOn(
  planes: ReadonlySet<Plane>,
  scope: Scope,
  plugin: AnyPlugin,
): [OptionSpec, RawOption][] {
  if (plugin.kind !== "engine") return [];
  return [...planes].flatMap((plane) =>
    Object.entries(plugin.planeDefaults?.[plane] ?? {}).map(([key, value]) => [
      scope.specs.find((spec) => spec.key === key)!,
      { name: key, value, origin: `plane ${plane}` },
    ]),
  );
}

interface PointParts {
  readonly workload: PluginUse;
  readonly load: LoadShape;
}

function planPoint(
  point: Point,
  parts: {
    axes: readonly Axis[];
    workload: LoadedPlugin;
    workloadGiven: Map<OptionSpec, RawOption>;
    loadGiven: Map<OptionSpec, RawOption>;
  },
  faults: Fault[],
): PointParts | undefined {
  const workload = parts.workload.plugin as Workload;
  const withPoint = (
    scope: Axis["scope"],
    given: Map<OptionSpec, RawOption>,
    schema: OptionsSchema,
  ) => {
    const own = new Map(given);
    for (const spec of optionSpecs(schema)) {
      const isSwept = parts.axes.some((axis) => axis.scope === scope && axis.key === spec.key);
      if (!isSwept) continue;
      for (const key of own.keys()) if (key.key === spec.key) own.delete(key);
      own.set(spec, { name: spec.flag, value: point[spec.key], origin: spec.flag });
    }
    return own;
  };
  const options = parseOptions(
    withPoint("workload", parts.workloadGiven, workload.options),
    { kind: "workload", plugin: workload.name, schema: workload.options },
    faults,
  );
  const load = parseOptions(
    withPoint("load", parts.loadGiven, LoadOptions),
    { kind: "load", schema: LoadOptions },
    faults,
  );
  if (!options || !load) return undefined;
  for (const fault of workload.check?.(options) ?? []) {
    faults.push({ ...fault, path: `workload.${fault.path}` });
  }
  const shape = loadShape(load as LoadOptions, workload, faults);
  return { workload: useOf(parts.workload, options), load: shape };
}

/** Arguments that no command would get must not pass in silence. */
function argumentFaults(
  engineArgs: readonly string[],
  arms: readonly PlannedArm[],
  plugins: Plugins,
): Fault[] {
  if (engineArgs.length === 0) return [];
  const deaf = arms
    .map(({ engine }) => plugins.find("engine", engine.name)!.plugin as Engine)
    .filter((engine) => !engine.takesArguments);
  return deaf.map(({ name }) => ({
    path: `-- ${maskWords(engineArgs).join(" ")}`,
    message: `engine "${name}" has no command that could take it`,
    hint: `Its own options come before the lone --: dynbench plugin show ${name}`,
  }));
}

function planCells(
  arms: readonly PlannedArm[],
  swept: readonly Point[],
  parts: {
    run: RunOptions;
    axes: readonly Axis[];
    perPoint: readonly (PointParts | undefined)[];
  },
): PlannedCell[] {
  const { run, axes, perPoint } = parts;
  const groups = Map.groupBy(arms.keys(), (arm) => arms[arm]!.engineKey);
  return [...groups.values()].flatMap((group) =>
    [...rotated(group, swept.length, run.repeat)].map(({ arm, point, repeat }): PlannedCell => {
      const parameters = swept[point]!;
      const label = pointLabel(parameters).replaceAll(" ", ",");
      return {
        id: [`r${repeat}`, label, arms[arm]!.label].filter((part) => part !== "").join("-"),
        arm,
        parameters,
        repeat,
        // The load shape does not enter: every concurrency of a sweep gets the same requests.
        seed: deriveSeed(run.seed, JSON.stringify(workloadPart(parameters, axes)), repeat),
        workload: perPoint[point]!.workload,
        load: perPoint[point]!.load,
      };
    }),
  );
}

function useOf(loaded: LoadedPlugin, options: Record<string, unknown>): PluginUse {
  return {
    kind: loaded.plugin.kind,
    name: loaded.plugin.name,
    source: loaded.source,
    ...given({ digest: loaded.digest }),
    options,
  };
}

function isRepeatable(spec: OptionSpec): boolean {
  return spec.type === "list";
}

function merged(earlier: RawOption, later: RawOption): RawOption {
  if (earlier.origin !== later.origin) return later; // a flag replaces what a config file says
  return { ...later, value: [earlier.value, later.value].flat() };
}

function distinct(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>();
  return faults.filter((fault) => {
    const key = `${fault.path}\n${fault.message}`;
    return seen.has(key) ? false : seen.add(key);
  });
}
