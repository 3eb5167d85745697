/** Servers with the greeting of NATS, and others. */
import { afterAll, expect, test } from "bun:test";
import { greetingFault } from "../../../../plugins/shared/dynamo/nats-greeting.ts";

const LIMIT_MS = 10_000;
const servers: { stop(now: boolean): void }[] = [];
afterAll(() => {
  for (const server of servers) server.stop(true);
});

/** Says these parts one after the other; ends the connection after the last unless it stays. */
function speaking(parts: readonly string[], stays = false): string {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        for (const part of parts) socket.write(part);
        if (!stays) socket.end();
      },
      data: () => {},
    },
  });
  servers.push(server);
  return `nats://127.0.0.1:${server.port}`;
}

test("a server with the greeting is NATS, in however many parts it arrives", async () => {
  expect(await greetingFault(speaking(['INFO {"server_id":"x"}\r\n'], true), LIMIT_MS)).toBe(
    undefined,
  );
  expect(await greetingFault(speaking(["IN", "FO", " {"]), LIMIT_MS)).toBeUndefined();
});

test("a server that sends something else, closes or stays silent is none", async () => {
  expect(await greetingFault(speaking(["HTTP/1.1 400 Bad Request\r\n\r\n"]), LIMIT_MS)).toBe(
    'it sends "HTTP/1.1 400 Bad Request"',
  );
  expect(await greetingFault(speaking([]), LIMIT_MS)).toBe(
    "it closes the connection and sends nothing",
  );
  expect(await greetingFault(speaking([], true), 20)).toBe("nothing of NATS came within 0.02 s");
});

test("where nothing listens, or the scheme is another, the client reports it", async () => {
  expect(await greetingFault("nats://127.0.0.1:1", LIMIT_MS)).toBeUndefined();
  expect(await greetingFault("tls://127.0.0.1:1", LIMIT_MS)).toBeUndefined();
});
