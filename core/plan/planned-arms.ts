/** The arms of a plan: each engine with each router, judged as a pair. */
import { isControl } from "./control-arms.ts";
import { parseUse } from "./parse-options.ts";
import { engineKey } from "./secrets.ts";
import type { TypedArm } from "./typed-options.ts";
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

/** An arm whose options do not pass is left out, with its faults. */
export function planArms(
  typed: readonly TypedArm[],
  labels: readonly string[],
  faults: Fault[],
): ArmWithPlugins[] {
  return typed.flatMap((one, i): ArmWithPlugins[] => {
    const engine = one.engine.loaded.plugin as Engine;
    const router = one.router.loaded.plugin as Router;
    const engineUse = parseUse(one.engine, faults);
    const routerUse = parseUse(one.router, faults);
    if (!engineUse || !routerUse) return [];
    const { plane } = router;
    for (const fault of engine.check?.(engineUse.options, router) ?? []) {
      faults.push({ ...fault, path: `engine.${fault.path}` });
    }
    if (!engine.planes.includes(plane)) {
      faults.push({
        path: "run.engine",
        message: `engine "${engine.name}" cannot serve on plane "${plane}", which router "${router.name}" needs`,
        hint: `It serves on: ${engine.planes.join(", ")}`,
      });
    }
    const arm = {
      label: labels[i]!,
      engine: engineUse,
      router: routerUse,
      plane,
      ...(isControl(router, routerUse) ? { isControl: true } : {}),
      engineKey: engineKey(engineUse, plane),
    };
    return [{ arm, engine, router }];
  });
}
