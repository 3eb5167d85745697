import { describe, expect, test } from "bun:test";
import { RequestParser, type ParsedRequest } from "../../../core/gateway/request-parser.ts";

/** Parses the pieces; each request is answered at once. */
function parse(pieces: readonly string[]) {
  const requests: ParsedRequest[] = [];
  const said: string[] = [];
  const parser = new RequestParser({
    request: (request) => {
      requests.push(request);
      queued.push(() => parser.answered());
    },
    expectsContinue: () => void said.push("continue"),
    malformed: (status, message) => void said.push(`${status} ${message}`),
  });
  const queued: (() => void)[] = [];
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, "latin1");
    parser.push(bytes);
    bytes.fill(0); // what was pushed is valid during the call only
    for (let next = queued.shift(); next !== undefined; next = queued.shift()) next();
  }
  const bodies = requests.map(({ body }) => Buffer.from(body).toString("latin1"));
  return { requests, bodies, said };
}

const COUNTED =
  "POST /v1/completions?a=b HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nContent-Length: 5\r\nx-twice:  2 \r\n\r\nhello";
const CHUNKED =
  "POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na;ext=1\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
const BARE = "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n";

describe("RequestParser", () => {
  test("reads target, headers and counted body", () => {
    const { requests, bodies } = parse([COUNTED]);
    expect(requests[0]).toMatchObject({
      method: "POST",
      target: "/v1/completions?a=b",
      headers: { host: "x", "x-twice": "1, 2", "content-length": "5" },
      keepAlive: true,
      knowsChunks: true,
    });
    expect(bodies).toEqual(["hello"]);
    // Free bytes before the body, in the same buffer.
    expect(requests[0]!.headroom).toBeGreaterThan(0);
    expect(requests[0]!.body.byteOffset).toBeGreaterThanOrEqual(requests[0]!.headroom);
  });

  test("reads the same from bytes cut at every place, and requests sent ahead", () => {
    const all = `${COUNTED}\r\n${CHUNKED}${BARE}`;
    const whole = parse([all]);
    expect(whole.bodies).toEqual(["hello", "abc0123456789", ""]);
    expect(whole.said).toEqual([]);
    expect(whole.requests[2]!.keepAlive).toBe(false);
    for (let cut = 1; cut < all.length; cut += 1) {
      expect({ cut, ...parse([all.slice(0, cut), all.slice(cut)]) }).toEqual({ cut, ...whole });
    }
    expect(parse([...all])).toEqual(whole);
  });

  test("reports a request only after its last byte", () => {
    for (const request of [COUNTED, CHUNKED, BARE]) {
      for (let end = 0; end < request.length; end += 1) {
        expect(parse([request.slice(0, end)])).toEqual({ requests: [], bodies: [], said: [] });
      }
    }
  });

  test("holds the next request back until the answer is complete", () => {
    let seen = 0;
    const parser = new RequestParser({
      request: () => (seen += 1),
      expectsContinue: () => {},
      malformed: () => {},
    });
    parser.push(Buffer.from(BARE + BARE));
    expect(seen).toBe(1);
    parser.answered();
    expect(seen).toBe(2);
  });

  test("asks for a body that the client holds back, and not for one that has arrived", () => {
    const head = "POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    expect(parse([head, "ok"])).toMatchObject({ said: ["continue"], bodies: ["ok"] });
    expect(parse([`${head}ok`])).toMatchObject({ said: [], bodies: ["ok"] });
  });

  test("closes after HTTP/1.0 unless asked to keep", () => {
    expect(parse(["GET / HTTP/1.0\r\n\r\n"]).requests[0]).toMatchObject({
      keepAlive: false,
      knowsChunks: false,
    });
    expect(parse(["GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n"]).requests[0]!.keepAlive).toBe(
      true,
    );
  });

  test("refuses unreadable requests once, with the status of the answer", () => {
    const refused = (text: string): string[] => parse([text, text]).said.map((s) => s.slice(0, 3));
    expect(refused("hello\r\n\r\n")).toEqual(["400"]);
    expect(refused("GET / HTTP/1.1\r\nno colon\r\n\r\n")).toEqual(["400"]);
    expect(refused("GET / HTTP/1.1\r\nblank : x\r\n\r\n")).toEqual(["400"]);
    expect(refused("POST / HTTP/1.1\r\ncontent-length: 5x\r\n\r\n")).toEqual(["400"]);
    expect(refused("POST / HTTP/1.1\r\ncontent-length: 5, 6\r\n\r\n")).toEqual(["400"]);
    expect(refused("POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n")).toEqual(["400"]);
    expect(
      refused("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n"),
    ).toEqual(["400"]);
    const chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    expect(refused(`${chunked}zz\r\n`)).toEqual(["400"]);
    expect(refused(`${chunked}1\r\nabc\r\n`)).toEqual(["400"]);
    expect(refused(`${chunked}ffffffff\r\n`)).toEqual(["413"]);
    expect(refused("POST / HTTP/1.1\r\ncontent-length: 999999999\r\n\r\n")).toEqual(["413"]);
    expect(refused(`GET / HTTP/1.1\r\nx: ${"y".repeat(40_000)}`)).toEqual(["431"]);
  });
});

test("a body of a million chunks of one byte is one body, and one chunk may come in many pieces", () => {
  const head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const small = Array.from({ length: 1000 }, () => "1\r\nx\r\n".repeat(1000));
  expect(parse([head, ...small, "0\r\n\r\n"]).bodies).toEqual(["x".repeat(1_000_000)]);
  const pieces = Array.from({ length: 1000 }, () => "y".repeat(1000));
  expect(parse([`${head}f4240\r\n`, ...pieces, "\r\n0\r\n\r\n"]).bodies).toEqual([pieces.join("")]);
});

test("names that every object has are names of headers like any others", () => {
  const { requests } = parse(["GET / HTTP/1.1\r\nconstructor: a\r\n__proto__: b\r\n\r\n"]);
  expect(Object.entries(requests[0]!.headers)).toEqual([
    ["constructor", "a"],
    ["__proto__", "b"],
  ]);
});
