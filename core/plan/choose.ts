/** Which engines, routers and workload a run names, before their options can be judged. */
import { armLabels, parseArmSpecs, type ArmSpec } from "./arms.ts";
import type { RawOption } from "./raw-option.ts";
import type { Fault } from "../errors.ts";
import type { LoadedPlugin, PluginKind, PluginSet } from "../plugin-set.ts";

export interface Chosen {
  readonly workload: LoadedPlugin;
  readonly arms: readonly {
    engine: ArmSpec & { loaded: LoadedPlugin };
    router: ArmSpec & { loaded: LoadedPlugin };
  }[];
}

/** The chosen plugins, with all faults in `faults`; the result is complete only without any. */
export function choosePlugins(
  options: readonly RawOption[],
  plugins: PluginSet,
  faults: Fault[],
): Chosen {
  const typed = (name: "engine" | "router" | "workload"): string[] => {
    const given = options.filter((option) => option.name === name || option.name === `run.${name}`);
    // A flag overrides a config file as a whole; a repeated flag adds arms.
    const fromFlags = given.filter(({ origin }) => origin.startsWith("--"));
    const values = (fromFlags.length > 0 ? fromFlags : given).flatMap(({ value }) =>
      Array.isArray(value) ? value.map(String) : [String(value)],
    );
    return values.length > 0 ? values : [...defaultArms[name]];
  };
  const resolve = (kind: PluginKind, spec: ArmSpec) => {
    const loaded = plugins.find(kind, spec.name);
    if (!loaded) faults.push({ path: kind, ...plugins.unknown(kind, spec.name) });
    return loaded ? [{ ...spec, name: loaded.plugin.name, loaded }] : [];
  };
  const engines = parseArmSpecs("engine", typed("engine")).flatMap((spec) =>
    resolve("engine", spec),
  );
  const routers = parseArmSpecs("router", typed("router")).flatMap((spec) =>
    resolve("router", spec),
  );
  const [workload] = resolve("workload", { name: typed("workload").at(-1)!, options: [] });
  const arms = engines.flatMap((engine) => routers.map((router) => ({ engine, router })));
  const labels = armLabels(arms);
  for (const label of new Set(labels.filter((label, i) => labels.indexOf(label) !== i))) {
    faults.push({ path: "run.router", message: `the arm "${label}" is there twice` });
  }
  return { workload: workload?.loaded as LoadedPlugin, arms };
}

const defaultArms = { engine: ["mocker"], router: ["kv"], workload: ["prefix"] } as const;
