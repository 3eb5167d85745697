import { describe, expect, test } from "bun:test";
import { encodeKvBatch, type KvEvent } from "../../../core/routing/kv/kv-events.ts";
import { startPublisher } from "../../../core/wire/zmq/publisher.ts";
import { startReplayServer } from "../../../core/wire/zmq/replay.ts";
import { encodeSequence } from "../../../core/wire/zmq/sequence.ts";
import { answerStream, gatewayOf, mostOverlap, startWorker, until } from "./stand-ins.ts";

const TOPIC = "kv";
const BLOCK_SIZE = 4;

/** One stored block per four tokens; the engine's hashes are made up from `name`. */
function stored(name: number, tokens: number[]): KvEvent {
  const hashes = Array.from({ length: tokens.length / BLOCK_SIZE }, (_, i) => BigInt(name + i));
  return { type: "stored", hashes, parent: undefined, tokens, blockSize: BLOCK_SIZE };
}

/** A worker with a publisher and a replay endpoint, whose messages the test sends or drops. */
async function publishingWorker(id: string) {
  const worker = startWorker(id, answerStream);
  const publisher = startPublisher({ host: "127.0.0.1", port: 0 });
  const sent: Uint8Array[] = [];
  const asked: number[] = [];
  const replay = startReplayServer({
    host: "127.0.0.1",
    port: 0,
    topic: TOPIC,
    form: "topic",
    from: (sequence) => {
      asked.push(sequence);
      return sent.map((payload, i) => ({ sequence: i, payload })).slice(sequence);
    },
  });
  const topic = new TextEncoder().encode(TOPIC);
  const sendRaw = (sequence: number, payload: Uint8Array): void =>
    publisher.send([topic, encodeSequence(sequence), payload]);
  return {
    worker: {
      ...worker.worker,
      kvEvents: {
        endpoint: `tcp://*:${publisher.port}`,
        replayEndpoint: `tcp://127.0.0.1:${replay.port}`,
        topic: TOPIC,
      },
    },
    publisher,
    asked,
    sent,
    /** Publishes the next batch, or keeps it for the replay alone. */
    publish(events: KvEvent[], lost: "lost" | "sent" = "sent"): void {
      const payload = encodeKvBatch({ tsS: 0, rank: 0, events }, "map");
      sent.push(payload);
      if (lost === "sent") sendRaw(sent.length - 1, payload);
    },
    sendRaw,
    async [Symbol.asyncDispose]() {
      worker[Symbol.dispose]();
      await publisher[Symbol.asyncDispose]();
      await replay[Symbol.asyncDispose]();
    },
  };
}

type Gateway = Awaited<ReturnType<typeof gatewayOf>>;

/** The worker that a prompt goes to, and how many of its blocks the index has there. */
async function routed(gateway: Gateway, prompt: number[]): Promise<string> {
  const response = await gateway.post({ prompt, stream: true });
  await response.text();
  const { headers } = response;
  // Everything is chosen by overlap here, so the chosen worker is the one that has most.
  const [tokens, bestTokens] = headers.get("x-dynbench-expected-tokens")!.split("/");
  expect(tokens).toBe(bestTokens);
  return `${headers.get("x-dynbench-routed-to")} ${headers.get("x-dynbench-overlap-blocks")}`;
}

const blocksOf = async (gateway: Gateway): Promise<number[]> =>
  (await gateway.state()).workers.map(({ blocks }: { blocks: number }) => blocks);

const A = [1, 2, 3, 4, 5, 6, 7, 8];
const B = [11, 12, 13, 14];

