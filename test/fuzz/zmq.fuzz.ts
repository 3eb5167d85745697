/**
 * ZMTP handshakes and KV events, damaged and cut: to a publisher and a replay server, and from them to
 * the gateway's feed. What is none is refused with one of our own errors, the next peer is served, and
 * the index gets block numbers alone. Faults: another error, a connection that stays, a number that is
 * none, memory that grows.
 */
import type { Socket } from "bun";
import { DynbenchError } from "../../core/base/errors.ts";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import { EventFeed } from "../../core/gateway/event-feed.ts";
import { BlockTable } from "../../core/routing/kv/block-table.ts";
import { EventTracker, type BlockSink } from "../../core/routing/kv/event-tracker.ts";
import { decodeKvBatch, encodeKvBatch, type KvEvent } from "../../core/routing/kv/kv-events.ts";
import { startPublisher } from "../../core/wire/zmq/publisher.ts";
import { startReplayServer } from "../../core/wire/zmq/replay.ts";
import { encodeSequence } from "../../core/wire/zmq/sequence.ts";
import {
  encodeCommand,
  encodeMessage,
  greeting,
  readyCommand,
  ZmtpParser,
} from "../../core/wire/zmq/zmtp.ts";
import { damagedBytes, inPieces, oneOf } from "./byte-damage.ts";
import type { Fuzz, FuzzFault } from "./fuzz.ts";

const HANG_MS = 3000;
const MAX_GROWTH_MB = 600;
const BLOCK_SIZE = 4;
const HOST = "127.0.0.1";

export const fuzz: Fuzz = {
  name: "zmq",
  cases: 1000,
  run: async ({ seed, from, to }) => {
    const ends: Record<string, number> = {};
    const faults: FuzzFault[] = [];
    let current = from;
    const fault = (what: string, input = ""): void =>
      void faults.push({ case: current, what, input });
    const uncaught = (error: unknown): void =>
      fault(`uncaught: ${error instanceof Error ? error.stack : String(error)}`);
    process.on("uncaughtException", uncaught);
    process.on("unhandledRejection", uncaught);
    await using servers = startServers();
    const beforeMb = process.memoryUsage().rss / 2 ** 20;
    for (; current < to; current += 1) {
      const random = randomStream(seed, "zmq", current);
      const { end, what, bytes } = await TRIES[current % TRIES.length]!(random, servers);
      ends[end] = (ends[end] ?? 0) + 1;
      if (what !== undefined) fault(what, Buffer.from(bytes).toString("hex"));
    }
    Bun.gc(true);
    const grownMb = process.memoryUsage().rss / 2 ** 20 - beforeMb;
    if (grownMb > MAX_GROWTH_MB) fault(`memory grew by ${grownMb.toFixed(0)} MB`);
    process.off("uncaughtException", uncaught);
    process.off("unhandledRejection", uncaught);
    return { ends, faults };
  },
};

interface Tried {
  readonly end: string;
  readonly bytes: Uint8Array;
  readonly what?: string;
}

interface Servers extends AsyncDisposable {
  readonly publisher: number;
  readonly replay: number;
}

function startServers(): Servers {
  const publisher = startPublisher({ host: HOST, port: 0 });
  const kept = [{ sequence: 0, payload: Uint8Array.of(1) }];
  const replay = startReplayServer({
    host: HOST,
    port: 0,
    topic: "kv",
    form: "topic",
    from: () => kept,
  });
  return {
    publisher: publisher.port,
    replay: replay.port,
    [Symbol.asyncDispose]: async () => {
      await publisher[Symbol.asyncDispose]();
      await replay[Symbol.asyncDispose]();
    },
  };
}

const TRIES: readonly ((random: RandomStream, servers: Servers) => Promise<Tried> | Tried)[] = [
  tryBatch,
  tryParser,
  tryServer,
  tryFeed,
];

/** A damaged batch is refused by our own error, or read into events that the index can take. */
function tryBatch(random: RandomStream): Tried {
  const bytes = damagedBytes(batch(random), random);
  const blocks = new TakenBlocks();
  const tracker = new EventTracker({ table: new BlockTable(), blockSize: BLOCK_SIZE }, blocks);
  try {
    const read = decodeKvBatch(bytes);
    tracker.live(random.int(3), read);
    tracker.replayed(0, read);
    tracker.replayEnded();
    const numbers = [read.tsS, read.rank ?? 0, ...Object.values(tracker.counts)];
    const odd = numbers.find((value) => !Number.isFinite(value)) ?? blocks.odd;
    return { end: "read", bytes, ...(odd === undefined ? {} : { what: `a number is ${odd}` }) };
  } catch (error) {
    return { end: "refused", bytes, ...notOurs(error) };
  }
}

