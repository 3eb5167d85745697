/** The options of `run`, `plan` and `up` in groups, for help, manual page and completion. */
import { SizeOptions } from "../../decide/size-options.ts";
import { TuneOptions } from "../../decide/tune-options.ts";
import { parseArmSpecs } from "../../plan/arms.ts";
import { DEFAULTS, defaultEngine, typedNames } from "../../plan/choose.ts";
import { scopeOfPlugin } from "../../plan/assign.ts";
import { isNamed, optionSpecs, type OptionSpec } from "../../plan/option-spec.ts";
import { judgeTokens, type Arguments, type NamedOptions } from "./arguments.ts";
import type { Token } from "./command-line.ts";
import { PlaneOptions } from "../../plan/plane-options.ts";
import type { RawOption } from "../../plan/raw-option.ts";
import { LoadOptions, RunOptions } from "../../plan/run-options.ts";
import { isRunName, RUN_SCOPES } from "../../plan/run-scopes.ts";
import { SimOptions } from "../../plan/sim-options.ts";
import type { Fault } from "../../base/errors.ts";
import type { AnyPlugin } from "../../contract/plugins.ts";
import type { Router } from "../../contract/router.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";

export interface OptionGroup {
  /** `Load`, `Router kv`. */
  readonly title: string;
  readonly specs: readonly OptionSpec[];
}

/** Options that a command has beside those of a run. */
const OWN: Readonly<Record<string, OptionGroup>> = {
  tune: { title: "Tune", specs: optionSpecs(TuneOptions) },
  size: { title: "Size", specs: optionSpecs(SizeOptions) },
};

/** Options of the command, then those of the chosen plugins. Groups without options are left out. */
export function optionGroups(
  command: string,
  plugins: PluginSet,
  chosen: readonly AnyPlugin[],
): readonly OptionGroup[] {
  const own = OWN[command] === undefined ? [] : [OWN[command]];
  const groups = command === "up" ? upGroups(chosen) : [...own, ...runGroups(plugins, chosen)];
  return groups.filter(({ specs }) => specs.length > 0);
}

/**
 * Every option that some choice of plugins gives to a run: whether a flag takes a value is known from
 * these. The run's own come first, then those of the chosen plugins; reporters' need their qualifier.
 */
export function possibleOptions(
  plugins: PluginSet,
  chosen: readonly AnyPlugin[] = [],
): readonly NamedOptions[] {
  const isChosen = new Set(chosen);
  const rank = (plugin: AnyPlugin): number =>
    plugin.kind === "reporter" ? 2 : isChosen.has(plugin) ? 0 : 1;
  const own = plugins.all.map(({ plugin }) => plugin).toSorted((a, b) => rank(a) - rank(b));
  return [...RUN_SCOPES, ...own.map(scopeOfPlugin)];
}

/** The tokens of a command that plans a run, judged by the options of the plugins that they and a config name. */
export function judgeRun(
  tokens: readonly Token[],
  plugins: PluginSet,
  fromConfig: readonly RawOption[] = [],
): Arguments & { readonly chosen: readonly AnyPlugin[] } {
  const judge = (chosen: readonly AnyPlugin[]): Arguments =>
    judgeTokens(tokens, possibleOptions(plugins, chosen), { spaced: true });
  const chosen = chosenPlugins([...fromConfig, ...judge([]).options], plugins);
  return { ...judge(chosen), chosen };
}

function runGroups(plugins: PluginSet, chosen: readonly AnyPlugin[]): OptionGroup[] {
  const reporters = plugins.ofKind("reporter").map(({ plugin }) => plugin);
  return [
    { title: "Run", specs: optionSpecs(RunOptions) },
    { title: "Load", specs: optionSpecs(LoadOptions) },
    { title: "Virtual clock", specs: optionSpecs(SimOptions) },
    { title: "Plane dynamo", specs: optionSpecs(PlaneOptions) },
    ...chosen.map(pluginGroup),
    { title: "Reporters, which all take part", specs: reporters.flatMap(flagSpecs) },
  ];
}

