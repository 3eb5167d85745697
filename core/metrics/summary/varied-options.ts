/**
 * How the arms of a run differ: the options that not all of them have alike. Hundreds of arms are read
 * by these, as columns of a table and axes of charts, and no longer by their names. Pure.
 */
import type { PlannedArm } from "../../contract/plan.ts";
import { axisLabel, optionWords, type ParameterValue } from "./sweep.ts";

/** From so many arms on they are ranked: more lines, bars or rows cannot be told apart. */
export const MANY_ARMS = 12;

export interface VariedOption {
  /** `router.temperature`, `engine.workers`; `router` and `engine` for the plugin itself. */
  readonly key: string;
  /** `Temperature`; with its side where both have such an option. */
  readonly label: string;
  /** One an arm; null where its plugin has no such option. */
  readonly values: readonly (ParameterValue | null)[];
}

/** The router first, then options in the order in which the arms name them. */
export function variedOptions(arms: readonly PlannedArm[]): VariedOption[] {
  const columns = new Map<string, (ParameterValue | null)[]>();
  const set = (key: string, arm: number, value: unknown): void => {
    if (value === undefined) return;
    const column = columns.get(key) ?? arms.map(() => null);
    columns.set(key, column);
    column[arm] = isPlain(value) ? value : JSON.stringify(value);
  };
  for (const side of ["router", "engine"] as const) {
    arms.forEach((arm, i) => set(side, i, arm[side].name));
    arms.forEach((arm, i) => {
      for (const [key, value] of Object.entries(arm[side].options)) set(`${side}.${key}`, i, value);
    });
  }
  const varied = [...columns].filter(([, values]) => distinctOf(values).length > 1);
  const bare = varied.map(([key]) => bareKey(key));
  return varied.map(([key, values]) => {
    const own = axisLabel(bareKey(key));
    const isShared = bare.filter((one) => one === bareKey(key)).length > 1;
    const label = isShared ? `${own} of the ${key.slice(0, key.indexOf("."))}` : own;
    return { key, label, values };
  });
}

/** More options are counted. */
const OPTIONS_NAMED = 3;
const VALUES_NAMED = 4;

/** `100 arms of kv: temperature 0.05 to 1, overlap credits 1 to 4`. */
export function describeMany(arms: readonly PlannedArm[]): string {
  const routers = [...new Set(arms.map(({ router }) => router.name))];
  const names = routers.length > VALUES_NAMED ? `${routers.length} routers` : routers.join(", ");
  const options = variedOptions(arms).filter(({ key }) => key !== "router");
  const named = options.slice(0, OPTIONS_NAMED).map(({ key, values }) => {
    return `${optionWords(bareKey(key))} ${rangeOf(distinctOf(values))}`;
  });
  const more = options.length - named.length;
  if (more > 0) named.push(`${more} other ${more === 1 ? "option" : "options"}`);
  return `${arms.length} arms of ${names}${named.length === 0 ? "" : `: ${named.join(", ")}`}`;
}

function rangeOf(values: readonly ParameterValue[]): string {
  if (values.every((value) => typeof value === "number")) {
    return `${Math.min(...values)} to ${Math.max(...values)}`;
  }
  return values.length > VALUES_NAMED ? `(${values.length} values)` : values.join("/");
}

function bareKey(key: string): string {
  return key.slice(key.indexOf(".") + 1);
}

function distinctOf(values: readonly (ParameterValue | null)[]): ParameterValue[] {
  return [...new Set(values)].filter((value) => value !== null);
}

function isPlain(value: unknown): value is ParameterValue {
  return ["number", "string", "boolean"].includes(typeof value);
}
