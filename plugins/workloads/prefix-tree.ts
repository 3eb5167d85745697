/**
 * Prompts that share along a tree: an organisation's prompt, a team's, a document's, then text of
 * one's own. The popularity of branches follows Zipf's law and may drift, and the part of one's
 * own may be sized so that a given share of all prompt tokens could be found cached.
 */
import {
  defineWorkload,
  drawLength,
  pow,
  v,
  type RandomStream,
  type RequestSpec,
  type Segment,
} from "dynbench";
import { share, whole, within } from "../shared/option-shapes.ts";

const MAX_TOKENS = 100_000_000;
const MAX_DEPTH = 20;
const MAX_FAN_OUT = 1_000_000;
/** So many leaves have numbers of their own among the contents. */
const MAX_LEAVES = 1e12;
/** A target is computed for at most so many requests, also where the load has no end: half a second. */
const COUNTED_REQUESTS = 100_000;

const options = v.strictObject({
  depth: v.pipe(v.optional(whole(1, MAX_DEPTH), 3), v.description("Levels of shared prefixes")),
  fanOut: v.pipe(
    v.optional(whole(1, MAX_FAN_OUT), 4),
    v.description("Branches at the root and at each node"),
  ),
  levelTokens: v.pipe(
    v.optional(whole(1, MAX_TOKENS), 2000),
    v.description("Tokens of each level's prefix"),
  ),
  zipf: v.pipe(
    v.optional(within(0, 10), 0),
    v.description(
      "Exponent of the branches' popularity: the k-th is drawn in proportion to 1 / k^zipf",
    ),
  ),
  driftEvery: v.pipe(
    v.optional(whole(1, 1e9)),
    v.description("After so many requests the next branch becomes the most popular one [never]"),
  ),
  uniqueTokens: v.pipe(
    v.optional(whole(1, MAX_TOKENS), 2000),
    v.description("Mean tokens of a prompt that no other prompt has"),
  ),
  hitShare: v.pipe(
    v.optional(v.pipe(share, v.gtValue(0))),
    v.description(
      "Share of prompt tokens that an unbounded cache could serve, above 0 and up to 1; replaces " +
        "--unique-tokens",
    ),
    v.metadata({ aliases: ["target-hit-share"] }),
  ),
  osl: v.pipe(v.optional(whole(1, MAX_TOKENS), 200), v.description("Mean output tokens")),
  stddevShare: v.pipe(
    v.optional(share, 0.25),
    v.description("Standard deviation of unique and output tokens, as a share of their means"),
  ),
});

type Options = v.InferOutput<typeof options>;

export const prefixTree = defineWorkload({
  name: "prefix-tree",
  summary: "Prompts that share along a tree, with Zipf popularity, drift, or a target hit share",
  options,
  load: { arrival: "closed", concurrency: 20, requests: 200 },
  check: ({ depth, fanOut }) =>
    pow(fanOut, depth) <= MAX_LEAVES
      ? []
      : [
          {
            path: "fanOut",
            message: `${fanOut} branches on ${depth} levels are more than ${MAX_LEAVES} leaves`,
            hint: "Lower --fan-out or --depth",
          },
        ],
  *requests(chosen, { random, count }): Generator<RequestSpec> {
    const picks = branchPicker(chosen);
    const uniqueMean =
      chosen.hitShare === undefined
        ? chosen.uniqueTokens
        : uniqueForShare(chosen, {
            picks,
            random,
            count: Math.min(count ?? COUNTED_REQUESTS, COUNTED_REQUESTS),
          });
    for (let index = 0; count === undefined || index < count; index += 1) {
      const draws = random.split("request", index);
      const path = pathOf(chosen, { index, draws, picks });
      const unique = drawLength(uniqueMean, chosen.stddevShare, draws);
      const prompt: Segment[] = path.map((content) => ({ content, tokens: chosen.levelTokens }));
      prompt.push({ content: FIRST_OWN + index, tokens: unique });
      yield {
        index,
        prompt,
        isl: path.length * chosen.levelTokens + unique,
        osl: drawLength(chosen.osl, chosen.stddevShare, draws),
        group: path[0]!,
      };
    }
  },
});

/** Contents of prompts' own parts lie above those of the tree. */
const FIRST_OWN = 35_184_372_088_832; // 2^45

/** Nodes from the root's branch down, as content numbers: levels follow each other, no two are equal. */
function pathOf(
  { depth, fanOut, driftEvery }: Options,
  { index, draws, picks }: { index: number; draws: RandomStream; picks: (draw: number) => number },
): number[] {
  const drift = driftEvery === undefined ? 0 : Math.floor(index / driftEvery);
  const path: number[] = [];
  let node = 0;
  let firstOfLevel = 0;
  let width = 1;
  for (let level = 0; level < depth; level += 1) {
    node = node * fanOut + ((picks(draws.next()) + drift) % fanOut);
    width *= fanOut;
    path.push(firstOfLevel + node);
    firstOfLevel += width;
  }
  return path;
}

/** Rank of a branch, 0 the most popular, from a uniform draw. */
function branchPicker({ fanOut, zipf }: Options): (draw: number) => number {
  let sum = 0;
  const bounds = Float64Array.from({ length: fanOut }, (_, rank) => (sum += pow(rank + 1, -zipf)));
  return (draw) => {
    const wanted = draw * sum;
    let low = 0;
    let high = fanOut - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/**
 * Mean of the part of one's own at which the share of tokens that came before is the target. The
 * paths are those that will be drawn, so what is shared is counted and not estimated. At least one
 * token: a higher share than the paths allow cannot be had.
 */
function uniqueForShare(
  chosen: Options,
  parts: { picks: (draw: number) => number; random: RandomStream; count: number },
): number {
  const seen = new Set<number>();
  let repeated = 0;
  for (let index = 0; index < parts.count; index += 1) {
    const draws = parts.random.split("request", index);
    for (const node of pathOf(chosen, { index, draws, picks: parts.picks })) {
      if (seen.has(node)) repeated += chosen.levelTokens;
      else seen.add(node);
    }
  }
  const promptTokens = repeated / chosen.hitShare!;
  return Math.max(1, Math.round(promptTokens / parts.count - chosen.depth * chosen.levelTokens));
}
