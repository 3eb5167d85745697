import { describe, expect, test } from "bun:test";
import { viewOf } from "../../../../core/wire/http/byte-range.ts";
import { MAX_HEAD_BYTES, ResponseParser } from "../../../../core/wire/http/response-parser.ts";

interface Read {
  heads: [number, Record<string, string>][];
  body: string;
  ends: number;
  faults: string[];
  complete: boolean;
  reusable: boolean;
}

function read(pieces: readonly Uint8Array[]): Read {
  const result: Read = {
    heads: [],
    body: "",
    ends: 0,
    faults: [],
    complete: false,
    reusable: false,
  };
  const parser = new ResponseParser({
    head: ({ status, headers }) => result.heads.push([status, Object.fromEntries(headers)]),
    data: (range) => (result.body += Buffer.from(viewOf(range)).toString()),
    end: () => (result.ends += 1),
    malformed: (message) => result.faults.push(message),
  });
  for (const piece of pieces) parser.push(piece);
  result.reusable = parser.reusable;
  result.complete = parser.closed();
  return result;
}

const whole = (text: string) => read([Buffer.from(text)]);

/** The response in two pieces, cut at every byte, and byte by byte. */
function everyCut(text: string): Read[] {
  const bytes = Buffer.from(text);
  const results = [read(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))];
  for (let i = 1; i < bytes.length; i += 1) {
    results.push(read([bytes.subarray(0, i), bytes.subarray(i)]));
  }
  return results;
}

const RESPONSES: Record<string, string> = {
  counted: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
  empty: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
  chunked:
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nB;x=y\r\n, world yes\r\n0\r\nT: v\r\n\r\n",
  "upper and lower hex, bare line feeds":
    "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\na\n0123456789\n0A\n0123456789\n0\n\n",
  interim:
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "until close": "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall of this",
  "no reason phrase": "HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nno",
};

describe("ResponseParser", () => {
  for (const [name, text] of Object.entries(RESPONSES)) {
    test(`reads a ${name} response the same wherever it is cut`, () => {
      const expected = whole(text);
      expect(expected.complete).toBe(true);
      expect(expected.faults).toEqual([]);
      expect(expected.ends).toBe(1);
      for (const result of everyCut(text)) expect(result).toEqual(expected);
    });
  }

  test("passes on status, lower-case headers and the body without its framing", () => {
    const chunked = whole(RESPONSES["chunked"]!);
    expect(chunked.heads).toEqual([[200, { "transfer-encoding": "chunked" }]]);
    expect(chunked.body).toBe("hello, world yes");
    expect(whole(RESPONSES["counted"]!).heads[0]![1]).toEqual({
      "content-length": "5",
      "x-a": "b",
    });
    expect(whole(RESPONSES["interim"]!).heads).toEqual([[204, {}]]);
    expect(whole(RESPONSES["until close"]!).body).toBe("all of this");
  });

  test("joins repeated headers", () => {
    const { heads } = whole("HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n");
    expect(heads[0]![1]["a"]).toBe("1, 2");
  });

  test("reports when a connection can be reused", () => {
    const end = "Content-Length: 0\r\n\r\n";
    expect(whole(`HTTP/1.1 200 OK\r\n${end}`).reusable).toBe(true);
    expect(whole(`HTTP/1.1 200 OK\r\nConnection: close\r\n${end}`).reusable).toBe(false);
    expect(whole(`HTTP/1.0 200 OK\r\n${end}`).reusable).toBe(false);
    expect(whole(`HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${end}`).reusable).toBe(true);
    expect(whole(`HTTP/1.1 200 OK\r\n${end}stray`).reusable).toBe(false);
    expect(whole(RESPONSES["until close"]!).reusable).toBe(false);
  });

  test("an answer that stops early is not complete", () => {
    const text = RESPONSES["chunked"]!;
    for (let i = 0; i < text.length; i += 1) {
      expect(whole(text.slice(0, i)).complete).toBe(false);
    }
  });

  test.each([
    ["SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP/1.1 response"],
    ["HTTP/2 200\r\n\r\n", "not an HTTP/1.1 response"],
    ["HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "bad header line"],
    ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad content length"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "bad content length"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 'transfer encoding "gzip"'],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad chunk size line"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "bad chunk size line"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", "a chunk is longer"],
    ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "the server switched protocols"],
  ])("tells once what is wrong with %j", (text, message) => {
    for (const result of [whole(text), ...everyCut(`${text}more`)]) {
      expect(result.faults).toHaveLength(1);
      expect(result.faults[0]).toStartWith(message);
      expect(result.ends).toBe(0);
    }
  });

  test("bounds the head and the trailers", () => {
    const long = `HTTP/1.1 200 OK\r\nA: ${"x".repeat(MAX_HEAD_BYTES)}\r\n\r\n`;
    expect(whole(long).faults[0]).toStartWith("response head longer than");
    const trailers = `0\r\n${"T: v\r\n".repeat(MAX_HEAD_BYTES / 4)}\r\n`;
    const chunked = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${trailers}`;
    expect(whole(chunked).faults[0]).toStartWith("trailers longer than");
  });
});
