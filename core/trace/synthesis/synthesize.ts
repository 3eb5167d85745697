/**
 * New rows that share like a trace's: each walks the learnt tree of shared prefixes by the shares of
 * its branches, and goes on with blocks of its own or stops. The knobs are those of the guide's
 * real-data benchmark, in the newest form of Dynamo's `Synthesizer` (benchmarks/
 * prefix_data_generator, synthesizer.py, 2026-09): prefix lengths are scaled for any multiplier,
 * arrivals stay fractions of a millisecond, and one seed fixes every draw. Only the means of a trace
 * are preserved, not its quantiles.
 */
import { DynbenchError } from "../../base/errors.ts";
import { roundHalfEven } from "../../base/portable-math.ts";
import type { RandomStream } from "../../base/random.ts";
import type { CoreNode } from "../analysis/core-tree.ts";
import type { TraceModel } from "./trace-model.ts";
import type { TraceRow } from "../trace-row.ts";

export interface SynthesisKnobs {
  /** Gaps between arrivals are divided by it. */
  readonly arrivalSpeedup: number;
  /** Lengths of shared prefixes. */
  readonly prefixLenMultiplier: number;
  /** Copies of the whole tree that rows are spread over; whole. */
  readonly prefixRootMultiplier: number;
  /** Lengths of the parts that one row alone has. */
  readonly promptLenMultiplier: number;
  readonly oslMultiplier: number;
  /** Rows with other prompt lengths are dropped. */
  readonly minIsl: number;
  readonly maxIsl: number;
  /** Output lengths are cut to these. */
  readonly minOsl: number;
  readonly maxOsl: number;
}

export interface SynthesizedRow extends TraceRow {
  /** Prompt tokens in blocks of the shared tree. */
  readonly contextTokens: number;
}

/** Rows in a row that the bounds of the prompt length may drop before it is a fault. */
const MAX_REJECTIONS = 100_000;

/** `count` rows, or rows without end. Throws where no row meets the bounds of the prompt length. */
export function* synthesizeRows(
  model: TraceModel,
  knobs: SynthesisKnobs,
  { random, count }: { random: RandomStream; count: number },
): Generator<SynthesizedRow> {
  const prompts = new PromptWalk(model, knobs, random);
  const osls = sampler(model.osl, random.split("osl"));
  const batches = sampler(model.rowsAtOnce, random.split("batch"));
  const gaps = sampler(model.gapsMs, random.split("gap"));
  const isTimed = model.rowsAtOnce.length > 0;
  let atMs = 0;
  let rejected = 0;
  for (let made = 0; made < count;) {
    for (let left = isTimed ? batches() : 1; left > 0 && made < count; left -= 1) {
      const prompt = prompts.next();
      if (prompt.isl < knobs.minIsl || prompt.isl > knobs.maxIsl) {
        rejected += 1;
        if (rejected >= MAX_REJECTIONS) throw noneFits(knobs);
        continue;
      }
      rejected = 0;
      made += 1;
      yield { ...prompt, osl: outputLength(osls(), knobs), ...(isTimed ? { atMs } : {}) };
    }
    if (isTimed) atMs += gaps() / knobs.arrivalSpeedup;
  }
}

/** Walks from the root to where a prompt ends, and gives its blocks their ids. */
class PromptWalk {
  readonly #model: TraceModel;
  readonly #knobs: SynthesisKnobs;
  readonly #turns: RandomStream;
  readonly #copies: RandomStream;
  readonly #ends: RandomStream;
  readonly #leafBlocks: () => number;
  readonly #lastBlockTokens: () => number;
  readonly #branches = new Map<CoreNode, Int32Array>();
  /** Ids per block of the tree: room for the longest stretched run. */
  readonly #stride: number;
  #nextFree: number;

