/** What arms need of this machine, looked for before a run has a folder and minutes before their turn. */
import type { PlannedArm } from "../../contract/plan.ts";
import type { Engine } from "../../contract/engine.ts";
import type { Router } from "../../contract/router.ts";
import type { Plugins } from "../../contract/plugins.ts";

/** Throws where a program, a package or a GPU is missing that an engine or a router of an arm would start with. */
export async function mustFind(
  arms: readonly PlannedArm[],
  plugins: Pick<Plugins, "load">,
): Promise<void> {
  const engines = new Map(arms.map((arm) => [arm.engineKey, arm]));
  for (const { engine, plane } of engines.values()) {
    const plugin = (await plugins.load(engine)) as Engine;
    await plugin.find?.(engine.options, plane);
  }
  const routers = new Map(arms.map((arm) => [JSON.stringify([arm.router, pythonOf(arm)]), arm]));
  for (const arm of routers.values()) {
    const plugin = (await plugins.load(arm.router)) as Router;
    await plugin.find?.(arm.router.options, pythonOf(arm));
  }
}

/** The engine's `--python`, where it has one. */
export function pythonOf({ engine: { options } }: PlannedArm): { python?: string } {
  return typeof options["python"] === "string" ? { python: options["python"] } : {};
}
