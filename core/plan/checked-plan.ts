/**
 * A saved plan before it runs: its form, the options of its plugins through their own schemas, and all
 * that follows from other fields. A field that is missing, renamed, unknown, of another type or out of
 * bounds is a fault with its place; no default takes its place. All faults are reported at once.
 */
import { argumentFaults, roleFaults } from "./arm-faults.ts";
import { checkCells } from "./checked-cells.ts";
import { usesOf, useFaults } from "./checked-uses.ts";
import { clockFaults } from "./clock-faults.ts";
import { differences, fault, placeText, type Place } from "./field-faults.ts";
import { planeFaults } from "./plane-options.ts";
import { plannedArm, servingFaults, type ArmWithPlugins } from "./planned-arms.ts";
import { primaryFaults } from "./repetition.ts";
import { planFaults, planForm } from "./saved-plan.ts";
import { formOf, parseHeaders } from "./wire.ts";
import type { Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import type { Engine } from "../contract/engine.ts";
import type { Plan, PlannedArm } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";

/** `name` is the plan's file, for messages. Throws `PlanFaults`. */
export async function checkedPlan(value: unknown, name: string, plugins: Plugins): Promise<Plan> {
  const read = planForm(value);
  const faults = "faults" in read ? [...read.faults] : [];
  for (const { at, use } of usesOf(value)) faults.push(...(await useFaults(use, at, plugins)));
  // What follows from a field that is wrong would only be wrong again.
  if ("plan" in read && faults.length === 0) {
    faults.push(...(await relationFaults(read.plan, plugins)));
    if (faults.length === 0) return read.plan;
  }
  throw planFaults(faults, name);
}

async function relationFaults(plan: Plan, plugins: Plugins): Promise<Fault[]> {
  const arms = await Promise.all(
    plan.arms.map(async (arm): Promise<ArmWithPlugins> => {
      const engine = (await plugins.load(arm.engine)) as Engine;
      return { arm, engine, router: (await plugins.load(arm.router)) as Router };
    }),
  );
  return [
    ...arms.flatMap((one, i) => armFaults(one, i, plan.arms)),
    ...togetherFaults(plan, arms, plugins),
    ...(await checkCells(plan, plugins)),
  ];
}

/** What follows from the arm's engine and router, or from the arm that it measures again. */
function armFaults(
  { arm, engine, router }: ArmWithPlugins,
  index: number,
  arms: readonly PlannedArm[],
): Fault[] {
  const at: Place = ["arms", index];
  const of = [...at, "engine", "options"];
  const twin = arms.findIndex(({ label }) => label === arm.label);
  const own = [
    ...(twin === index ? [] : [fault([...at, "label"], `is that of ${placeText(["arms", twin])}`)]),
    ...(engine.check?.(arm.engine.options, router) ?? []).map(({ path, message }) =>
      fault([...of, path], message),
    ),
    ...servingFaults(engine, router).map(({ message }) => fault([...at, "engine"], message)),
  ];
  const { twinOf } = arm;
  if (twinOf === undefined) {
    const planned = plannedArm(arm.label, arm, router);
    own.push(...keyFaults(arm, planned, at));
    return [...own, ...differences(derived(arm), derived(planned), at, "by its engine and router")];
  }
  const original = arms[twinOf];
  if (original === undefined || original.twinOf !== undefined || twinOf === index) {
    return [
      ...own,
      fault([...at, "twinOf"], `is ${twinOf}, which is no arm that can be measured again`),
    ];
  }
  const { isControl: _, ...same } = original;
  const why = `as in ${placeText(["arms", twinOf])}, which it measures again`;
  return [...own, ...differences(arm, { ...same, label: `${same.label}-again`, twinOf }, at, why)];
}

function derived({ plane, isControl }: PlannedArm): object {
  return given({ plane, isControl });
}

/** The key repeats what the engine is, so that a change of either names the option. */
function keyFaults(arm: PlannedArm, { engineKey }: PlannedArm, at: Place): Fault[] {
  if (arm.engineKey === engineKey) return [];
  let inKey: unknown;
  try {
    [, , inKey] = JSON.parse(arm.engineKey) as unknown[];
  } catch {
    // not one that a plan was made with
  }
  const options = [...at, "engine", "options"];
  const changed = differences(arm.engine.options, inKey ?? {}, options, "by the arm's engineKey");
  if (inKey !== undefined && changed.length > 0) return changed;
  return [fault([...at, "engineKey"], "does not repeat the arm's engine, plane and options")];
}

/** Faults of parts together, as for a plan that is made: the field takes the place of the option. */
function togetherFaults(plan: Plan, arms: readonly ArmWithPlugins[], plugins: Plugins): Fault[] {
  const { clock, sim, wire, planeSettings } = plan;
  const faults: Fault[] = [];
  formOf(wire.form, arms, faults);
  faults.push(
    ...roleFaults(arms, plugins),
    ...argumentFaults(arms, plan.engineArgs),
    ...primaryFaults(plan.primary, plan.cells),
    ...headerFaults(wire.headers),
  );
  if (clock === "wall" && sim !== undefined) {
    faults.push(fault(["sim"], "has no meaning on the wall clock"));
  }
  if (clock === "virtual" && sim === undefined) {
    faults.push(fault(["sim"], "is missing, and the plan is of the virtual clock"));
  }
  if (clock === "virtual" && sim !== undefined) {
    faults.push(...clockFaults({ clock, settings: sim, typed: new Map() }, arms, plugins));
  }
  const planes = new Set(arms.map(({ router }) => router.plane));
  if (planes.has("dynamo") !== (planeSettings !== undefined)) {
    const message = planes.has("dynamo")
      ? "is missing, and an arm is on plane dynamo"
      : "has no meaning without an arm on plane dynamo";
    faults.push(fault(["planeSettings"], message));
  } else if (planeSettings !== undefined) {
    faults.push(...planeFaults(planeSettings, new Map(), planes));
  }
  if (wire.apiKeyEnv === "") faults.push(fault(["wire", "apiKeyEnv"], "must not be empty"));
  return faults.map(({ path, message }) => ({ path: FIELD_OF.get(path) ?? path, message }));
}

/** Fields of the plan that options of other names become. */
const FIELD_OF: ReadonlyMap<string, string> = new Map([
  ["run.prompt-form", "wire.form"],
  ["run.primary", "primary"],
  ["run.clock", "clock"],
  ["sim.worker-down", "sim.downs"],
  ["engine.prefillWorkers", "arms: engine.options.prefillWorkers"],
  ["plane.etcd-url", "planeSettings.etcdUrl"],
  ["plane.nats-url", "planeSettings.natsUrl"],
]);

/** A header's value may be secret, so only its name is quoted. */
function headerFaults(headers: Plan["wire"]["headers"]): Fault[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const read = parseHeaders({ header: [`${name}=${value}`], headerEnv: [] }, []);
    const isSame = Object.hasOwn(read.headers, name);
    return isSame
      ? []
      : [fault(["wire", "headers", name], "is no header in lower case with a value")];
  });
}