/** A damaged stream ends in our own error or in whole messages, the same however it is cut. */
function tryParser(random: RandomStream): Tried {
  const bytes = damagedBytes(clientBytes(random), random);
  const whole = parsed([bytes]);
  const cut = parsed(inPieces(bytes, random));
  const other = JSON.stringify(whole.parts) !== JSON.stringify(cut.parts);
  return {
    end: whole.error === undefined ? "read" : "refused",
    bytes,
    ...(other ? { what: "cut bytes are read as another stream" } : {}),
    ...(whole.error === undefined ? {} : notOurs(whole.error)),
  };
}

function parsed(pieces: readonly Uint8Array[]): { parts: unknown[]; error?: unknown } {
  const parts: unknown[] = [];
  const parser = new ZmtpParser({
    greeting: () => void parts.push("greeting"),
    command: (name, body) => void parts.push([name, [...body]]),
    message: (frames) => void parts.push(frames.map((frame) => [...frame])),
  });
  try {
    for (const piece of pieces) parser.push(piece);
    return { parts };
  } catch (error) {
    return { parts: [...parts, String(error)], error };
  }
}

/** A client with damaged bytes is let go, and one with whole ones is greeted afterwards. */
async function tryServer(random: RandomStream, servers: Servers): Promise<Tried> {
  const port = oneOf([servers.publisher, servers.replay], random);
  const bytes = damagedBytes(clientBytes(random), random);
  const isGone = await exchanged(port, inPieces(bytes, random));
  if (!isGone) return { end: "hung", bytes, what: "the connection stays open" };
  const isGreeted = await exchanged(port, [greeting()], true);
  return { end: "closed", bytes, ...(isGreeted ? {} : { what: "the next peer is not greeted" }) };
}

/** Sends and closes its side; true when the server has closed too, and where asked for has greeted before. */
async function exchanged(
  port: number,
  pieces: readonly Uint8Array[],
  wantsGreeting = false,
): Promise<boolean> {
  const closed = Promise.withResolvers<boolean>();
  let got = 0;
  const socket = await Bun.connect({
    hostname: HOST,
    port,
    socket: {
      data: (_, received) => void (got += received.length),
      close: () => closed.resolve(!wantsGreeting || got >= greeting().length),
      error: () => closed.resolve(!wantsGreeting),
    },
  });
  await written(socket, pieces);
  // After a turn, so that what the server answers comes before the end.
  while (wantsGreeting && got < greeting().length) await nextTurn();
  socket.end();
  const limit = setTimeout(() => closed.resolve(false), HANG_MS);
  const isClosed = await closed.promise;
  clearTimeout(limit);
  socket.terminate();
  return isClosed;
}

/** The gateway's feed behind a publisher and a replay that are out of their minds. */
async function tryFeed(random: RandomStream): Promise<Tried> {
  const bytes = damagedBytes(publisherBytes(random), random);
  const replay = damagedBytes(replayBytes(random), random);
  const over = Promise.withResolvers<void>();
  using live = speaking(inPieces(bytes, random), () => over.resolve());
  using replaying = speaking(inPieces(replay, random), () => {});
  const blocks = new TakenBlocks();
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const feed = new EventFeed({
    worker: { id: "w", url: `http://${HOST}:1`, role: "aggregated", blockSize: BLOCK_SIZE },
    source: {
      endpoint: `tcp://${HOST}:${live.port}`,
      replayEndpoint: `tcp://${HOST}:${replaying.port}`,
      topic: "kv",
    },
    table: new BlockTable(),
    sink: blocks,
    log: { info: log, warn: log, error: log, debug: log },
  });
  const limit = setTimeout(() => over.resolve(), HANG_MS);
  await over.promise;
  clearTimeout(limit);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  await feed[Symbol.asyncDispose]();
  const odd = Object.values(feed.counts).find((value) => !Number.isFinite(value)) ?? blocks.odd;
  const isStack = lines.some((line) => /\n\s+at /.test(line));
  return {
    end: feed.counts.events > 0 ? "fed" : "fed nothing",
    bytes: Buffer.concat([bytes, Buffer.from("/"), replay]),
    ...(odd === undefined ? {} : { what: `a number is ${odd}` }),
    ...(isStack ? { what: `a stack in the log: ${lines.join("; ")}` } : {}),
  };
}

