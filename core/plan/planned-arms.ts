/** The arms of a plan: each engine with each router, judged as a pair. */
import { armLabels } from "./arms.ts";
import type { Chosen } from "./choose.ts";
import { isControl } from "./control-arms.ts";
import type { ParsedArm } from "./parse-options.ts";
import { engineKey } from "./secrets.ts";
import type { Fault } from "../base/errors.ts";
import type { Engine } from "../contract/engine.ts";
import type { PlannedArm } from "../contract/plan.ts";
import type { Router } from "../contract/router.ts";

/** A planned arm and its plugins, for the checks that ask them. */
export interface ArmWithPlugins {
  readonly arm: PlannedArm;
  readonly engine: Engine;
  readonly router: Router;
}

/** An arm whose options did not pass is left out. */
export function planArms(
  { arms }: Chosen,
  parsed: readonly (ParsedArm | undefined)[],
  faults: Fault[],
): ArmWithPlugins[] {
  const labels = armLabels(arms);
  return arms.flatMap((chosen, i): ArmWithPlugins[] => {
    const uses = parsed[i];
    if (!uses) return [];
    const engine = chosen.engine.loaded.plugin as Engine;
    const router = chosen.router.loaded.plugin as Router;
    faults.push(
      ...(engine.check?.(uses.engine.options, router) ?? []).map((fault) => ({
        ...fault,
        path: `engine.${fault.path}`,
      })),
      ...servingFaults(engine, router),
    );
    const arm = plannedArm(labels[i]!, uses, router);
    return [{ arm, engine, router }];
  });
}

/** Whether the engine serves where the router routes. */
export function servingFaults(engine: Engine, { name, plane }: Router): Fault[] {
  if (engine.planes.includes(plane)) return [];
  return [
    {
      path: "run.engine",
      message: `engine "${engine.name}" cannot serve on plane "${plane}", which router "${name}" needs`,
      hint: `It serves on: ${engine.planes.join(", ")}`,
    },
  ];
}

/** An arm with all that follows from its engine and its router. */
export function plannedArm(label: string, uses: ParsedArm, router: Router): PlannedArm {
  const { plane } = router;
  return {
    label,
    ...uses,
    plane,
    ...(isControl(router, uses.router) ? { isControl: true } : {}),
    engineKey: engineKey(uses.engine, plane),
  };
}