describe("KV events", () => {
  test("blocks stored before the start are replayed, and later ones are followed", async () => {
    await using first = await publishingWorker("worker-0");
    await using second = await publishingWorker("worker-1");
    second.publish([stored(100, A)], "lost");
    await using gateway = await gatewayOf([first.worker, second.worker], mostOverlap);
    await until(async () => (await blocksOf(gateway))[1] === 2);
    expect(await routed(gateway, [...A, 9])).toBe("worker-1 2");
    expect(await routed(gateway, [...A.slice(0, 4), 9, 9, 9, 9])).toBe("worker-1 1");
    await until(() => second.publisher.subscribers === 1);
    second.publish([{ type: "removed", hashes: [101n] }]);
    await until(async () => (await blocksOf(gateway))[1] === 1);
    second.publish([{ type: "cleared" }]);
    await until(async () => (await blocksOf(gateway))[1] === 0);
    expect(await routed(gateway, A)).toBe("worker-0 0");
    expect(await gateway.state()).toMatchObject({ eventsApplied: 3, gaps: 0 });
  });

  test("a lost message is requested again", async () => {
    await using worker = await publishingWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], mostOverlap);
    await until(() => worker.publisher.subscribers === 1 && worker.asked.length === 1);
    worker.publish([stored(100, A)], "lost");
    worker.publish([stored(200, B)]);
    await until(async () => (await blocksOf(gateway))[0] === 3);
    expect(worker.asked).toEqual([0, 0]);
    expect(await gateway.state()).toMatchObject({ eventsApplied: 2, gaps: 1, replays: 2 });
    expect((await gateway.state()).workers[0].events.lost).toBe(0);
  });

  test("an unreadable message is counted, reported once, and followed by a replay", async () => {
    await using worker = await publishingWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], mostOverlap);
    await until(() => worker.publisher.subscribers === 1 && worker.asked.length === 1);
    worker.publish([stored(100, A)]);
    await until(async () => (await blocksOf(gateway))[0] === 2);
    for (let i = 1; i <= 2; i += 1) {
      worker.sendRaw(1, Uint8Array.of(0xc1));
      await until(async () => (await gateway.state()).malformedEvents === i);
      await until(() => worker.asked.length === 1 + i);
      await until(async () => (await blocksOf(gateway))[0] === 2);
    }
    worker.publish([stored(200, B)]);
    await until(async () => (await blocksOf(gateway))[0] === 3);
    expect(gateway.logged.filter((line) => line.includes("cannot be read"))).toHaveLength(1);
    expect(await routed(gateway, A)).toBe("worker-0 2");
  });

  test("the old blocks of a worker that numbers from the start again are dropped", async () => {
    await using worker = await publishingWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], mostOverlap);
    await until(() => worker.publisher.subscribers === 1 && worker.asked.length === 1);
    worker.publish([stored(100, A)]);
    worker.publish([stored(200, B)]);
    await until(async () => (await blocksOf(gateway))[0] === 3);
    worker.sent.length = 0;
    worker.publish([stored(300, B)]);
    await until(async () => (await blocksOf(gateway))[0] === 1);
    expect((await gateway.state()).workers[0].events.restarts).toBe(1);
  });

  test("a reset empties the index and counts from zero; later events are followed", async () => {
    await using worker = await publishingWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], mostOverlap);
    await until(() => worker.publisher.subscribers === 1 && worker.asked.length === 1);
    worker.publish([stored(100, A)]);
    await until(async () => (await blocksOf(gateway))[0] === 2);
    await gateway.reset();
    expect(await gateway.state()).toMatchObject({
      eventsApplied: 0,
      knownBlocks: 0,
      total: { eventsApplied: 1 },
    });
    expect(await routed(gateway, A)).toBe("worker-0 0");
    worker.publish([stored(200, B)]);
    await until(async () => (await blocksOf(gateway))[0] === 1);
    expect(await routed(gateway, B)).toBe("worker-0 1");
    expect((await gateway.state()).eventsApplied).toBe(1);
  });

  test("policies that read no events open no subscription", async () => {
    await using worker = await publishingWorker("worker-0");
    const policy = { reads: [], pick: () => 0 };
    await using gateway = await gatewayOf([worker.worker], policy);
    await (await gateway.post({ prompt: A, stream: true })).text();
    expect([worker.publisher.subscribers, worker.asked]).toEqual([0, []]);
  });
});
