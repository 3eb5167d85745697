/** What the chosen clock cannot run, with the nearest thing that it can. */
import type { PlannedArm, SimSettings } from "../contract/plan.ts";
import type { RawOption } from "./raw-option.ts";
import type { RunOptions } from "./run-options.ts";
import type { Fault } from "../base/errors.ts";
import type { PluginKind, Plugins } from "../contract/plugins.ts";
import type { Engine } from "../contract/engine.ts";
import type { AnyPlugin } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";

export function clockFaults(
  given: {
    readonly run: RunOptions;
    readonly sim: SimSettings;
    /** The options of the virtual clock that were typed. */
    readonly simGiven: readonly RawOption[];
  },
  arms: readonly PlannedArm[],
  plugins: Plugins,
): Fault[] {
  if (given.run.clock === "virtual") {
    return arms.flatMap((arm) => [
      ...modelFaults(arm, plugins),
      ...downFaults(given.sim, arm, plugins),
    ]);
  }
  return given.simGiven.map(({ origin }) => ({
    path: origin,
    message: "has no meaning on the wall clock",
    hint: "Add --clock virtual, or leave it out",
  }));
}

function modelFaults({ engine, router }: PlannedArm, plugins: Plugins): Fault[] {
  const faults: Fault[] = [];
  if (!engineOf(engine.name, plugins).model) {
    const models = names("engine", plugins, (plugin) => "model" in plugin);
    faults.push({
      path: "run.clock",
      message: `engine "${engine.name}" has no model and cannot run on the virtual clock`,
      hint: `Engines with a model: ${models}`,
    });
  }
  const plugin = plugins.find("router", router.name)?.plugin as Router;
  if (!plugin.policy) {
    const policies = names("router", plugins, (plugin) => "policy" in plugin);
    faults.push({
      path: "run.clock",
      message: `router "${router.name}" is an outside program and cannot run on the virtual clock`,
      hint: plugin.standIn
        ? `Simulate what does about the same: ${plugin.standIn}. Routers that can: ${policies}`
        : `Routers that can: ${policies}`,
    });
  }
  return faults;
}

function downFaults({ downs }: SimSettings, { engine }: PlannedArm, plugins: Plugins): Fault[] {
  const workers = engineOf(engine.name, plugins).limits?.(engine.options).workers ?? Infinity;
  return downs
    .filter(({ worker }) => worker >= workers)
    .map(({ worker }) => ({
      path: "sim.worker-down",
      message: `there is no worker ${worker}`,
      hint: `Numbers go from 0 to ${workers - 1}`,
    }));
}

function engineOf(name: string, plugins: Plugins): Engine {
  return plugins.find("engine", name)?.plugin as Engine;
}

function names(kind: PluginKind, plugins: Plugins, can: (plugin: AnyPlugin) => boolean): string {
  const able = plugins.ofKind(kind).filter(({ plugin }) => can(plugin));
  return able.map(({ plugin }) => plugin.name).join(", ");
}
