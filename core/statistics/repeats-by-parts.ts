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
import { log } from "../base/portable-math.ts";
import type { Interval } from "../contract/result.ts";
import { tQuantile } from "./student-t.ts";

/** Parts of a repeat where there are several repeats, and of a run that is alone. */
export const PARTS = 4;
export const PARTS_ALONE = 10;
/** With fewer requests in a part its mean is mostly that of one odd request. */
export const REQUESTS_A_PART = 5;
/** Repeats may vary this many times as much as their parts explain. */
const POOLED_UP_TO = 1.5;
/** From so many repeats up they speak for themselves: in a closed loop they vary less than parts explain. */
export const REPEATS_ENOUGH = 10;

/** Repeats × parts, as far as an interval needs them. */
export interface Layout {
  readonly value: number;
  /** Of the repeats' means; of the parts, where there is only one repeat. */
  readonly between: Squares;
  /** Of what neither repeats nor parts explain. */
  readonly rest: Squares;
  /** Repeats × parts. */
  readonly size: number;
}

interface Squares {
  readonly sum: number;
  readonly degrees: number;
}

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
export function layoutOf(effects: readonly (readonly number[])[]): Layout {
  const [repeats, parts] = [effects.length, effects[0]!.length];
  const means = effects.map(mean);
  const value = mean(means);
  if (repeats === 1) {
    const between = { sum: squaresAbout(effects[0]!, value), degrees: parts - 1 };
    return { value, between, rest: { sum: 0, degrees: 0 }, size: parts };
  }
  const degrees = repeats - 1;
  return {
    value,
    between: { sum: parts * squaresAbout(means, value), degrees },
    rest: { sum: restSquares(effects, means, value), degrees: degrees * (parts - 1) },
    size: repeats * parts,
  };
}

/**
 * Whether repeats vary no more than their parts explain: the preliminary test, made once for
 * comparisons that were run alike, by the geometric mean of their variance ratios. Of one comparison
 * of three repeats chance alone fails it in 30 % of cases, of five comparisons in 10 %.
 */
export function arePooled(layouts: readonly Layout[]): boolean {
  if (layouts.some(({ between }) => between.degrees + 1 >= REPEATS_ENOUGH)) return false;
  const ratios = layouts
    .filter(({ between, rest }) => rest.degrees > 0 && between.sum > 0 && rest.sum > 0)
    .map(({ between, rest }) => between.sum / between.degrees / (rest.sum / rest.degrees));
  return ratios.length > 0 && mean(ratios.map(log)) <= log(POOLED_UP_TO);
}

/** `isPooled`: the rest counts as well. */
export function estimate({ value, between, rest, size }: Layout, isPooled: boolean): Estimate {
  const sum = between.sum + (isPooled ? rest.sum : 0);
  const degrees = between.degrees + (isPooled ? rest.degrees : 0);
  return { value, standardError: Math.sqrt(sum / degrees / size), degrees };
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
