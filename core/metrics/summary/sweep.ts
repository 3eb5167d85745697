/**
 * Reads from the cells which parameters were swept: one becomes the x axis of the panels, the
 * combinations of the others become slices to choose from.
 */
import { given } from "../../base/given.ts";
import { pointKey } from "../point.ts";
import type { CellSummary } from "../../contract/result.ts";

export type Parameters = CellSummary["parameters"];
export type ParameterValue = Parameters[string];

export interface Sweep {
  /** The parameter on the x axis; left out when nothing was swept. */
  axis?: Axis;
  slices: { label: string }[];
  points: SweepPoint[];
}

export interface Axis {
  key: string;
  /** With its unit: `Prefix ratio`, `Rate (requests/s)`. */
  label: string;
  /** Sorted when all are numbers, else in the order of the plan. */
  values: ParameterValue[];
  numeric: boolean;
}

/** One combination of parameters, in the order of slices, then along the axis. */
export interface SweepPoint {
  parameters: Parameters;
  label: string;
  slice: number;
  /** Index into `axis.values`; 0 without an axis. */
  x: number;
}

/** The axis is `prefixRatio` where that was swept, else the first swept parameter with numbers. */
export function readSweep(cells: readonly { parameters: Parameters }[]): Sweep {
  const values = distinctValues(cells.map((cell) => cell.parameters));
  const swept = [...values].filter(([, seen]) => seen.length > 1);
  const chosen =
    swept.find(([key]) => key === "prefixRatio") ??
    swept.find(([, seen]) => seen.every((value) => typeof value === "number")) ??
    swept[0];
  const axis = chosen && axisOf(chosen[0], chosen[1]);
  const sliceKeys = swept.map(([key]) => key).filter((key) => key !== axis?.key);
  const places = new Map(axis?.values.map((value, x) => [value, x]));

  const slices = new Map<string, number>();
  const points = new Map<string, SweepPoint>();
  for (const { parameters } of cells) {
    const sliceLabel = describeParameters(parameters, sliceKeys);
    if (!slices.has(sliceLabel)) slices.set(sliceLabel, slices.size);
    const key = pointKey(parameters);
    if (points.has(key)) continue;
    points.set(key, {
      parameters,
      label: describeParameters(
        parameters,
        swept.map(([name]) => name),
      ),
      slice: slices.get(sliceLabel)!,
      x: axis ? (places.get(parameters[axis.key]!) ?? -1) : 0,
    });
  }
  const ordered = [...points.values()].sort((a, b) => a.slice - b.slice || a.x - b.x);
  return {
    ...given({ axis }),
    slices: [...slices.keys()].map((label) => ({ label })),
    points: ordered,
  };
}

/** `prefix ratio 0.5, concurrency 8`; empty without keys. */
export function describeParameters(parameters: Parameters, keys: readonly string[]): string {
  return keys
    .filter((key) => parameters[key] !== undefined)
    .map((key) => `${optionWords(key)} ${parameters[key]}`)
    .join(", ");
}

const UNITS: Readonly<Record<string, string>> = {
  Rps: "requests/s",
  Ms: "ms",
  S: "s",
  Tokens: "tokens",
};

/** `prefixRatio` → `Prefix ratio`, `rateRps` → `Rate (requests/s)`, `isl` → `ISL (tokens)`. */
export function axisLabel(key: string): string {
  if (key === "isl" || key === "osl") return `${key.toUpperCase()} (tokens)`;
  const suffix = Object.keys(UNITS).find((unit) => key.endsWith(unit) && key.length > unit.length);
  const name = optionWords(suffix ? key.slice(0, -suffix.length) : key);
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  return suffix ? `${title} (${UNITS[suffix]})` : title;
}

/** `prefixRatio` → `prefix ratio`, `isl` → `ISL`. */
export function optionWords(key: string): string {
  if (key === "isl" || key === "osl") return key.toUpperCase();
  return key.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before, after) => `${before} ${after.toLowerCase()}`,
  );
}

function distinctValues(all: readonly Parameters[]): Map<string, ParameterValue[]> {
  const values = new Map<string, Set<ParameterValue>>();
  for (const parameters of all) {
    for (const [key, value] of Object.entries(parameters)) {
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
  }
  return new Map(Array.from(values, ([key, seen]) => [key, [...seen]]));
}

function axisOf(key: string, seen: readonly ParameterValue[]): Axis {
  const numeric = seen.every((value) => typeof value === "number");
  const values = numeric ? [...seen].sort((a, b) => a - b) : [...seen];
  return { key, label: axisLabel(key), values, numeric };
}
