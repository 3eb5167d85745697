/** The engines, routers and workload that a run names: chosen first, because they determine which options exist. */
import { parseArmSpecs, repeatedArms, type ArmSpec } from "./arms.ts";
import { missingControls } from "./control-arms.ts";
import { splitList, textOf, type RawOption } from "./raw-option.ts";
import { withSwept } from "./swept-arms.ts";
import type { Fault } from "../base/errors.ts";
import type { LoadedPlugin, PluginKind, Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";

export interface Chosen {
  readonly workload: LoadedPlugin;
  readonly arms: readonly {
    engine: ArmSpec & { loaded: LoadedPlugin };
    router: ArmSpec & { loaded: LoadedPlugin };
  }[];
}

/** The chosen plugins; undefined, with the reasons in `faults`, if one of them is unknown. */
export function choosePlugins(
  options: readonly RawOption[],
  plugins: Plugins,
  faults: Fault[],
): Chosen | undefined {
  const before = faults.length;
  const resolve = (kind: PluginKind, spec: ArmSpec) => {
    const loaded = plugins.find(kind, spec.name);
    if (!loaded) faults.push({ path: kind, ...plugins.unknown(kind, spec.name) });
    return loaded ? [{ ...spec, name: loaded.plugin.name, loaded }] : [];
  };
  const typed = (kind: keyof typeof DEFAULTS): readonly string[] | undefined => {
    const given = typedNames(options, kind);
    if (given === undefined || given.some((text) => splitList(text).length > 0)) return given;
    faults.push({ path: `run.${kind}`, message: `names no ${kind}` });
    return undefined;
  };
  const workloadName = typed("workload")?.at(-1) ?? DEFAULTS.workload;
  const [workload] = resolve("workload", { name: workloadName, options: [] });
  const swept = { options, workload: workload?.loaded };
  const named = parseArmSpecs("router", typed("router") ?? [DEFAULTS.router]).flatMap((spec) =>
    resolve("router", spec),
  );
  const wanted = withSwept("router", named, swept);
  const routers = [...wanted, ...missingControls(wanted, plugins)];
  const engines = parseArmSpecs(
    "engine",
    typed("engine") ?? [defaultEngine(routers.map(({ loaded }) => loaded.plugin as Router))],
  ).flatMap((spec) => resolve("engine", spec));
  const arms = withSwept("engine", engines, swept).flatMap((engine) =>
    routers.map((router) => ({ engine, router })),
  );
  for (const label of new Set(repeatedArms(arms))) {
    faults.push({ path: "run.router", message: `the arm "${label}" is there twice` });
  }
  if (!workload || arms.length === 0 || faults.slice(before).some(({ path }) => isKind(path))) {
    return undefined;
  }
  return { workload: workload.loaded, arms };
}

/** The names given for `--engine`, `--router` or `--workload`. A flag replaces a config file's; a repeated flag adds arms. */
export function typedNames(
  options: readonly RawOption[],
  kind: "engine" | "router" | "workload",
): string[] | undefined {
  const given = options.filter(({ name }) => name === kind || name === `run.${kind}`);
  const last = given.at(-1);
  if (!last) return undefined;
  return given
    .filter(({ origin }) => origin === last.origin)
    .flatMap(({ value }) => [value].flat().map(textOf))
    .filter((name) => name.trim() !== "");
}

/** A router may name another engine as its default, which counts if all arms agree on it. */
export function defaultEngine(routers: readonly Router[]): string {
  const wanted = new Set(routers.map((router) => router.defaultEngine ?? DEFAULTS.engine));
  return wanted.size === 1 ? [...wanted][0]! : DEFAULTS.engine;
}

/** The plugins that are measured if the user names none. */
export const DEFAULTS = { engine: "mocker", router: "kv", workload: "prefix" } as const;

function isKind(path: string): boolean {
  return path in DEFAULTS;
}
