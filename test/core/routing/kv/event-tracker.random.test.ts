/** An engine with a small cache publishes over a lossy line; the index must never hold an evicted block. */
import { expect, test } from "bun:test";
import { blockHashes, hashBlocks } from "../../../../core/routing/kv/block-hash.ts";
import { BlockTable } from "../../../../core/routing/kv/block-table.ts";
import { EventTracker } from "../../../../core/routing/kv/event-tracker.ts";
import {
  decodeKvBatch,
  encodeKvBatch,
  type KvEvent,
} from "../../../../core/routing/kv/kv-events.ts";
import { PrefixIndex } from "../../../../core/routing/kv/prefix-index.ts";
import { type RandomStream, randomStream } from "../../../../core/base/random.ts";

const SEEDS = 200;
const STEPS = 120;

test("losses, replays and restarts never leave a stale block, and lose none that a replay can recover", () => {
  const outcomes = { complete: 0, lossy: 0 };
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { held, heldAndClaimed, claimed, lost } = follow(randomStream(seed, "event-tracker"));
    expect({ seed, stale: claimed - heldAndClaimed }).toEqual({ seed, stale: 0 });
    if (lost === 0) expect({ seed, claimed }).toEqual({ seed, claimed: held });
    outcomes[lost === 0 ? "complete" : "lossy"] += 1;
  }
  expect(outcomes.complete).toBeGreaterThan(SEEDS / 10);
  expect(outcomes.lossy).toBeGreaterThan(SEEDS / 10);
});

/** Runs one engine and one follower of it; distinct blocks held, claimed by the index, and both. */
function follow(random: RandomStream) {
  const engine = new SmallEngine(random);
  const retained = random.int(2) === 0 ? 3 : STEPS;
  const lossOneIn = 2 + random.int(20);
  const restarts = random.int(2) === 0;
  const table = new BlockTable();
  const index = new PrefixIndex(1);
  const tracker = new EventTracker(
    { table, blockSize: 1 },
    {
      stored: (blocks) => blocks.forEach((block) => index.stored(0, block)),
      removed: (blocks) => blocks.forEach((block) => index.removed(0, block)),
      cleared: () => index.clear(0),
    },
  );
  for (let step = 0; step < STEPS; step += 1) {
    // A restart is seen by its sequence going back, or by the connection that breaks.
    if (restarts && random.int(40) === 0) {
      if (engine.published.length < 2 || random.int(2) === 0) tracker.disconnected();
      engine.restart();
    }
    engine.step();
    const afterRestart = engine.published.length === 1;
    const lastStep = step === STEPS - 1;
    if (!afterRestart && !lastStep && random.int(lossOneIn) === 0) continue;
    const newest = engine.published.length - 1;
    const from = tracker.live(newest, decodeKvBatch(engine.published[newest]!));
    if (from === undefined) continue;
    for (let i = Math.max(from, newest + 1 - retained); i <= newest; i += 1) {
      tracker.replayed(i, decodeKvBatch(engine.published[i]!));
    }
    tracker.replayEnded();
  }
  const paths = engine.held;
  const depth = new Int32Array(1);
  const heldAndClaimed = paths.filter((path) => {
    index.depths(Int32Array.of(blockOf(table, path)), depth);
    return depth[0] === 1;
  }).length;
  return {
    held: paths.length,
    heldAndClaimed,
    claimed: index.held(0),
    lost: tracker.counts.lost,
  };
}

/** Our block id of the last token of a path. */
function blockOf(table: BlockTable, path: readonly number[]): number {
  const out = blockHashes(path.length);
  const last = hashBlocks(Uint32Array.from(path), 1, out) - 1;
  return table.find(out.high[last]!, out.low[last]!);
}

/** Blocks of one token; a path is a block's token and those before it. */
class SmallEngine {
  readonly #random: RandomStream;
  /** Every copy of a block, as its path. */
  #copies: number[][] = [];
  published: Uint8Array[] = [];

  constructor(random: RandomStream) {
    this.#random = random;
  }

  /** Distinct paths with a copy. */
  get held(): number[][] {
    return [...new Map(this.#copies.map((path) => [path.join(), path])).values()];
  }

  restart(): void {
    this.#copies = [];
    this.published = [];
  }

  /** Stores and evicts a few blocks and publishes that as one batch. */
  step(): void {
    const events: KvEvent[] = [];
    const count = this.#random.int(4);
    for (let i = 0; i < count; i += 1) {
      const draw = this.#random.int(20);
      if (draw === 0) events.push(this.#clear());
      else if (draw < 8 && this.#copies.length > 0) events.push(this.#evict());
      else events.push(this.#store());
    }
    this.published.push(encodeKvBatch({ tsS: 0, rank: 0, events }, "map"));
  }

  #store(): KvEvent {
    // Below a block that is held, or at the start of a prompt; often one that is there already.
    const parents = [[], ...this.#copies];
    const parent = parents[this.#random.int(parents.length)]!;
    const tokens = Array.from({ length: 1 + this.#random.int(3) }, () => this.#random.int(3));
    const paths = tokens.map((_, i) => [...parent, ...tokens.slice(0, i + 1)]);
    this.#copies.push(...paths);
    return {
      type: "stored",
      hashes: paths.map(hashOf),
      parent: parent.length === 0 ? undefined : hashOf(parent),
      tokens,
      blockSize: 1,
    };
  }

  #evict(): KvEvent {
    const [path] = this.#copies.splice(this.#random.int(this.#copies.length), 1);
    return { type: "removed", hashes: [hashOf(path!)] };
  }

  #clear(): KvEvent {
    this.#copies = [];
    return { type: "cleared" };
  }
}

/** The engine's own name for a block. */
function hashOf(path: readonly number[]): bigint {
  return Bun.hash(path.join());
}
