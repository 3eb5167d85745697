/**
 * The control pair of a comparison across planes. Routers on different planes use different engines and
 * protocols, so a difference between them may come from the planes. A router that gives each worker its
 * turn therefore runs on both planes, and gains across planes are reported only if the two agree.
 */
import type { ArmSpec } from "./arms.ts";
import type { PluginUse } from "../contract/plan.ts";
import type { LoadedPlugin, Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";
import type { Plane } from "../contract/request.ts";

export type RouterSpec = ArmSpec & { readonly loaded: LoadedPlugin };

/** Controls to add to the typed routers if these are on several planes: one for each plane that has none. */
export function missingControls(routers: readonly RouterSpec[], plugins: Plugins): RouterSpec[] {
  const planes = new Set(routers.map(planeOf));
  if (planes.size < 2) return [];
  return [...planes].flatMap((plane) => {
    const own = routers.filter((each) => planeOf(each) === plane);
    if (own.some(isTypedControl)) return [];
    const able = [...own.map(({ loaded }) => loaded), ...plugins.ofKind("router")].find(
      ({ plugin }) => (plugin as Router).plane === plane && (plugin as Router).control,
    );
    return able === undefined ? [] : [controlSpec(able)];
  });
}

/** Whether a planned router gives each worker its turn. */
export function isControl(router: Router, use: PluginUse): boolean {
  const { control } = router;
  if (control === undefined) return false;
  return Object.entries(control).every(([key, value]) => use.options[key] === value);
}

function planeOf({ loaded }: RouterSpec): Plane {
  return (loaded.plugin as Router).plane;
}

function isTypedControl({ loaded, options }: RouterSpec): boolean {
  const { control } = loaded.plugin as Router;
  if (control === undefined) return false;
  return Object.entries(control).every(([key, value]) =>
    options.some((option) => option.name === key && option.value === value),
  );
}

function controlSpec(loaded: LoadedPlugin): RouterSpec {
  const { name, control = {} } = loaded.plugin as Router;
  const options = Object.entries(control).map(([key, value]) => ({
    name: key,
    value,
    origin: `control pair, ${name}`,
  }));
  return { name, options, loaded };
}