  constructor(model: TraceModel, knobs: SynthesisKnobs, random: RandomStream) {
    this.#model = model;
    this.#knobs = knobs;
    this.#turns = random.split("turn");
    this.#copies = random.split("copy");
    this.#ends = random.split("end");
    this.#leafBlocks = sampler(model.leafBlocks, random.split("leaf"));
    this.#lastBlockTokens = sampler(model.lastBlockTokens, random.split("last-block"));
    this.#stride = Math.max(1, Math.ceil(knobs.prefixLenMultiplier));
    this.#nextFree = model.treeBlocks * this.#stride;
  }

  next(): Pick<SynthesizedRow, "blocks" | "isl" | "contextTokens"> {
    const { blockSize } = this.#model;
    const blocks: number[] = [];
    let node = this.#model.root;
    for (;;) {
      const turn = this.#turn(node);
      if (turn < node.children.length) {
        node = node.children[turn]!;
        this.#appendRun(node, blocks);
        continue;
      }
      const shared = blocks.length * blockSize;
      if (turn === node.children.length) {
        this.#appendLeaf(blocks);
        const isl = (blocks.length - 1) * blockSize + this.#lastBlockTokens();
        return { blocks: this.#copied(blocks), isl, contextTokens: shared };
      }
      // As long as the rows were that ended here; a row without blocks is none.
      const last = this.#model.lastBlockTokens[node.ends[this.#ends.int(node.ends.length)]!]!;
      const isl = shared - blockSize + last;
      return { blocks: this.#copied(blocks), isl, contextTokens: isl };
    }
  }

  /** Place of a child, the number of children for a branch of its own, one more for the end. */
  #turn(node: CoreNode): number {
    const bounds = this.#branches.get(node) ?? branchBounds(node);
    this.#branches.set(node, bounds);
    const drawn = this.#turns.int(bounds.at(-1)!);
    let low = 0;
    let high = bounds.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (drawn < bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The run's last id is that of its last block, stretched; the ids before it lead up to it. */
  #appendRun(node: CoreNode, blocks: number[]): void {
    const length = scaledLength(node.blocks, this.#knobs.prefixLenMultiplier);
    const last = node.last * this.#stride + this.#stride - 1;
    for (let id = last - length + 1; id <= last; id += 1) blocks.push(id);
  }

  #appendLeaf(blocks: number[]): void {
    const length = scaledLength(this.#leafBlocks(), this.#knobs.promptLenMultiplier);
    for (let i = 0; i < length; i += 1) blocks.push(this.#nextFree + i);
    this.#nextFree += length;
  }

  /** The same blocks in one of the copies of the tree. */
  #copied(blocks: number[]): number[] {
    const copies = this.#knobs.prefixRootMultiplier;
    if (copies === 1) return blocks;
    const copy = this.#copies.int(copies);
    return blocks.map((id) => id * copies + copy);
  }
}

function branchBounds(node: CoreNode): Int32Array {
  const weights = [...node.children.map(({ visits }) => visits), node.leaves, node.ends.length];
  let sum = 0;
  return Int32Array.from(weights, (weight) => (sum += weight));
}

/** A length of at least one block; Python's rounding. */
function scaledLength(blocks: number, multiplier: number): number {
  return Math.max(1, roundHalfEven(blocks * multiplier));
}

function outputLength(osl: number, { oslMultiplier, minOsl, maxOsl }: SynthesisKnobs): number {
  const scaled = Math.max(1, Math.trunc(osl * oslMultiplier));
  return Math.min(Math.max(scaled, minOsl), maxOsl);
}

/** Draws from what was seen, each sighting equally likely; 0 where nothing was seen. */
function sampler(seen: ArrayLike<number>, random: RandomStream): () => number {
  return () => (seen.length === 0 ? 0 : seen[random.int(seen.length)]!);
}

function noneFits({ minIsl, maxIsl }: SynthesisKnobs): DynbenchError {
  return new DynbenchError(
    "plan",
    `Cannot synthesize the trace: none of ${MAX_REJECTIONS} rows has a prompt of ${minIsl} to ${maxIsl} tokens`,
    { hint: "Widen --min-isl and --max-isl, or change the length multipliers" },
  );
}
