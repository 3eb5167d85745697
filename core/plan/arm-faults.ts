/** What an arm cannot do: serve prefill and decode on different workers, or take engine arguments. */
import type { ArmWithPlugins } from "./planned-arms.ts";
import { maskWords } from "./secret-words.ts";
import type { Fault } from "../base/errors.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";

/** Which engines can split prefill and decode, and which routers know of it. */
export function roleFaults(arms: readonly ArmWithPlugins[], plugins: Plugins): Fault[] {
  return arms.flatMap(({ arm: { engine: use, plane }, engine, router }): Fault[] => {
    if (engine.limits?.(use.options).prefillWorkers === undefined) return [];
    const path = "engine.prefillWorkers";
    const splitsOn = engine.splitsOn ?? [];
    if (!splitsOn.includes(plane)) {
      const routers = routerNames(plugins, (one) => splitsOn.includes(one.plane));
      return [
        {
          path,
          message: `engine "${engine.name}" does not split prefill and decode on plane "${plane}"`,
          hint:
            splitsOn.length === 0
              ? "Leave --prefill-workers and --decode-workers out"
              : `It does on plane ${splitsOn.join(", ")}, with a router of it: ${routers}`,
        },
      ];
    }
    if (router.policy !== undefined || plane !== "http") return [];
    return [
      {
        path,
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

/** Engine arguments that no command would get must not be dropped in silence. */
export function argumentFaults(
  arms: readonly ArmWithPlugins[],
  engineArgs: readonly string[],
): Fault[] {
  if (engineArgs.length === 0) return [];
  const without = arms.map(({ engine }) => engine).filter((engine) => !engine.takesArguments);
  return without.map(({ name }) => ({
    path: `-- ${maskWords(engineArgs).join(" ")}`,
    message: `engine "${name}" has no command that could take it`,
    hint: `Its own options come before the lone --: dynbench plugin show ${name}`,
  }));
}
