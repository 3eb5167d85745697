/**
 * The cells of a saved plan: each arm once at each point of each repeat, and at a point the workload and
 * the load that its parameters say. Seeds and ids are planned again and compared.
 */
import * as v from "valibot";
import { cellId, cellSeed } from "./cells.ts";
import { differences, fault, placeText, shapeFaults, type Place } from "./field-faults.ts";
import { optionSpecs } from "./option-spec.ts";
import { loadShape, loadTexts } from "./planned-points.ts";
import { LoadOptions } from "./run-options.ts";
import type { Axis } from "./sweep.ts";
import type { Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { deriveSeed } from "../base/random.ts";
import type { LoadShape, Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Workload } from "../contract/workload.ts";

export async function checkCells(plan: Plan, plugins: Plugins): Promise<Fault[]> {
  const strangers = plan.cells.flatMap((cell, i) => strangerFaults(cell, ["cells", i], plan));
  if (strangers.length > 0) return strangers;
  const [{ workload: use }] = plan.cells as [PlannedCell];
  const workload = (await plugins.load(use)) as Workload;
  const axes = new Map<string, Axis["scope"]>();
  const firsts = new Map<string, number>();
  const broken = new Set<number>();
  const faults: Fault[] = [];
  for (const [i, cell] of plan.cells.entries()) {
    const point = JSON.stringify(cell.parameters);
    const first = firsts.get(point);
    if (first !== undefined && broken.has(first)) continue; // nothing to compare it with
    if (first !== undefined) {
      faults.push(...otherFaults(cell, plan.cells[first]!, { at: ["cells", i], first }));
      continue;
    }
    firsts.set(point, i);
    for (const key of Object.keys(cell.parameters)) axes.set(key, scopeOf(key, cell, workload));
    const own = pointFaults(cell, ["cells", i], workload);
    if (own.length > 0) broken.add(i);
    faults.push(...own);
  }
  const scopes = [...axes].map(([key, scope]) => ({ key, scope }));
  const of = { plan, axes: scopes };
  faults.push(...plan.cells.flatMap((cell, i) => numberFaults(cell, ["cells", i], of)));
  if (faults.length > 0) return faults;
  const places = [...firsts.values()];
  const points = places.map((i) => plan.cells[i]!);
  return [
    ...alikeFaults(points, places, workload),
    ...missingCells(plan, points),
    ...fileFaults(plan, points, workload),
  ];
}

/** A cell of an arm, a repeat or a workload that the plan does not have. */
function strangerFaults({ arm, repeat, workload }: PlannedCell, at: Place, plan: Plan): Fault[] {
  const { name } = plan.cells[0]!.workload;
  return [
    ...(arm < plan.arms.length
      ? []
      : [fault([...at, "arm"], `is ${arm}, and the plan has ${plan.arms.length} arms`)]),
    ...(repeat < plan.repeats
      ? []
      : [fault([...at, "repeat"], `is ${repeat}, and the plan has ${plan.repeats} repeats`)]),
    ...(workload.name === name
      ? []
      : [fault([...at, "workload", "name"], `is ${workload.name}, and ${name} in cells[0]`)]),
  ];
}

/** What a cell has otherwise than the first of its point. */
function otherFaults(
  { workload, load }: PlannedCell,
  one: PlannedCell,
  { at, first }: { at: Place; first: number },
): Fault[] {
  const why = `as in ${placeText(["cells", first])}, which is of the same point`;
  return differences({ workload, load }, { workload: one.workload, load: one.load }, at, why);
}

/** Whether a parameter is the workload's or the load's; the one that has its value, where both know it. */
function scopeOf(
  key: string,
  { parameters, workload: { options } }: PlannedCell,
  { options: schema }: Workload,
): Axis["scope"] {
  const isWorkloads = optionSpecs(schema).some((spec) => spec.key === key);
  const isLoads = key in LoadOptions.entries;
  return isWorkloads && (!isLoads || options[key] === parameters[key]) ? "workload" : "load";
}

/** What a point's parameters say of its workload and load, and what these say of each other. */
function pointFaults(cell: PlannedCell, at: Place, workload: Workload): Fault[] {
  const { parameters, workload: use } = cell;
  const ofWorkload: Record<string, unknown> = {};
  const ofLoad: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(parameters)) {
    (scopeOf(key, cell, workload) === "workload" ? ofWorkload : ofLoad)[key] = value;
  }
  const options = [...at, "workload", "options"];
  const why = `by ${placeText([...at, "parameters"])}`;
  return [
    ...differences(use.options, { ...use.options, ...ofWorkload }, options, why),
    ...(workload.check?.(use.options) ?? []).map(({ path, message }) =>
      fault([...options, path], message),
    ),
    ...loadFaults(cell.load, { at, swept: ofLoad, workload }),
  ];
}

