/**
 * `--sweep router.overlapCredit=0.5,1,2`: an option of a router or an engine, swept. Each of its values
 * makes an arm of every router or engine that has the option; the others stay as they are. Pure.
 */
import type { ArmSpec } from "./arms.ts";
import { isNamed, optionSpecs } from "./option-spec.ts";
import { splitList, type RawOption } from "./raw-option.ts";
import { LoadOptions } from "./run-options.ts";
import type { LoadedPlugin } from "../contract/plugins.ts";

type Side = "router" | "engine";
type Loaded = ArmSpec & { readonly loaded: LoadedPlugin };

/** A sweep over an option of arms. */
interface ArmSweep {
  /** As typed: `--sweep router.overlapCredit=0.5,1`. */
  readonly origin: string;
  readonly name: string;
  readonly values: readonly string[];
}

const SHAPE = /^(?:(router|engine)\.)?([A-Za-z][\w-]*)=(.*)$/s;

/** The arms of one side with every swept value of theirs. */
export function withSwept<Spec extends Loaded>(
  side: Side,
  specs: readonly Spec[],
  of: { readonly options: readonly RawOption[]; readonly workload: LoadedPlugin | undefined },
): Spec[] {
  return sweepsOf(side, of).reduce<Spec[]>(
    (arms, sweep) => arms.flatMap((arm) => (has(arm, sweep.name) ? valuesOf(arm, sweep) : [arm])),
    [...specs],
  );
}

/** Whether a sweep of `--sweep` is over an option of one of these arms, and not of load or workload. */
export function sweepsArms(
  text: string,
  arms: readonly { readonly loaded: LoadedPlugin }[],
  workload: LoadedPlugin,
): boolean {
  const [, side, name] = SHAPE.exec(text) ?? [];
  if (name === undefined || (side === undefined && isOfLoad(name, workload))) return false;
  return arms.some(
    (arm) => (side === undefined || arm.loaded.plugin.kind === side) && has(arm, name),
  );
}

function sweepsOf(
  side: Side,
  {
    options,
    workload,
  }: { readonly options: readonly RawOption[]; readonly workload: LoadedPlugin | undefined },
): ArmSweep[] {
  const typed = options.filter(({ name }) => name === "sweep" || name === "run.sweep");
  return typed
    .flatMap(({ value }) => [value].flat().map(String))
    .flatMap((text): ArmSweep[] => {
      const [, named, name, values] = SHAPE.exec(text) ?? [];
      if (name === undefined || (named !== undefined && named !== side)) return [];
      if (named === undefined && workload !== undefined && isOfLoad(name, workload)) return [];
      return [{ origin: `--sweep ${text}`, name, values: splitList(values!) }];
    });
}

function isOfLoad(name: string, { plugin }: LoadedPlugin): boolean {
  return [...optionSpecs(LoadOptions), ...optionSpecs(plugin.options)].some((spec) =>
    isNamed(spec, name),
  );
}

function has({ loaded }: { readonly loaded: LoadedPlugin }, name: string): boolean {
  return optionSpecs(loaded.plugin.options).some((spec) => isNamed(spec, name));
}

function valuesOf<Spec extends Loaded>(arm: Spec, { origin, name, values }: ArmSweep): Spec[] {
  if (values.length === 0) return [arm]; // reported with the axes
  return values.map((value) => ({ ...arm, options: [...arm.options, { name, value, origin }] }));
}