/** Says the same to each connection, whatever it hears, and ends it. */
function speaking(pieces: readonly Uint8Array[], onEnd: () => void): Disposable & { port: number } {
  const listener = Bun.listen({
    hostname: HOST,
    port: 0,
    socket: {
      open: async (socket) => {
        await written(socket, pieces);
        await nextTurn();
        socket.end();
        onEnd();
      },
      data() {},
      error() {},
    },
  });
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}

async function written(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The first block number that is none. */
class TakenBlocks implements BlockSink {
  odd: number | undefined;

  stored(blocks: Int32Array, parent: number): void {
    this.odd ??= [...blocks].find((block) => !(block >= 0));
    if (!Number.isInteger(parent) || parent < -1) this.odd ??= parent;
  }

  removed(blocks: Int32Array): void {
    this.odd ??= [...blocks].find((block) => !(block >= 0));
  }

  cleared(): void {}
}

function notOurs(error: unknown): { what?: string } {
  if (!(error instanceof DynbenchError)) {
    return { what: `another error: ${error instanceof Error ? error.stack : String(error)}` };
  }
  return /NaN|undefined/.test(error.message) ? { what: `a message: ${error.message}` } : {};
}

function batch(random: RandomStream): Uint8Array {
  const hashes = (): bigint[] =>
    Array.from({ length: 1 + random.int(3) }, () => BigInt(random.int(9)));
  const events = Array.from({ length: 1 + random.int(4) }, (): KvEvent => {
    const drawn = random.int(5);
    if (drawn === 0) return { type: "cleared" };
    if (drawn === 1) return { type: "removed", hashes: hashes() };
    const own = hashes();
    const tokens = Uint32Array.from({ length: own.length * BLOCK_SIZE }, () => random.int(2 ** 17));
    const parent = random.int(2) === 0 ? undefined : BigInt(random.int(9));
    return { type: "stored", hashes: own, parent, tokens, blockSize: BLOCK_SIZE };
  });
  const form = random.int(2) === 0 ? "map" : "array";
  // A copy: the writer's memory serves the next one.
  return encodeKvBatch({ tsS: 1.5, rank: undefined, events }, form).slice();
}

const TOPIC = Buffer.from("kv");

function clientBytes(random: RandomStream): Buffer {
  const type = oneOf(["SUB", "XSUB", "DEALER", "REQ", "PUB", "?"], random);
  const subscription = encodeMessage([Buffer.concat([Buffer.of(random.int(2)), TOPIC])]);
  const request = encodeMessage([Buffer.alloc(0), encodeSequence(random.int(3))]);
  const more = [
    ...[subscription, request, encodeCommand("SUBSCRIBE", TOPIC), encodeCommand("CANCEL", TOPIC)],
    ...[encodeCommand("PING", Buffer.alloc(6)), encodeCommand("ERROR", Buffer.from("\x02no"))],
  ];
  const sent = Array.from({ length: 1 + random.int(4) }, () => oneOf(more, random));
  return Buffer.concat([greeting(), readyCommand(type), ...sent]);
}

function publisherBytes(random: RandomStream): Buffer {
  let sequence = random.int(3);
  const messages = Array.from({ length: 1 + random.int(4) }, () => {
    sequence += random.int(5) === 0 ? random.int(4) - 1 : 1;
    return encodeMessage([TOPIC, encodeSequence(Math.max(-1, sequence)), batch(random)]);
  });
  return Buffer.concat([greeting(), readyCommand("PUB"), ...messages]);
}

function replayBytes(random: RandomStream): Buffer {
  const messages = Array.from({ length: random.int(4) }, (_, i) =>
    encodeMessage([Buffer.alloc(0), TOPIC, encodeSequence(i), batch(random)]),
  );
  const end = encodeMessage([
    Buffer.alloc(0),
    Buffer.alloc(0),
    encodeSequence(-1),
    Buffer.alloc(0),
  ]);
  return Buffer.concat([greeting(), readyCommand("ROUTER"), ...messages, end]);
}