/** Plans the load again from what it holds: what then differs is missing, too much, or contradicts the rest. */
function loadFaults(
  load: LoadShape,
  { at, swept, workload }: { at: Place; swept: Record<string, unknown>; workload: Workload },
): Fault[] {
  const typed = v.safeParse(LoadOptions, { ...optionsOf(load), ...swept });
  if (!typed.success) return shapeFaults(typed.issues, [...at, "parameters"]);
  const place = [...at, "load"];
  const faults: Fault[] = [];
  const texts = loadTexts(typed.output, faults);
  const again = loadShape(
    typed.output,
    {
      profile: texts.profile ?? load.rateProfile,
      tiers: texts.tiers ?? load.tiers,
      slo: texts.slo ?? load.slo,
    },
    { workload, faults },
  );
  if (faults.length > 0) {
    return faults.map(({ path, message }) => fault([...place, fieldOf(path)], message));
  }
  const missing = Object.keys(again).filter((key) => !(key in load));
  return [
    ...missing.map((key) => fault([...place, key], "is missing")),
    ...differences({ ...again, ...load }, again, place, "by the rest of the plan"),
  ];
}

/** The options that give this load; those that are languages of their own are passed as what they mean. */
function optionsOf(load: LoadShape): Record<string, unknown> {
  const { arrival, concurrency, concurrencyOf, burstiness, requests, warmup } = load;
  const hasOwnRates = load.rateProfile !== undefined && load.rateProfile.kind !== "ramp";
  return given({
    ...{ arrival, concurrency, concurrencyOf, burstiness, requests, warmup },
    rate: hasOwnRates ? undefined : load.rateRps,
    sendPriority: load.sendPriority ?? "on",
    timeout: load.timeoutS,
  });
}

/** `load.rate` → `rateRps`. */
function fieldOf(option: string): string {
  const name = option.replace("load.", "");
  return name === "rate" ? "rateRps" : name;
}

/** Numbers and names of a cell that follow from its arm, its point and its repeat. */
function numberFaults(
  cell: PlannedCell,
  at: Place,
  { plan, axes }: { plan: Plan; axes: readonly Pick<Axis, "key" | "scope">[] },
): Fault[] {
  const arm = plan.arms[cell.arm]!;
  const seed = cellSeed(cell, { axes, seed: plan.seed });
  const routerSeed = arm.twinOf === undefined ? undefined : deriveSeed(seed, "again");
  const { id } = cell;
  return [
    ...differences(
      id,
      cellId(cell, arm),
      [...at, "id"],
      "by the repeat, parameters and arm's label",
    ),
    ...differences(cell.seed, seed, [...at, "seed"], "by the plan's seed, repeat and parameters"),
    ...differences(
      cell.routerSeed,
      routerSeed,
      [...at, "routerSeed"],
      "by the cell's seed and the arm's twinOf",
    ),
  ];
}

/** Cells that are not there, or are there twice. */
function missingCells(plan: Plan, points: readonly PlannedCell[]): Fault[] {
  const ids = new Map<string, number>();
  const faults: Fault[] = [];
  for (const [i, { id }] of plan.cells.entries()) {
    const earlier = ids.get(id);
    if (earlier === undefined) ids.set(id, i);
    else faults.push(fault(["cells", i, "id"], `is that of ${placeText(["cells", earlier])} too`));
  }
  for (let repeat = 0; repeat < plan.repeats && faults.length === 0; repeat += 1) {
    for (const { parameters } of points) {
      for (const arm of plan.arms) {
        const id = cellId({ parameters, repeat }, arm);
        if (!ids.has(id))
          faults.push(fault(["cells"], `has no cell "${id}", which repeats, arms and points make`));
      }
    }
  }
  return faults;
}

/** Points of a sweep that would be treated differently. */
function alikeFaults(
  points: readonly PlannedCell[],
  places: readonly number[],
  workload: Workload,
): Fault[] {
  const options = points.map((cell) => cell.workload.options);
  const alike = workload.alike?.(options) ?? options;
  return options.flatMap((one, i) =>
    differences(one, alike[i], ["cells", places[i]!, "workload", "options"], "as at other points"),
  );
}

/** Files that the workloads read: the plan holds a digest of each, so that another content is noticed. */
function fileFaults(
  plan: Plan,
  points: readonly PlannedCell[],
  { options: schema }: Workload,
): Fault[] {
  const keys = optionSpecs(schema).flatMap(({ key, isFile }) => (isFile ? [key] : []));
  const read = new Set(
    points.flatMap(({ workload: { options } }) =>
      keys.map((key) => options[key]).filter((path) => typeof path === "string"),
    ),
  );
  const files = plan.files ?? [];
  return [
    ...[...read]
      .filter((path) => !files.some((file) => file.path === path))
      .map((path) => fault(["files"], `has no digest of ${path}, which the workload reads`)),
    ...files.flatMap(({ path }, i) =>
      read.has(path) ? [] : [fault(["files", i, "path"], `is ${path}, which no workload reads`)],
    ),
  ];
}
