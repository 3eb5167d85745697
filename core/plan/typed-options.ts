/** What was typed for each part of a plan, before any of it is parsed. */
import { assign, scopeOfPlugin, type Scope, type TypedOptions } from "./assign.ts";
import type { Chosen } from "./choose.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { PlaneOptions } from "./plane-options.ts";
import type { RawOption } from "./raw-option.ts";
import type { LoadOptions, RunOptions } from "./run-options.ts";
import { LOAD, PLANE, RUN, SIM } from "./run-scopes.ts";
import type { SimOptions } from "./sim-options.ts";
import type { Fault } from "../base/errors.ts";
import type { LoadedPlugin, Plugins } from "../contract/plugins.ts";
import type { Plane } from "../contract/request.ts";
import type { Router } from "../contract/router.ts";

/** Of a plugin. */
export interface TypedPlugin extends TypedOptions {
  readonly loaded: LoadedPlugin;
}

export interface TypedArm {
  readonly engine: TypedPlugin;
  readonly router: TypedPlugin;
}

export interface TypedPlan {
  readonly run: TypedOptions<typeof RunOptions>;
  readonly load: TypedOptions<typeof LoadOptions>;
  readonly sim: TypedOptions<typeof SimOptions>;
  readonly plane: TypedOptions<typeof PlaneOptions>;
  readonly workload: TypedPlugin;
  /** In the order of the chosen arms. */
  readonly arms: readonly TypedArm[];
  readonly reporters: readonly TypedPlugin[];
}

/** Gives each option to the parts that it means. An option of a plugin that was not chosen is a fault. */
export function assignOptions(
  options: readonly RawOption[],
  { chosen, plugins }: { chosen: Chosen; plugins: Plugins },
  faults: Fault[],
): TypedPlan {
  const reporters = plugins.ofKind("reporter");
  const engines = chosen.arms.map(({ engine }) => engine.loaded);
  const routers = chosen.arms.map(({ router }) => router.loaded);
  const taking = new Map<LoadedPlugin, Scope>();
  for (const loaded of [chosen.workload, ...engines, ...routers, ...reporters]) {
    taking.set(loaded, scopeOfPlugin(loaded.plugin));
  }
  const unchosen = plugins.all.filter((loaded) => !taking.has(loaded));
  const others = unchosen.map(({ plugin }) => scopeOfPlugin(plugin));
  const scopes = [RUN, LOAD, SIM, PLANE, ...taking.values()];
  const typed = typedIn(options, { scopes, others }, faults);

  const ofPart = <Part extends Scope>(scope: Part) => ({ scope, typed: typed.get(scope)! });
  const ofPlugin = (loaded: LoadedPlugin) => ({ loaded, ...ofPart(taking.get(loaded)!) });
  const planes = new Set(routers.map(({ plugin }) => (plugin as Router).plane));
  /** Defaults of the planes, then what was typed for all arms, then what was typed for this one. */
  const ofSide = ({ loaded, options: inline }: Chosen["arms"][number]["engine"]): TypedPlugin => {
    const { scope, typed: shared } = ofPlugin(loaded);
    const own = typedIn(inline, { scopes: [scope] }, faults).get(scope)!;
    return {
      loaded,
      scope,
      typed: new Map([...defaultsOn(planes, loaded, scope), ...shared, ...own]),
    };
  };
  return {
    run: ofPart(RUN),
    load: ofPart(LOAD),
    sim: ofPart(SIM),
    plane: ofPart(PLANE),
    workload: ofPlugin(chosen.workload),
    arms: chosen.arms.map((arm) => ({ engine: ofSide(arm.engine), router: ofSide(arm.router) })),
    reporters: reporters.map(ofPlugin),
  };
}

type TypedMap = Map<OptionSpec, RawOption>;

/** What was typed last counts, but a list option that is repeated grows. */
function typedIn(
  options: readonly RawOption[],
  { scopes, others = [] }: { scopes: readonly Scope[]; others?: readonly Scope[] },
  faults: Fault[],
): Map<Scope, TypedMap> {
  const { assignments, faults: unknown } = assign(options, scopes, others);
  faults.push(...unknown);
  const typed = new Map(scopes.map((scope): [Scope, TypedMap] => [scope, new Map()]));
  for (const { scope, spec, option } of assignments) {
    const own = typed.get(scope)!;
    const earlier = spec.type === "list" ? own.get(spec) : undefined;
    own.set(spec, earlier ? merged(earlier, option) : option);
  }
  return typed;
}

function merged(earlier: RawOption, later: RawOption): RawOption {
  if (earlier.origin !== later.origin) return later; // a flag replaces the value of a config file
  return { ...later, value: [earlier.value, later.value].flat() };
}

/** Defaults of an engine that come with the planes of the comparison, as if they were typed. */
function defaultsOn(
  planes: ReadonlySet<Plane>,
  { plugin }: LoadedPlugin,
  { specs }: Scope,
): [OptionSpec, RawOption][] {
  if (plugin.kind !== "engine") return [];
  return [...planes].flatMap((plane) =>
    Object.entries(plugin.planeDefaults?.[plane] ?? {}).map(([key, value]) => [
      specs.find((spec) => spec.key === key)!,
      { name: key, value, origin: `plane ${plane}` },
    ]),
  );
}
