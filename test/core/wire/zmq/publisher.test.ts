import { describe, expect, test } from "bun:test";
import { DynbenchError } from "../../../../core/base/errors.ts";
import { connect } from "../../../../core/wire/zmq/connect.ts";
import type { ZmtpPeer } from "../../../../core/wire/zmq/peer.ts";
import { type Publisher, startPublisher } from "../../../../core/wire/zmq/publisher.ts";
import { connectSubscriber, type SubscriberOptions } from "../../../../core/wire/zmq/subscriber.ts";
import { encodeCommand, greeting, readyCommand } from "../../../../core/wire/zmq/zmtp.ts";

const HOST = "127.0.0.1";
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Resolves when the condition holds, looking again on every turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

function subscribe(
  port: number,
  topic: string,
  more: Partial<SubscriberOptions> = {},
): AsyncDisposable & { received: string[] } {
  const received: string[] = [];
  const subscriber = connectSubscriber({
    host: HOST,
    port,
    topic,
    onMessage: (frames) => received.push(frames.map(textOf).join("|")),
    ...more,
  });
  return Object.assign(subscriber, { received });
}

describe("publisher and subscriber", () => {
  test("each subscriber gets the topics with its prefix", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    await using all = subscribe(publisher.port, "");
    await using kv = subscribe(publisher.port, "kv");
    await using other = subscribe(publisher.port, "other");
    await until(() => publisher.subscribers === 3);
    publisher.send([bytesOf("kv-events"), bytesOf("1")]);
    publisher.send([bytesOf("k"), bytesOf("2")]);
    publisher.send([bytesOf("other"), bytesOf("3")]);
    await until(() => all.received.length === 3 && other.received.length === 1);
    expect(all.received).toEqual(["kv-events|1", "k|2", "other|3"]);
    expect(kv.received).toEqual(["kv-events|1"]);
    expect(other.received).toEqual(["other|3"]);
  });

  test("many large messages arrive whole and in order", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const lengths: number[] = [];
    const firsts: number[] = [];
    await using _ = subscribe(publisher.port, "", {
      onMessage: ([, payload]) => {
        lengths.push(payload!.length);
        firsts.push(payload![0]!);
      },
    });
    await until(() => publisher.subscribers === 1);
    for (let i = 0; i < 40; i += 1) {
      publisher.send([bytesOf("t"), new Uint8Array(200_000 + i).fill(i)]);
    }
    await until(() => lengths.length === 40);
    expect(firsts).toEqual(Array.from({ length: 40 }, (_value, i) => i));
    expect(lengths).toEqual(Array.from({ length: 40 }, (_value, i) => 200_000 + i));
    expect(publisher.dropped).toBe(0);
  });

  test("a subscriber that does not read loses messages beyond the mark, others do not", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const stalled = await rawSubscriber(publisher.port);
    let received = 0;
    await using _ = subscribe(publisher.port, "", { onMessage: () => (received += 1) });
    await until(() => publisher.subscribers === 2);
    stalled.pause();
    const message = [bytesOf("t"), new Uint8Array(1000)];
    let sent = 0;
    while (publisher.dropped === 0 && sent < 300_000) {
      for (let i = 0; i < 500; i += 1) publisher.send(message);
      sent += 500;
      await until(() => received === sent);
    }
    expect(publisher.dropped).toBeGreaterThan(0);
    expect(sent).toBeGreaterThan(100_000);
    stalled.terminate();
    await until(() => publisher.subscribers === 1);
  });

  test("a subscriber connects again when the publisher comes back", async () => {
    const log: string[] = [];
    let publisher: Publisher = startPublisher({ host: HOST, port: 0 });
    const { port } = publisher;
    await using subscriber = subscribe(port, "t", {
      onConnect: () => log.push("connect"),
      onDisconnect: () => log.push("disconnect"),
    });
    await until(() => publisher.subscribers === 1);
    await publisher[Symbol.asyncDispose]();
    await until(() => log.length === 2);
    publisher = startPublisher({ host: HOST, port });
    await until(() => publisher.subscribers === 1);
    publisher.send([bytesOf("t"), bytesOf("again")]);
    await until(() => subscriber.received.length === 1);
    expect(log).toEqual(["connect", "disconnect", "connect"]);
    await publisher[Symbol.asyncDispose]();
  });

  test("a subscriber may come before the publisher", async () => {
    const free = startPublisher({ host: HOST, port: 0 });
    await free[Symbol.asyncDispose]();
    const retries: DynbenchError[] = [];
    await using _ = subscribe(free.port, "", { onRetry: (fault) => retries.push(fault) });
    await until(() => retries.length === 1);
    expect(retries[0]!.message).toStartWith(`Cannot connect to ${HOST}:${free.port}: `);
    await using publisher = startPublisher({ host: HOST, port: free.port });
    await until(() => publisher.subscribers === 1);
  });

  test("a disposed subscriber calls no handler", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const log: string[] = [];
    const subscriber = subscribe(publisher.port, "", {
      onDisconnect: () => log.push("disconnect"),
    });
    await until(() => publisher.subscribers === 1);
    await subscriber[Symbol.asyncDispose]();
    await until(() => publisher.subscribers === 0);
    expect(log).toEqual([]);
  });

  test("a server that is not a publisher is reported as such", async () => {
    using server = Bun.listen({
      hostname: HOST,
      port: 0,
      socket: { open: (socket) => void socket.write("HTTP/1.1 200 OK\r\n\r\n"), data: () => {} },
    });
    const retries: string[] = [];
    await using _ = subscribe(server.port, "", { onRetry: (fault) => retries.push(fault.message) });
    await until(() => retries.length > 0);
    expect(retries[0]).toContain("first byte is not that of a greeting");
  });

  test("a second publisher on a port is an error", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    expect(() => startPublisher({ host: HOST, port: publisher.port })).toThrow(
      `Cannot listen on ${HOST}:${publisher.port}: `,
    );
  });
});

