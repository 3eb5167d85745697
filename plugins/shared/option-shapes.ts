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
