/**
 * The prefix-ratio workload: prompts that open with one of a few shared prefixes and go on with text
 * of their own, so that a router that sends equal prefixes to the same worker has something to win.
 *
 * Lengths and draws are those of Dynamo's `benchmarks/router/prefix_ratio_benchmark.py` with aiperf
 * (2025-10 to 2026-01), with one difference: there the mean of the unique part is
 * `int(isl * (1 - ratio))`, which binary floating point makes 1399 at 14000 and .9; here it is
 * `isl - prefix`, so that the mean ISL is the one that was asked for.
 */
import {
  defineWorkload,
  roundHalfEven,
  v,
  type RandomStream,
  type RequestSpec,
  type Segment,
} from "dynbench";
import { share, whole } from "../shared/option-shapes.ts";

/** Longest prompt or answer that may be asked for; ten times the longest context on sale today. */
const MAX_TOKENS = 100_000_000;
const MAX_PREFIX_PROMPTS = 10_000_000;

const tokens = whole(1, MAX_TOKENS);

const options = v.strictObject({
  isl: v.pipe(
    v.optional(tokens, 14_000),
    v.description("Mean prompt tokens: shared prefix and unique part together"),
  ),
  osl: v.pipe(v.optional(tokens, 200), v.description("Mean output tokens")),
  numPrefixPrompts: v.pipe(
    v.optional(whole(1, MAX_PREFIX_PROMPTS), 20),
    v.description("Shared prefixes; each request opens with one of them, drawn uniformly"),
  ),
  prefixRatio: v.pipe(
    v.optional(share, 0.5),
    v.description("Share of the mean prompt that is the shared prefix"),
    v.metadata({ aliases: ["prefix-ratios"], sweep: [0.1, 0.3, 0.5, 0.7, 0.9] }),
  ),
  islStddevShare: v.pipe(
    v.optional(share, 0.25),
    v.description("Standard deviation of the unique part, as a share of its mean"),
  ),
  oslStddevShare: v.pipe(
    v.optional(share, 0.25),
    v.description("Standard deviation of the output tokens, as a share of their mean"),
  ),
  sampling: v.pipe(
    v.optional(v.picklist(["shuffle", "with-replacement"]), "shuffle"),
    v.description(
      "shuffle: every request is another prompt; with-replacement: each is a random one of as many " +
        "prompts as there are requests, so about 37 % are exact repeats (aiperf before 2025-10-24)",
    ),
  ),
});

type Options = v.InferOutput<typeof options>;

export const prefix = defineWorkload({
  name: "prefix",
  aliases: ["prefix-ratio"],
  summary: "Prompts that share one of a few prefixes, swept over the shared part",
  options,
  load: { arrival: "closed", concurrency: 20, requests: 200 },
  check: ({ isl, prefixRatio }) => {
    if (prefixRatio === 0 || prefixTokens(isl, prefixRatio) > 0) return [];
    return [
      {
        path: "isl",
        message: `leaves no room for a shared prefix at ratio ${prefixRatio}: ${isl} x ${prefixRatio} is less than one token`,
        hint: `Use --isl ${Math.ceil(1 / prefixRatio)} or more, or --prefix-ratio 0`,
      },
    ];
  },
  *requests(chosen, { random, count }): Generator<RequestSpec> {
    // With replacement there must be a number of prompts to choose from; as an endless load has
    // none, it gets that of the default load.
    const entries = count ?? ENTRIES_OF_ENDLESS_LOAD;
    const picks = random.split("pick");
    for (let index = 0; count === undefined || index < count; index += 1) {
      // Entries are drawn independently of each other, so taking each once in order is a shuffle.
      const entry = chosen.sampling === "shuffle" ? index : picks.int(entries);
      yield { index, ...drawEntry(chosen, entry, random) };
    }
  },
});

const ENTRIES_OF_ENDLESS_LOAD = 200;

/** Prompt number `entry`: a function of the stream's seed and the number, so nothing is kept. */
function drawEntry(
  chosen: Options,
  entry: number,
  random: RandomStream,
): Omit<RequestSpec, "index"> {
  const shared = prefixTokens(chosen.isl, chosen.prefixRatio);
  const uniqueMean = chosen.isl - shared;
  const draws = random.split("entry", entry);
  const unique = drawLength(uniqueMean, chosen.islStddevShare, draws);
  const osl = drawLength(chosen.osl, chosen.oslStddevShare, draws);
  const group = draws.int(chosen.numPrefixPrompts);
  const prompt: Segment[] = [];
  if (shared > 0) prompt.push({ content: group, tokens: shared });
  if (unique > 0) prompt.push({ content: chosen.numPrefixPrompts + entry, tokens: unique });
  return { prompt, isl: shared + unique, osl, group };
}

/** `int(isl * ratio)` of the script. */
function prefixTokens(isl: number, ratio: number): number {
  return Math.floor(isl * ratio);
}

/**
 * A length as aiperf draws it (`sample_positive_normal_integer`): normal, drawn again until it is
 * not negative, rounded up, at least 1. A mean of 0 means that there is no such part.
 */
function drawLength(mean: number, stddevShare: number, draws: RandomStream): number {
  if (mean === 0) return 0;
  const deviation = roundHalfEven(mean * stddevShare);
  for (let attempt = 0; attempt < MAX_REDRAWS; attempt += 1) {
    const drawn = draws.normal(mean, deviation);
    if (drawn >= 0) return Math.max(1, Math.ceil(drawn));
  }
  return mean;
}

/** Half the draws of a normal with a mean above 0 are accepted at worst: 64 in a row miss once in 2^64. */
const MAX_REDRAWS = 64;
