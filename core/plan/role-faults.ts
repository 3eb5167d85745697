/** Prefill and decode on different workers: which engines can serve so, and which routers know of it. */
import type { PlannedArm } from "../contract/plan.ts";
import type { Fault } from "../base/errors.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Engine } from "../contract/engine.ts";
import type { Router } from "../contract/router.ts";

export function roleFaults(arms: readonly PlannedArm[], plugins: Plugins): Fault[] {
  return arms.flatMap(({ engine: use, router: routerUse, plane }): Fault[] => {
    const engine = plugins.find("engine", use.name)!.plugin as Engine;
    if (engine.limits?.(use.options).prefillWorkers === undefined) return [];
    const splitsOn = engine.splitsOn ?? [];
    if (!splitsOn.includes(plane)) {
      const routers = routerNames(plugins, (router) => splitsOn.includes(router.plane));
      return [
        {
          path: "engine.prefillWorkers",
          message: `engine "${engine.name}" does not split prefill and decode on plane "${plane}"`,
          hint:
            splitsOn.length === 0
              ? "Leave --prefill-workers and --decode-workers out"
              : `It does on plane ${splitsOn.join(", ")}, with a router of it: ${routers}`,
        },
      ];
    }
    const router = plugins.find("router", routerUse.name)!.plugin as Router;
    if (router.policy !== undefined || plane !== "http") return [];
    return [
      {
        path: "engine.prefillWorkers",
        message: `router "${router.name}" would not know which workers prefill and which decode`,
        hint: `Routers that do: ${routerNames(plugins, (one) => one.policy !== undefined)}`,
      },
    ];
  });
}

function routerNames(plugins: Plugins, can: (router: Router) => boolean): string {
  const able = plugins.ofKind("router").filter(({ plugin }) => can(plugin as Router));
  return able.map(({ plugin }) => plugin.name).join(", ");
}
