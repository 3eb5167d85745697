/** The points of a sweep: its axes, their combinations, and names for them. */

export type Value = number | string | boolean;

export interface Axis {
  readonly key: string;
  /** Part that has the option. */
  readonly scope: "workload" | "load";
  readonly values: readonly Value[];
}

export type Point = Readonly<Record<string, Value>>;

/** The number of combinations, without creating them. */
export function combinations(axes: readonly Axis[]): number {
  return axes.reduce((product, axis) => product * axis.values.length, 1);
}

/** The values of a point that determine which requests are sent, in the order of their names. */
export function workloadPart(point: Point, axes: readonly Pick<Axis, "key" | "scope">[]): Point {
  const keys = axes.filter(({ scope }) => scope === "workload").map(({ key }) => key);
  return Object.fromEntries(keys.toSorted().map((key) => [key, point[key]!]));
}

/** All combinations, the last axis varying fastest; one empty point without axes. */
export function points(axes: readonly Axis[]): Point[] {
  return axes.reduce<Point[]>(
    (partial, axis) =>
      partial.flatMap((point) => axis.values.map((value) => ({ ...point, [axis.key]: value }))),
    [{}],
  );
}

/** `prefixRatio=0.5 concurrency=8`; empty without a sweep. */
export function pointLabel(point: Point): string {
  return Object.entries(point)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
