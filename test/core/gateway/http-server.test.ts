import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import {
  startHttpServer,
  type Answer,
  type HttpServer,
  type ParsedRequest,
  type ReadingLimits,
} from "../../../core/gateway/http-server.ts";
import { until } from "./stand-ins.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Quick limits, for requests that never come; a test that waits for none has the server's own. */
const QUICK: ReadingLimits = { checkMs: 2, checks: 5, bytesPerCheck: 1000, idleChecks: 20 };

interface Heard extends ParsedRequest {
  readonly answer: Answer;
  isAborted: boolean;
}

function serve(
  limits?: ReadingLimits,
  onRequest: (heard: Heard) => void = () => {},
): HttpServer & { readonly heard: Heard[] } {
  const heard: Heard[] = [];
  const server = startHttpServer({
    hostname: "127.0.0.1",
    port: 0,
    ...(limits === undefined ? {} : { limits }),
    onRequest: (request, answer) => {
      const one = { ...request, answer, isAborted: false };
      answer.onAbort(() => (one.isAborted = true));
      heard.push(one);
      onRequest(one);
    },
    onMalformed: (status, message, answer) => reply(answer, message, status),
  });
  cleanups.push(() => server[Symbol.dispose]());
  return { ...server, port: server.port, heard };
}

function reply(answer: Answer, text: string, status = 200): void {
  const bytes = Buffer.from(text);
  answer.head(status, [], bytes.length);
  answer.data(bytes);
  answer.end();
}

interface Client {
  readonly socket: Socket;
  /** All that came; ends with `<end>` once the server has closed its side. */
  text(): string;
}

async function client({ port }: HttpServer): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  socket.on("close", () => (text += "<closed>"));
  socket.on("end", () => (text += "<end>"));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.on("connect", resolve));
  return { socket, text: () => text };
}

const POST = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

describe("a request that does not come", () => {
  test.each([
    ["a head that is never whole", "POST /v1/completions HTTP/1.1\r\nHost: x\r\n"],
    ["a body that is shorter than it says", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"],
    ["chunks without an end", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ["a second head, behind a whole request", `${POST}GET /`],
  ])("as %s is answered 408, and its connection closed", async (_, bytes) => {
    const server = serve(QUICK, ({ answer }) => reply(answer, "ok"));
    const { socket, text } = await client(server);
    socket.write(bytes);
    await until(() => text().includes("<end>"));
    expect(text()).toContain("HTTP/1.1 408 Request Timeout\r\n");
    expect(text()).toContain("it did not come whole in time");
  });

  test("at all: the connection is closed without a word", async () => {
    const { text } = await client(serve(QUICK));
    await until(() => text().includes("<end>"));
    expect(text()).toStartWith("<end>");
  });

  test("is another matter than an answer that takes long", async () => {
    const server = serve(QUICK);
    const waiting = await client(server);
    waiting.socket.write(POST);
    await until(() => server.heard.length === 1);
    const silent = await client(server);
    await until(() => silent.text().includes("<end>"));
    reply(server.heard[0]!.answer, "late");
    await until(() => waiting.text().includes("late"));
  });
});

describe("a client that closes its side after its request", () => {
  test("gets the answer, whether it begins before or after, and then the end", async () => {
    const server = serve();
    const { socket, text } = await client(server);
    socket.end(POST);
    await until(() => server.heard.length === 1);
    const { answer } = server.heard[0]!;
    await until(() => text().includes("100 Continue"));
    expect(server.heard[0]!.isAborted).toBe(false);
    answer.head(200, []);
    answer.data(Buffer.from("data: 1\n\n"));
    answer.end();
    await until(() => text().includes("<end>"));
    expect(text()).toContain("9\r\ndata: 1\n\n\r\n0\r\n\r\n<end>");
  });

  test("gets all of a stream that had begun, in chunks that are valid", async () => {
    const server = serve();
    const { socket, text } = await client(server);
    socket.write(POST);
    await until(() => server.heard.length === 1);
    const { answer } = server.heard[0]!;
    answer.head(200, []);
    answer.data(Buffer.from("first"));
    await until(() => text().includes("first"));
    socket.end();
    await until(() => text().endsWith("first\r\n0"));
    answer.data(Buffer.from("second"));
    answer.end();
    await until(() => text().includes("<end>"));
    expect(text()).toContain("5\r\nfirst\r\n06\r\nsecond\r\n0\r\n\r\n<end>");
  });

  test("gets the answers of all its requests in their order", async () => {
    const server = serve(undefined, ({ answer, target }) => reply(answer, `<${target}>`));
    const { socket, text } = await client(server);
    socket.end(["/a", "/b", "/c"].map((path) => `GET ${path} HTTP/1.1\r\n\r\n`).join(""));
    await until(() => text().includes("<end>"));
    expect(text().match(/<.+?>/g)).toEqual(["</a>", "</b>", "</c>", "<end>"]);
  });

  test.each(["before the answer", "in a stream"])(
    "and is gone instead aborts its request, %s",
    async (when) => {
      const server = serve();
      const { socket, text } = await client(server);
      socket.write(POST);
      await until(() => server.heard.length === 1);
      if (when === "in a stream") {
        server.heard[0]!.answer.head(200, []);
        await until(() => text().includes("chunked"));
      }
      socket.destroy();
      await until(() => server.heard[0]!.isAborted);
    },
  );

  test("in the middle of it has its connection closed", async () => {
    const { socket, text } = await client(serve());
    socket.end(POST.slice(0, -1));
    await until(() => text().includes("<end>"));
    expect(text()).toStartWith("<end>");
  });
});

test("twenty thousand requests in one piece are answered one after the other", async () => {
  const server = serve(undefined, ({ answer }) => reply(answer, ""));
  const { socket, text } = await client(server);
  socket.end("GET / HTTP/1.1\r\n\r\n".repeat(20_000));
  await until(() => text().includes("<end>"));
  expect(text().match(/HTTP\/1\.1 200/g)).toHaveLength(20_000);
});
