/** etcd and NATS that cannot be used: each fault has its cause and what to try. */
import { afterAll, describe, expect, test } from "bun:test";
import { etcdStore } from "../../../../plugins/shared/dynamo/etcd-store.ts";
import { freePorts } from "../../../../core/process/free-ports.ts";
import { isKvEvents, openNats } from "../../../../plugins/shared/dynamo/nats-link.ts";

const HOST = "127.0.0.1";
const signal = new AbortController().signal;

/** A server that sends one text to every client, and counts what it receives. */
function natsStandIn(greeting: string, answer: (line: string) => string): string {
  const server = Bun.listen({
    hostname: HOST,
    port: 0,
    socket: {
      open: (socket) => void socket.write(greeting),
      data: (socket, bytes) => {
        const lines = bytes.toString().split("\r\n").filter(Boolean);
        for (const line of lines) socket.write(answer(line));
      },
    },
  });
  afterAll(() => server.stop(true));
  return `nats://${HOST}:${server.port}`;
}

const INFO = `INFO {"server_id":"x","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576}\r\n`;

describe("NATS", () => {
  const open = (url: string) => openNats(url, { namespace: "dyn", purge: false });

  test("that nothing serves is reported with its address", async () => {
    const url = `nats://${HOST}:${freePorts(1)[0]}`;
    await expect(open(url)).rejects.toMatchObject({
      code: "start",
      message: `Cannot use NATS at ${url}: connection refused`,
      hint: "Check --nats-url, or leave it out: dynbench then starts a nats-server of its own",
    });
  });

  test("with a required login is reported with the variables to set", async () => {
    const url = natsStandIn(INFO, (line) =>
      line.startsWith("CONNECT") ? "-ERR 'Authorization Violation'\r\n" : "",
    );
    await expect(open(url)).rejects.toMatchObject({
      message: `Cannot use NATS at ${url}: it wants a login, or another one`,
      hint: "Set NATS_AUTH_USERNAME and NATS_AUTH_PASSWORD, or NATS_AUTH_TOKEN; Dynamo reads the same variables",
    });
  });

  test("KV events are counted, other messages of the namespace are not", async () => {
    const message = (subject: string) => `MSG ${subject} 1 2\r\nhi\r\n`;
    const prefix = "namespace.dyn.component.backend.endpoint.generate";
    let isListening = false;
    const url = natsStandIn(INFO, (line) => {
      isListening ||= line.startsWith("SUB namespace.dyn.>");
      if (!line.startsWith("PING")) return "";
      const told = isListening
        ? message(`${prefix}.kv-events`) + message(`${prefix}.kv_metrics`)
        : "";
      return `${told}PONG\r\n`;
    });
    await using link = await open(url);
    expect(link.kvEventMessages()).toBe(1);
  });

  test("subjects of all versions are known", () => {
    expect(isKvEvents("namespace.a.component.b.endpoint.generate.kv-events")).toBe(true);
    expect(isKvEvents("namespace.a.component.b.kv_events")).toBe(true);
    expect(isKvEvents("namespace.a.component.b.kv_metrics")).toBe(false);
  });
});

describe("etcd", () => {
  const open = (url: string) => etcdStore(url, { namespace: "dyn", signal });

  test("that nothing serves is reported with its address", async () => {
    const url = `http://${HOST}:${freePorts(1)[0]}`;
    await expect(open(url)).rejects.toMatchObject({
      code: "start",
      message: expect.stringContaining(`Cannot use etcd at ${url}`),
      hint: "Check --etcd-url, or leave it out: dynbench then starts an etcd of its own",
    });
  });

  test("that is something else is reported before anything reads from it", async () => {
    const server = Bun.serve({ hostname: HOST, port: 0, fetch: () => new Response("hello") });
    afterAll(() => server.stop(true));
    await expect(open(`http://${HOST}:${server.port}`)).rejects.toMatchObject({
      message: expect.stringContaining('expected JSON, got "hello"'),
    });
  });
});
