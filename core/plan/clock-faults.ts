/** What the chosen clock cannot run, with the nearest thing that it can. */
import type { TypedOptions } from "./assign.ts";
import type { ArmWithPlugins } from "./planned-arms.ts";
import type { Fault } from "../base/errors.ts";
import type { Plan, SimSettings } from "../contract/plan.ts";
import type { AnyPlugin, PluginKind, Plugins } from "../contract/plugins.ts";

export function clockFaults(
  {
    clock,
    settings,
    typed,
  }: {
    readonly clock: Plan["clock"];
    readonly settings: SimSettings;
    /** The options of the virtual clock that were typed. */
    readonly typed: TypedOptions["typed"];
  },
  arms: readonly ArmWithPlugins[],
  plugins: Plugins,
): Fault[] {
  if (clock === "virtual") {
    return arms.flatMap((one) => [...modelFaults(one, plugins), ...downFaults(settings, one)]);
  }
  return [...typed.values()].map(({ origin }) => ({
    path: origin,
    message: "has no meaning on the wall clock",
    hint: "Add --clock virtual, or leave it out",
  }));
}

function modelFaults({ engine, router }: ArmWithPlugins, plugins: Plugins): Fault[] {
  const faults: Fault[] = [];
  if (!engine.model) {
    const models = names("engine", plugins, (plugin) => "model" in plugin);
    faults.push({
      path: "run.clock",
      message: `engine "${engine.name}" has no model and cannot run on the virtual clock`,
      hint: `Engines with a model: ${models}`,
    });
  }
  if (!router.policy) {
    const policies = names("router", plugins, (plugin) => "policy" in plugin);
    faults.push({
      path: "run.clock",
      message: `router "${router.name}" is an outside program and cannot run on the virtual clock`,
      hint: router.standIn
        ? `Simulate what does about the same: ${router.standIn}. Routers that can: ${policies}`
        : `Routers that can: ${policies}`,
    });
  }
  return faults;
}

function downFaults({ downs }: SimSettings, { arm, engine }: ArmWithPlugins): Fault[] {
  const workers = engine.limits?.(arm.engine.options).workers ?? Infinity;
  return downs
    .filter(({ worker }) => worker >= workers)
    .map(({ worker }) => ({
      path: "sim.worker-down",
      message: `there is no worker ${worker}`,
      hint: `Numbers go from 0 to ${workers - 1}`,
    }));
}

function names(kind: PluginKind, plugins: Plugins, can: (plugin: AnyPlugin) => boolean): string {
  const able = plugins.ofKind(kind).filter(({ plugin }) => can(plugin));
  return able.map(({ plugin }) => plugin.name).join(", ");
}
