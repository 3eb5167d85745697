import { describe, expect, test } from "bun:test";
import { startPublisher } from "../../../../core/wire/zmq/publisher.ts";
import {
  type ReplayedMessage,
  requestReplay,
  startReplayServer,
} from "../../../../core/wire/zmq/replay.ts";
import { decodeSequence, encodeSequence } from "../../../../core/wire/zmq/sequence.ts";

const HOST = "127.0.0.1";
const KEPT: ReplayedMessage[] = [3, 4, 5].map((sequence) => ({
  sequence,
  payload: Uint8Array.of(sequence, 0),
}));
const from = (sequence: number): ReplayedMessage[] =>
  KEPT.filter((message) => message.sequence >= sequence);

async function replay(port: number, fromSequence: number): Promise<ReplayedMessage[]> {
  const messages: ReplayedMessage[] = [];
  await requestReplay({
    host: HOST,
    port,
    fromSequence,
    onMessage: (message) => messages.push(message),
  });
  return messages;
}

describe("replay", () => {
  test.each(["topic", "bare"] as const)(
    "in %s form returns the messages kept from that number on",
    async (form) => {
      await using server = startReplayServer({
        host: HOST,
        port: 0,
        topic: "kv-events",
        form,
        from,
      });
      expect(await replay(server.port, 4)).toEqual(KEPT.slice(1));
      expect(await replay(server.port, 0)).toEqual(KEPT);
      expect(await replay(server.port, 6)).toEqual([]);
    },
  );

  test("several at once do not mix", async () => {
    await using server = startReplayServer({
      host: HOST,
      port: 0,
      topic: "t",
      form: "topic",
      from,
    });
    const answers = await Promise.all([3, 4, 5, 6].map((first) => replay(server.port, first)));
    expect(answers.map((messages) => messages.length)).toEqual([3, 2, 1, 0]);
  });

  test("no listener, a socket of another type, or a closed connection rejects", async () => {
    const gone = startReplayServer({ host: HOST, port: 0, topic: "t", form: "topic", from });
    await gone[Symbol.asyncDispose]();
    await expect(replay(gone.port, 0)).rejects.toThrow(`Cannot connect to ${HOST}:${gone.port}`);
    await using publisher = startPublisher({ host: HOST, port: 0 });
    await expect(replay(publisher.port, 0)).rejects.toThrow("it is a PUB, not ROUTER or REP");
    using closing = Bun.listen({
      hostname: HOST,
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    await expect(replay(closing.port, 0)).rejects.toThrow("the connection was closed");
  });

  test("an abort rejects", async () => {
    using silent = Bun.listen({ hostname: HOST, port: 0, socket: { data: () => {} } });
    const abort = new AbortController();
    const running = requestReplay({
      host: HOST,
      port: silent.port,
      fromSequence: 0,
      signal: abort.signal,
      onMessage: () => {},
    });
    abort.abort();
    await expect(running).rejects.toThrow("aborted");
  });
});

describe("sequence frames", () => {
  test("are 8 bytes, big-endian, and all ones at the end of a replay", () => {
    expect([...encodeSequence(258)]).toEqual([0, 0, 0, 0, 0, 0, 1, 2]);
    expect([...encodeSequence(-1)]).toEqual([255, 255, 255, 255, 255, 255, 255, 255]);
    expect(decodeSequence(encodeSequence(2 ** 53 - 1))).toBe(2 ** 53 - 1);
    expect(decodeSequence(encodeSequence(-1))).toBe(-1);
  });

  test("of another length or range are not decoded", () => {
    expect(decodeSequence(new Uint8Array(7))).toBeUndefined();
    expect(decodeSequence(undefined)).toBeUndefined();
    expect(decodeSequence(new Uint8Array(8).fill(0xfe))).toBeUndefined();
    expect(decodeSequence(new Uint8Array(8).fill(0x7f))).toBeUndefined();
  });
});
