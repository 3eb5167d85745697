/**
 * The interval of a mean over repeats, each of which is also known by its parts.
 *
 * Three repeats alone leave two degrees of freedom. Each repeat is therefore cut into parts of equal
 * numbers of requests in their order (batch means: Law and Kelton, "Simulation modeling and
 * analysis", chapter 9), and repeats × parts is read as a two-way layout without replication. What
 * all repeats have in common in a part, such as cold caches at the start, is taken out. What remains
 * estimates the variance of a repeat, as far as requests of different parts do not depend on each
 * other. They do where queues grow; then the repeats vary more than their parts explain, and the
 * repeats alone decide: a preliminary test (Bancroft, "On biases in estimation due to the use of
 * preliminary tests of significance", 1944).
 */
import type { Interval } from "../contract/result.ts";
import { tQuantile } from "./student-t.ts";

/** Parts of a repeat where there are several repeats, and of a run that is alone. */
export const PARTS = 4;
export const PARTS_ALONE = 10;
/** With fewer requests in a part its mean is mostly that of one odd request. */
const REQUESTS_A_PART = 5;
/**
 * Repeats may vary this many times as much as their parts explain. By chance three repeats exceed it
 * in 30 % of cases and ten in 20 %.
 */
const POOLED_UP_TO = 1.5;

export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  /** Degrees of freedom of the standard error. */
  readonly degrees: number;
}

/** Into how many parts repeats of at least `requests` requests are cut; 0: too few for an interval. */
export function partsOf(repeats: number, requests: number): number {
  const wanted = repeats === 1 ? PARTS_ALONE : PARTS;
  if (requests >= wanted * REQUESTS_A_PART) return wanted;
  return repeats === 1 ? 0 : 1;
}

/** `effects[repeat][part]`, equally many parts each. Needs two repeats, or two parts of the only one. */
export function estimate(effects: readonly (readonly number[])[]): Estimate {
  const [repeats, parts] = [effects.length, effects[0]!.length];
  const means = effects.map(mean);
  const value = mean(means);
  if (repeats === 1) {
    const standardError = Math.sqrt(squaresAbout(effects[0]!, value) / (parts - 1) / parts);
    return { value, standardError, degrees: parts - 1 };
  }
  const between = { squares: parts * squaresAbout(means, value), degrees: repeats - 1 };
  const rest = {
    squares: restSquares(effects, means, value),
    degrees: between.degrees * (parts - 1),
  };
  const isPooled =
    rest.degrees > 0 &&
    between.squares / between.degrees <= (POOLED_UP_TO * rest.squares) / rest.degrees;
  const squares = between.squares + (isPooled ? rest.squares : 0);
  const degrees = between.degrees + (isPooled ? rest.degrees : 0);
  return { value, standardError: Math.sqrt(squares / degrees / (repeats * parts)), degrees };
}

/** The interval that contains the true mean with `confidence`. */
export function intervalOf(of: Estimate, confidence: number): Interval {
  const half = of.standardError === 0 ? 0 : tQuantile(confidence, of.degrees) * of.standardError;
  return { value: of.value, low: of.value - half, high: of.value + half };
}

/** Squares of what neither the repeat nor the part explains. */
function restSquares(
  effects: readonly (readonly number[])[],
  means: readonly number[],
  value: number,
): number {
  const profile = effects[0]!.map((_, part) => mean(effects.map((row) => row[part]!)));
  let squares = 0;
  effects.forEach((row, repeat) =>
    row.forEach((effect, part) => {
      squares += (effect - means[repeat]! - profile[part]! + value) ** 2;
    }),
  );
  return squares;
}

function squaresAbout(values: readonly number[], center: number): number {
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