describe("a peer at the other end", () => {
  const connectAs = (port: number, accepts: string[], log: string[]): Promise<ZmtpPeer> =>
    connect(
      { host: HOST, port },
      {
        type: { own: "SUB", accepts },
        handlers: {
          ready: () => log.push("ready"),
          message: (frames) => log.push(frames.map(textOf).join("|")),
          command: (name, body) => log.push(`${name} ${body.length}`),
          closed: (_, fault) => log.push(`closed ${fault?.message}`),
        },
      },
    );

  test("of the wrong socket type is refused", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const log: string[] = [];
    await connectAs(publisher.port, ["ROUTER"], log);
    await until(() => log.length === 1);
    expect(log[0]).toContain("it is a PUB, not ROUTER");
    expect(publisher.subscribers).toBe(0);
  });

  test("gets a PONG with the data that followed the time to live", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const answers: number[] = [];
    using raw = await Bun.connect({
      hostname: HOST,
      port: publisher.port,
      socket: { data: (_, bytes) => void answers.push(...bytes) },
    });
    raw.write(greeting());
    raw.write(readyCommand("SUB"));
    raw.write(encodeCommand("PING", Uint8Array.of(0, 100, 1, 2, 3)));
    const pong = [...encodeCommand("PONG", Uint8Array.of(1, 2, 3))];
    const before = 64 + readyCommand("PUB").length;
    await until(() => answers.length >= before + pong.length);
    expect(answers.slice(before)).toEqual(pong);
  });

  test("is let go for a command before READY and for a second READY, and the next is served", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    const topic = bytesOf("t");
    for (const parts of [
      [encodeCommand("CANCEL", topic)],
      [encodeCommand("SUBSCRIBE", topic)],
      [encodeCommand("PING", Uint8Array.of(0, 1))],
      [readyCommand("SUB"), readyCommand("SUB")],
    ]) {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      using raw = await Bun.connect({
        hostname: HOST,
        port: publisher.port,
        socket: { data: () => {}, close: () => resolve() },
      });
      raw.write(greeting());
      for (const part of parts) raw.write(part);
      await closed;
    }
    await using subscriber = subscribe(publisher.port, "t");
    await until(() => publisher.subscribers === 1);
    publisher.send([topic, bytesOf("1")]);
    await until(() => subscriber.received.length === 1);
  });

  test("subscribes by ZMTP 3.1 commands too, and cancels", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    using raw = await Bun.connect({
      hostname: HOST,
      port: publisher.port,
      socket: { data: () => {} },
    });
    raw.write(greeting());
    raw.write(readyCommand("SUB"));
    raw.write(encodeCommand("SUBSCRIBE", bytesOf("kv")));
    await until(() => publisher.subscribers === 1);
    raw.write(encodeCommand("CANCEL", bytesOf("kv")));
    await until(() => publisher.subscribers === 0);
  });
});

/** A subscriber to everything that can stop reading its socket. */
async function rawSubscriber(port: number): Promise<Bun.Socket> {
  const socket = await Bun.connect({ hostname: HOST, port, socket: { data: () => {} } });
  socket.write(greeting());
  socket.write(readyCommand("SUB"));
  socket.write(Uint8Array.of(0, 1, 1));
  return socket;
}
