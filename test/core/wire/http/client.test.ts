import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import {
  HttpClient,
  parseTarget,
  type ExchangeRequest,
} from "../../../../core/wire/http/client.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Behaviour = (socket: Socket<Peer>, received: string, peer: Peer) => void;
interface Peer {
  number: number;
  received: string;
}

/** A raw server; `behave` is called at each piece with all that this connection sent so far. */
function rawServer(behave: Behaviour, hostname = "127.0.0.1") {
  let count = 0;
  const listener = Bun.listen<Peer>({
    hostname,
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { number: (count += 1), received: "" }),
      data: (socket, bytes) => {
        socket.data.received += bytes.toString("latin1");
        behave(socket, socket.data.received, socket.data);
      },
    },
  });
  cleanups.push(() => listener.stop(true));
  return listener;
}

function client(url: string, connection: "keep-alive" | "per-request" = "keep-alive"): HttpClient {
  const made = new HttpClient(parseTarget(url), { connection });
  cleanups.push(() => made.close());
  return made;
}

const GET: ExchangeRequest = { method: "GET", path: "/", headers: {} };

/** Runs an exchange to its end and returns the calls of its handlers, in order. */
function run(http: HttpClient, request = GET): Promise<string[]> {
  const heard: string[] = [];
  return new Promise((resolve) => {
    http.exchange(request, {
      sent: () => heard.push("sent"),
      head: ({ status }) => heard.push(`head ${status}`),
      data: (bytes) => heard.push(`data ${Buffer.from(bytes).toString()}`),
      end: () => resolve([...heard, "end"]),
      fail: ({ kind, message }) => resolve([...heard, `${kind}: ${message}`]),
    });
  });
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("HttpClient", () => {
  test("keeps a connection for the next request", async () => {
    const server = rawServer((socket) => socket.write(OK));
    const http = client(`http://127.0.0.1:${server.port}`);
    expect(await run(http)).toEqual(["sent", "head 200", "data ok", "end"]);
    expect(await run(http)).toEqual(["sent", "head 200", "data ok", "end"]);
    expect(http.connections).toBe(1);
    expect(http.retries).toBe(0);
  });

  test("opens one connection for each request when configured so", async () => {
    const requests: string[] = [];
    const server = rawServer((socket, received) => {
      requests.push(received);
      socket.write(OK);
    });
    const http = client(`http://127.0.0.1:${server.port}`, "per-request");
    await run(http);
    await run(http);
    expect(http.connections).toBe(2);
    expect(requests.every((text) => text.includes("Connection: close\r\n"))).toBe(true);
  });

  test("never queues: all requests are in flight at once", async () => {
    const waiting: Socket<Peer>[] = [];
    const count = 300; // above fetch's silent cap of 256
    const server = rawServer((socket) => {
      waiting.push(socket);
      if (waiting.length === count) for (const each of waiting) each.write(OK);
    });
    const http = client(`http://127.0.0.1:${server.port}`);
    const all = await Promise.all(Array.from({ length: count }, () => run(http)));
    expect(all.every((heard) => heard.at(-1) === "end")).toBe(true);
    expect(http.connections).toBe(count);
  });

  test("sends a kept request again when its connection closes before any byte", async () => {
    const server = rawServer((socket, received, { number }) => {
      const isSecond = received.split("GET ").length === 3;
      if (number === 1 && isSecond) socket.terminate();
      else socket.write(OK);
    });
    const http = client(`http://127.0.0.1:${server.port}`);
    await run(http);
    expect(await run(http)).toEqual(["sent", "sent", "head 200", "data ok", "end"]);
    expect(http.retries).toBe(1);
    expect(http.connections).toBe(2);
  });

  test("does not retry on a fresh connection, nor after the first byte", async () => {
    let count = 0;
    const server = rawServer((socket) => {
      count += 1;
      if (count === 1) socket.write(OK);
      else {
        socket.write("HTTP");
        socket.end();
      }
    });
    const http = client(`http://127.0.0.1:${server.port}`);
    await run(http);
    expect((await run(http)).at(-1)).toStartWith("disconnected: the server closed");
    const silent = rawServer((socket) => void socket.end());
    const other = client(`http://127.0.0.1:${silent.port}`);
    expect((await run(other)).at(-1)).toStartWith("disconnected: the server closed");
    expect(http.retries + other.retries).toBe(0);
  });

  test("sends a large body in as many writes as needed", async () => {
    const body = new Uint8Array(8_000_000).fill(120);
    let bytes = 0;
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket, piece) => {
          bytes += piece.length;
          if (bytes > body.length) socket.write(OK);
        },
      },
    });
    cleanups.push(() => server.stop(true));
    const http = client(`http://127.0.0.1:${server.port}`);
    const heard = await run(http, { method: "POST", path: "/", headers: {}, body });
    expect(heard).toEqual(["sent", "head 200", "data ok", "end"]);
  });

  test("reports a refused connection and an unknown host", async () => {
    const server = rawServer(() => {});
    const { port } = server;
    server.stop(true);
    const refused = await run(client(`http://127.0.0.1:${port}`));
    expect(refused).toEqual([
      `connect: cannot connect to 127.0.0.1:${port}: connection refused (ECONNREFUSED)`,
    ]);
  });

  test("reports a connection that breaks in the middle of the body", async () => {
    const server = rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      socket.end();
    });
    const heard = await run(client(`http://127.0.0.1:${server.port}`));
    expect(heard.slice(0, 3)).toEqual(["sent", "head 200", "data half"]);
    expect(heard[3]).toStartWith("disconnected");
  });

  test("reports an answer that is not HTTP and closes", async () => {
    const server = rawServer((socket) => void socket.write("220 smtp ready\r\n\r\n"));
    const heard = await run(client(`http://127.0.0.1:${server.port}`));
    expect(heard.at(-1)).toBe('malformed: not an HTTP/1.1 response: "220 smtp ready"');
  });

  test("an aborted exchange closes its connection and calls no handler", async () => {
    const closed = Promise.withResolvers<void>();
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        close: () => closed.resolve(),
      },
    });
    cleanups.push(() => listener.stop(true));
    const http = client(`http://127.0.0.1:${listener.port}`);
    const heard: string[] = [];
    const exchange = http.exchange(GET, {
      head: () => {
        heard.push("head");
        exchange.abort();
      },
      data: () => heard.push("data"),
      end: () => heard.push("end"),
      fail: () => heard.push("fail"),
    });
    await closed.promise;
    expect(heard).toEqual(["head"]);
  });

  test("reaches IPv6 addresses", async () => {
    const server = rawServer((socket) => socket.write(OK), "::1");
    expect(await run(client(`http://[::1]:${server.port}`))).toContain("end");
  });

  test("uses no proxy of the environment", async () => {
    const server = rawServer((socket) => socket.write(OK));
    process.env["HTTP_PROXY"] = "http://127.0.0.1:1";
    cleanups.push(() => delete process.env["HTTP_PROXY"]);
    expect(await run(client(`http://127.0.0.1:${server.port}`))).toContain("end");
  });
});

describe("HttpClient over TLS", () => {
  const pem = (name: string) => Bun.file(`${import.meta.dir}/fixtures/${name}`).text();

  test("trusts a given authority, and reports why it trusts no other", async () => {
    const [key, cert] = await Promise.all([pem("localhost-key.pem"), pem("localhost-cert.pem")]);
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key, cert },
      socket: { data: (socket) => void socket.write(OK) },
    });
    cleanups.push(() => server.stop(true));
    const target = parseTarget(`https://127.0.0.1:${server.port}`);
    const make = (tls: object) => {
      const http = new HttpClient(target, { connection: "keep-alive", tls });
      cleanups.push(() => http.close());
      return http;
    };
    const trusting = make({ ca: cert });
    expect(await run(trusting)).toEqual(["sent", "head 200", "data ok", "end"]);
    expect(await run(make({ rejectUnauthorized: false }))).toContain("end");
    const refused = await run(make({}));
    expect(refused.at(-1)).toMatch(/^connect: cannot connect to .*SELF_SIGNED/);
  });
});
