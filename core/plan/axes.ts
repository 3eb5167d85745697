/** Which options are swept, and over which values. */
import { optionSpecs, type OptionSpec } from "./option-spec.ts";
import { coerce, isNamed, splitList, type RawOption, type Scope } from "./raw-option.ts";
import { LoadOptions } from "./run-options.ts";
import { didYouMean } from "../base/suggest.ts";
import type { Axis, Value } from "./sweep.ts";
import type { Fault } from "../base/errors.ts";
import type { Workload } from "../contract/workload.ts";

/** Swept options: those given as lists, those of `--sweep`, and those the workload sweeps by default. */
export function axesOf(
  sweeps: readonly string[],
  of: {
    workload: Workload;
    given: { workload: Map<OptionSpec, RawOption> };
    scopes: readonly Scope[];
  },
  faults: Fault[],
): Axis[] {
  const asked = [
    ...listAxes(optionSpecs(of.workload.options), of.given.workload, faults),
    ...sweeps.flatMap((text) => sweepAxis(text, of, faults)),
  ];
  const axes: Axis[] = [];
  for (const { axis, origin, isDefault } of asked) {
    const earlier = axes.findIndex(({ key }) => key === axis.key);
    if (earlier === -1) axes.push(axis);
    else if (asked.find((one) => one.axis === axes[earlier])!.isDefault && !isDefault) {
      axes.splice(earlier, 1);
      axes.push(axis);
    } else faults.push({ path: origin, message: "is swept twice" });
  }
  return axes;
}

interface AskedAxis {
  readonly axis: Axis;
  readonly origin: string;
  /** Nobody asked for it: the workload sweeps it of its own accord. */
  readonly isDefault: boolean;
}

/** `--prefix-ratio 0.1,0.5`, and the sweeps that are a workload's default. */
function listAxes(
  specs: readonly OptionSpec[],
  given: Map<OptionSpec, RawOption>,
  faults: Fault[],
): AskedAxis[] {
  return specs.flatMap((spec): AskedAxis[] => {
    if (spec.type === "list" || spec.type === "record") return [];
    const option = given.get(spec);
    if (option === undefined) {
      if (!spec.sweep) return [];
      const axis: Axis = { key: spec.key, scope: "workload", values: spec.sweep };
      return [{ axis, origin: spec.flag, isDefault: true }];
    }
    // A text may hold commas of its own; a choice may not.
    const canBeList = spec.type !== "string" || spec.choices !== undefined;
    const items = canBeList ? itemsOf(option.value) : [option.value];
    if (items.length < 2 && !spec.sweep) return [];
    const axis = axisOf("workload", spec, { items, origin: option.origin }, faults);
    return [{ axis, origin: option.origin, isDefault: false }];
  });
}

/** `--sweep concurrency=1,8`. */
function sweepAxis(
  text: string,
  { workload, scopes: all }: { workload: Workload; scopes: readonly Scope[] },
  faults: Fault[],
): AskedAxis[] {
  const origin = `--sweep ${text}`;
  const scopes = { load: optionSpecs(LoadOptions), workload: optionSpecs(workload.options) };
  const equals = text.indexOf("=");
  const typed = equals === -1 ? text : text.slice(0, equals);
  const name = typed.replace(new RegExp(`^(load|workload|${workload.name})\\.`), "");
  const scope = (["load", "workload"] as const).find((kind) =>
    scopes[kind].some((spec) => isNamed(spec, name)),
  );
  const spec = scope && scopes[scope].find((one) => isNamed(one, name));
  if (!scope || !spec || equals === -1) {
    const arms = armHint(name, text.slice(equals + 1), all);
    const flags = [...scopes.load, ...scopes.workload].map((one) => one.flag);
    const guess = spec ? undefined : didYouMean(name, flags);
    faults.push({
      path: origin,
      message: "expected NAME=VALUE,VALUE with an option of the load or the workload",
      hint: arms ?? `${guess ? `Did you mean ${guess}? ` : ""}Those are: ${flags.join(", ")}`,
    });
    return [];
  }
  const items = splitList(text.slice(equals + 1));
  return [{ axis: axisOf(scope, spec, { items, origin }, faults), origin, isDefault: false }];
}

/** An option of an engine or a router is not swept but compared. */
function armHint(name: string, values: string, scopes: readonly Scope[]): string | undefined {
  const owner = scopes.find(
    ({ kind, specs }) =>
      (kind === "engine" || kind === "router") && specs.some((spec) => isNamed(spec, name)),
  );
  if (!owner) return undefined;
  const arms = splitList(values).map((item) => `--${owner.kind} ${owner.plugin}:${name}=${item}`);
  return `It is an option of the ${owner.kind}; to compare its values as arms: ${arms.join(" ")}`;
}

function axisOf(
  scope: Axis["scope"],
  spec: OptionSpec,
  raw: { items: readonly unknown[]; origin: string },
  faults: Fault[],
): Axis {
  const values = raw.items.flatMap((item): Value[] => {
    const result = coerce(spec, item);
    if (!("fault" in result)) return [result.value as Value];
    const choices = spec.choices ? ` (one of ${spec.choices.join(", ")})` : "";
    faults.push({ path: `${scope}.${spec.flag}`, message: `${result.fault}${choices}` });
    return [];
  });
  if (raw.items.length === 0) faults.push({ path: raw.origin, message: "has no values" });
  return { key: spec.key, scope, values: [...new Set(values)] };
}

function itemsOf(value: unknown): unknown[] {
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === "string" ? splitList(item) : [item],
  );
}
