/** Which options are swept, and over which values. */
import { optionSpecs, type OptionSpec } from "./option-spec.ts";
import { coerce, isNamed, splitList, type RawOption } from "./raw-option.ts";
import { LoadOptions } from "./run-options.ts";
import type { Axis, Value } from "./sweep.ts";
import type { Fault } from "../errors.ts";
import type { Workload } from "../plugin.ts";

/** Swept options: those given as lists, those of `--sweep`, and those the workload sweeps by default. */
export function axesOf(
  sweeps: readonly string[],
  workload: Workload,
  given: { workload: Map<OptionSpec, RawOption>; load: Map<OptionSpec, RawOption> },
  faults: Fault[],
): Axis[] {
  const specs = {
    workload: optionSpecs(workload.options),
    load: optionSpecs(LoadOptions),
  };
  const axes: Axis[] = [];
  const add = (
    scope: Axis["scope"],
    spec: OptionSpec,
    raw: readonly unknown[],
    origin: string,
  ): void => {
    const values = raw.map((item) => coerce(spec, item));
    const bad = values.find((value) => "fault" in value);
    if (bad && "fault" in bad) faults.push({ path: `${scope}.${spec.flag}`, message: bad.fault });
    else if (values.length === 0) faults.push({ path: origin, message: "has no values" });
    else {
      const list = values.map((value) => (value as { value: Value }).value);
      axes.push({ key: spec.key, scope, values: [...new Set(list)] });
    }
  };
  for (const spec of specs.workload) {
    if (spec.type === "list" || spec.type === "record") continue;
    const option = given.workload.get(spec);
    if (option === undefined) {
      if (spec.sweep) add("workload", spec, spec.sweep, spec.flag);
      continue;
    }
    const canBeList = spec.type !== "string" || spec.choices !== undefined;
    const items = canBeList ? itemsOf(option.value) : [option.value];
    if (items.length > 1 || spec.sweep) add("workload", spec, items, option.origin);
  }
  for (const text of sweeps) {
    const equals = text.indexOf("=");
    const name = equals === -1 ? text : text.slice(0, equals);
    const scope = (["load", "workload"] as const).find((kind) =>
      specs[kind].some((spec) => isNamed(spec, name)),
    );
    const spec = scope && specs[scope].find((one) => isNamed(one, name));
    if (!scope || !spec || equals === -1) {
      faults.push({
        path: `--sweep ${text}`,
        message: "expected NAME=VALUE,VALUE with an option of the load or the workload",
        hint: `Those are: ${[...specs.load, ...specs.workload].map((one) => one.flag).join(", ")}`,
      });
    } else if (axes.some((axis) => axis.key === spec.key) && !spec.sweep) {
      faults.push({ path: `--sweep ${text}`, message: "is swept twice" });
    } else {
      const earlier = axes.findIndex((axis) => axis.key === spec.key);
      if (earlier !== -1) axes.splice(earlier, 1);
      add(scope, spec, splitList(text.slice(equals + 1)), `--sweep ${text}`);
    }
  }
  return axes;
}

function itemsOf(value: unknown): unknown[] {
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === "string" ? splitList(item) : [item],
  );
}
