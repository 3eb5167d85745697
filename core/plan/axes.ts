/** Which options are swept, and over which values. */
import { isNamed, type OptionSpec } from "./option-spec.ts";
import { coerce, splitList } from "./raw-option.ts";
import { didYouMean } from "../base/suggest.ts";
import { sweepsArms } from "./swept-arms.ts";
import type { Axis, Value } from "./sweep.ts";
import type { TypedPlan, TypedPlugin } from "./typed-options.ts";
import type { Fault } from "../base/errors.ts";

/** Swept options: those given as lists, those of `--sweep`, and those that the workload sweeps by default. */
export function axesOf(sweeps: readonly string[], typed: TypedPlan, faults: Fault[]): Axis[] {
  const asked = [
    ...listAxes(typed.workload, faults),
    ...sweeps.flatMap((text) => sweepAxis(text, typed, faults)),
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
  /** The workload sweeps it by default; nobody asked for it. */
  readonly isDefault: boolean;
}

/** `--prefix-ratio 0.1,0.5`, and the sweeps that are a workload's default. */
function listAxes({ scope, typed }: TypedPlugin, faults: Fault[]): AskedAxis[] {
  return scope.specs.flatMap((spec): AskedAxis[] => {
    if (spec.type === "list" || spec.type === "record") return [];
    const option = typed.get(spec);
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

/** `--sweep concurrency=1,8`; a sweep over an option of arms has made more of them already. */
function sweepAxis(
  text: string,
  { load, workload, arms }: TypedPlan,
  faults: Fault[],
): AskedAxis[] {
  const origin = `--sweep ${text}`;
  const equals = text.indexOf("=");
  const items = splitList(text.slice(equals + 1));
  const sides = arms.flatMap(({ engine, router }) => [engine, router]);
  if (sweepsArms(text, sides, workload.loaded)) {
    if (items.length === 0) faults.push({ path: origin, message: "has no values" });
    return [];
  }
  const scopes = { load: load.scope, workload: workload.scope };
  const typed = equals === -1 ? text : text.slice(0, equals);
  const name = typed.replace(new RegExp(`^(load|workload|${scopes.workload.plugin})\\.`), "");
  const kinds = ["load", "workload"] as const;
  const [found] = kinds.flatMap((kind) => {
    const spec = scopes[kind].specs.find((one) => isNamed(one, name));
    return spec ? [{ kind, spec }] : [];
  });
  if (!found || equals === -1) {
    const flags = kinds.flatMap((kind) => scopes[kind].specs.map(({ flag }) => flag));
    const guess = found ? undefined : didYouMean(name, flags);
    faults.push({
      path: origin,
      message:
        "expected NAME=VALUE,VALUE with an option of the load, the workload, a router or an engine",
      hint: `${guess ? `Did you mean ${guess}? ` : ""}Those are: ${flags.join(", ")}; and router.NAME, engine.NAME`,
    });
    return [];
  }
  const axis = axisOf(found.kind, found.spec, { items, origin }, faults);
  return [{ axis, origin, isDefault: false }];
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
