/** Shapes of numbers that options of many plugins have. */
import { v } from "dynbench";

/** A whole number from `low` to `high`. */
export const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));

/** A number from `low` to `high`. */
export const within = (low: number, high: number) =>
  v.pipe(v.number(), v.minValue(low), v.maxValue(high));

/** A part of a whole, from 0 to 1. */
export const share = within(0, 1);

/** A text that is not empty. */
export const text = v.pipe(v.string(), v.nonEmpty());

/** A week: longer than any run, short enough for nanoseconds in a double. */
const MAX_SECONDS = 604_800;

/** A time that a router remembers something, in seconds. */
export const seconds = within(0.001, MAX_SECONDS);

/** How many times as much as another thing something may be. */
export const factorOption = (preset: number, description: string) =>
  v.pipe(
    v.optional(within(1, 1e6), preset),
    v.description(description),
    v.metadata({ tune: { from: 1, to: 4, scale: "linear" } }),
  );
