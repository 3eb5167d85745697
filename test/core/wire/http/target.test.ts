import { describe, expect, test } from "bun:test";
import { parseTarget, urlHost } from "../../../../core/wire/http/target.ts";

describe("parseTarget", () => {
  test.each([
    ["http://127.0.0.1:8000", ["127.0.0.1", 8000, false, "", "127.0.0.1:8000"]],
    ["http://h:8000/base/", ["h", 8000, false, "/base", "h:8000"]],
    ["https://api.example.com/v2//", ["api.example.com", 443, true, "/v2", "api.example.com"]],
    ["http://Host", ["host", 80, false, "", "host"]],
    ["http://[::1]:9", ["::1", 9, false, "", "[::1]:9"]],
  ])("takes %s apart", (url, [host, port, tls, basePath, authority]) => {
    expect(parseTarget(url)).toEqual({ host, port, tls, basePath, authority } as never);
  });

  test.each([
    ["localhost:8000", 'scheme "localhost:" is neither'],
    ["8000", "it is not a URL"],
    ["", "it is not a URL"],
    ["ftp://h/", 'scheme "ftp:"'],
    ["http://h:99999", "it is not a URL"],
    ["http://h/?a=1", "query"],
    ["http://user:secret@h/", "user name or password"],
  ])("refuses %j", (url, state) => {
    expect(() => parseTarget(url)).toThrow(state);
  });

  test("never repeats a password", () => {
    expect(() => parseTarget("http://user:secret@h/")).toThrow(/^(?!.*secret)/);
  });
});

test("an address in a URL: IPv6 in brackets, and one that listens everywhere as loopback", () => {
  expect(["127.0.0.1", "::1", "0.0.0.0", "::"].map(urlHost)).toEqual([
    ...["127.0.0.1", "[::1]", "127.0.0.1", "[::1]"],
  ]);
});
