/**
 * The knobs of a synthesis as options, under the names of the guide's real-data benchmark: the same
 * for the workload that replays a trace and for the command that writes one.
 */
import * as v from "valibot";
import type { SynthesisKnobs } from "./synthesize.ts";
import { MAX_ROW_TOKENS } from "../trace-row.ts";

const MAX_MULTIPLIER = 1000;

const tokens = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ROW_TOKENS));
const multiplier = v.pipe(v.number(), v.gtValue(0), v.maxValue(MAX_MULTIPLIER));

export const SYNTHESIS_ENTRIES = {
  arrivalSpeedup: v.pipe(
    v.optional(multiplier, 1),
    v.description("Times of the trace are divided by it"),
    // The last is the name of the guide's script, and of the mocker for its own speed.
    v.metadata({ aliases: ["trace-speedup", "speedup-ratio"] }),
  ),
  prefixLenMultiplier: v.pipe(
    v.optional(multiplier, 1),
    v.description("Stretch the shared prefixes"),
  ),
  prefixRootMultiplier: v.pipe(
    v.optional(v.pipe(multiplier, v.integer()), 1),
    v.description("Spread the rows over this many disjoint copies of the prefixes"),
  ),
  promptLenMultiplier: v.pipe(
    v.optional(multiplier, 1),
    v.description("Stretch the part of a prompt that no other row has"),
  ),
  oslMultiplier: v.pipe(v.optional(multiplier, 1), v.description("Stretch the output lengths")),
  minIsl: v.pipe(v.optional(tokens), v.description("Draw no shorter prompts than this")),
  maxIsl: v.pipe(v.optional(tokens), v.description("Draw no longer prompts than this")),
  minOsl: v.pipe(v.optional(tokens), v.description("Raise shorter outputs to this")),
  maxOsl: v.pipe(v.optional(tokens), v.description("Cut longer outputs to this")),
};

const SynthesisOptions = v.strictObject(SYNTHESIS_ENTRIES);
export type SynthesisChoice = v.InferOutput<typeof SynthesisOptions>;

/** What the options amount to: bounds that were not given let everything pass. */
export function knobsOf(chosen: SynthesisChoice): SynthesisKnobs {
  return {
    ...chosen,
    minIsl: chosen.minIsl ?? 1,
    maxIsl: chosen.maxIsl ?? MAX_ROW_TOKENS,
    minOsl: chosen.minOsl ?? 1,
    maxOsl: chosen.maxOsl ?? MAX_ROW_TOKENS,
  };
}

/** Whether a knob asks for other rows than the trace's own; the speed of arrivals does not. */
export function changesRows(chosen: SynthesisChoice): boolean {
  const { prefixLenMultiplier, prefixRootMultiplier, promptLenMultiplier, oslMultiplier } = chosen;
  const factors = [prefixLenMultiplier, prefixRootMultiplier, promptLenMultiplier, oslMultiplier];
  const bounds = [chosen.minIsl, chosen.maxIsl, chosen.minOsl, chosen.maxOsl];
  return factors.some((factor) => factor !== 1) || bounds.some((bound) => bound !== undefined);
}

/** Bounds that leave nothing between them. */
export function boundFaults(
  chosen: SynthesisChoice,
): { path: string; message: string; hint: string }[] {
  const { minIsl, maxIsl, minOsl, maxOsl } = knobsOf(chosen);
  return [
    { path: "minIsl", low: minIsl, high: maxIsl, other: "max-isl" },
    { path: "minOsl", low: minOsl, high: maxOsl, other: "max-osl" },
  ]
    .filter(({ low, high }) => low > high)
    .map(({ path, low, high, other }) => ({
      path,
      message: `${low} is above --${other}, ${high}`,
      hint: "Swap the two bounds",
    }));
}
