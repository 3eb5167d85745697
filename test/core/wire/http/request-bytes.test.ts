import { describe, expect, test } from "bun:test";
import { requestBytes } from "../../../../core/wire/http/request-bytes.ts";
import { parseTarget } from "../../../../core/wire/http/target.ts";
import { HEADROOM } from "../../../../core/prompt/body.ts";

const target = parseTarget("http://h:8000/base");
const text = (headers: Record<string, string>, keepAlive = true) => {
  const request = { method: "POST", path: "/v1/x", headers, body: Buffer.from("hi") };
  return Buffer.from(requestBytes(target, { request, keepAlive })).toString();
};

describe("requestBytes", () => {
  test("writes head and body in one piece, under the base path", () => {
    expect(text({ "X-A": "b" })).toBe(
      "POST /base/v1/x HTTP/1.1\r\nX-A: b\r\nHost: h:8000\r\nUser-Agent: dynbench\r\n" +
        "Accept-Encoding: identity\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi",
    );
  });

  test("given headers replace the defaults, except those of framing", () => {
    const bytes = text({ host: "other", "CONTENT-LENGTH": "9", Connection: "upgrade" }, false);
    expect(bytes).toContain("host: other\r\n");
    expect(bytes).not.toContain("Host: h");
    expect(bytes.match(/content-length/gi)).toHaveLength(1);
    expect(bytes).toContain("Connection: close\r\n");
  });

  test("a header value cannot add another header", () => {
    expect(() => text({ a: "b\r\nEvil: 1" })).toThrow('not a value for header "a"');
    expect(() => text({ "a\r\nEvil": "1" })).toThrow("not a header name");
  });

  test("a GET has no length", () => {
    const request = { method: "GET", path: "/", headers: {} };
    const bytes = Buffer.from(requestBytes(target, { request, keepAlive: true })).toString();
    expect(bytes).not.toContain("Content-Length");
  });

  test("the head goes before the body in its own buffer, where it fits", () => {
    const buffer = Buffer.alloc(HEADROOM + 2);
    const body = buffer.subarray(HEADROOM);
    body.write("hi");
    const bytesWith = (headroom: number, long = "") => {
      const headers = { "x-long": long };
      const request = { method: "POST", path: "/v1/x", headers, body, headroom };
      return requestBytes(target, { request, keepAlive: true });
    };
    const inPlace = bytesWith(HEADROOM);
    expect(inPlace.buffer).toBe(buffer.buffer);
    expect(Buffer.from(inPlace).toString()).toBe(text({ "x-long": "" }));
    const exact = inPlace.length - 2;
    expect(bytesWith(exact).buffer).toBe(buffer.buffer);
    expect(bytesWith(exact - 1).buffer).not.toBe(buffer.buffer);
    const tooLong = "x".repeat(HEADROOM);
    const copied = bytesWith(HEADROOM, tooLong);
    expect(Buffer.from(copied).toString()).toBe(text({ "x-long": tooLong }));
    expect(body.toString()).toBe("hi");
  });
});