/** `up` sends no load, so it has no options of one. */
function upGroups(chosen: readonly AnyPlugin[]): OptionGroup[] {
  return [
    { title: "Run", specs: optionSpecs(RunOptions).filter(({ key }) => OF_UP.has(key)) },
    { title: "Plane dynamo", specs: optionSpecs(PlaneOptions) },
    ...chosen.filter(({ kind }) => kind !== "workload").map(pluginGroup),
  ];
}

const OF_UP: ReadonlySet<string> = new Set<keyof RunOptions>([
  ...(["engine", "router", "port", "host", "replicas", "seed", "out"] as const),
  ...([
    "header",
    "headerEnv",
    "apiKeyEnv",
    "plugin",
    "pluginFolder",
    "noPlugins",
    "config",
  ] as const),
]);

/**
 * Faults of options of a load that were typed for `up`, which sends none. `--clock` and `--resume` have
 * messages of their own. Config files are not checked, because they may be shared with runs.
 */
export function loadFaults(typed: readonly RawOption[], plugins: PluginSet): Fault[] {
  const ofKinds = (...kinds: AnyPlugin["kind"][]): OptionSpec[] =>
    plugins.all.flatMap(({ plugin }) => (kinds.includes(plugin.kind) ? flagSpecs(plugin) : []));
  const names = new Set(plugins.ofKind("workload").map(({ plugin }) => plugin.name));
  const taken = [...upGroups([]).flatMap(({ specs }) => specs), ...ofKinds("engine", "router")];
  const ofLoad = [
    ...optionSpecs(RunOptions).filter(({ key }) => key !== "clock" && key !== "resume"),
    ...optionSpecs(LoadOptions),
    ...ofKinds("workload", "reporter"),
  ];
  const isOfLoad = (name: string): boolean => {
    const dot = name.indexOf(".");
    const part = name.slice(0, Math.max(0, dot));
    const bare = name.slice(dot + 1);
    const has = (specs: readonly OptionSpec[], flag: string): boolean =>
      specs.some((spec) => isNamed(spec, flag));
    if (part === "load" || part === "workload" || names.has(part)) return has(ofLoad, bare);
    const flag = part === "run" ? bare : name;
    return has(ofLoad, flag) && !has(taken, flag);
  };
  return typed
    .filter(({ name }) => isOfLoad(name))
    .map(({ origin: path }) => ({
      path,
      message: "has no meaning for dynbench up, which sends no load",
      hint: "Leave it out, or use dynbench run",
    }));
}

export function pluginGroup(plugin: AnyPlugin): OptionGroup {
  return { title: `${titled(plugin.kind)} ${plugin.name}`, specs: flagSpecs(plugin) };
}

/**
 * Options as they are typed: those of a reporter with its name in front, because all reporters take part
 * in a run; of other plugins those with a name of the run, behind the plugin's kind.
 */
export function flagSpecs({ kind, name, options }: AnyPlugin): readonly OptionSpec[] {
  const specs = optionSpecs(options);
  const behind = (flag: string): string => {
    if (kind === "reporter") return `${name}.${flag}`;
    return isRunName(flag) ? `${kind}.${flag}` : flag;
  };
  return specs.map((spec) => ({
    ...spec,
    flag: behind(spec.flag),
    aliases: spec.aliases.map(behind),
  }));
}

/** The plugins that are named, or else the defaults. An unknown name is left out. */
export function chosenPlugins(options: readonly RawOption[], plugins: PluginSet): AnyPlugin[] {
  const named = (kind: "engine" | "router" | "workload", fallback: string): AnyPlugin[] => {
    const specs = parseArmSpecs(kind, typedNames(options, kind) ?? [fallback]);
    const found = specs.map(({ name }) => plugins.find(kind, name)?.plugin);
    return [...new Set(found)].filter((plugin) => plugin !== undefined);
  };
  const routers = named("router", DEFAULTS.router);
  return [
    ...named("engine", defaultEngine(routers as Router[])),
    ...routers,
    ...named("workload", DEFAULTS.workload),
  ];
}

/** `engine` → `Engine`. */
export function titled(kind: string): string {
  return kind[0]!.toUpperCase() + kind.slice(1);
}
