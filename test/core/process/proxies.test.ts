import { expect, test } from "bun:test";
import { proxyVariables, withoutProxies } from "../../../core/process/proxies.ts";

test("proxies are read in both spellings; an empty one does not count", () => {
  const env = { HTTP_PROXY: "http://p:1", all_proxy: "socks5://p", https_proxy: "", PATH: "/bin" };
  expect(proxyVariables(env)).toEqual(["HTTP_PROXY", "all_proxy"]);
});

test("foreign programs bypass proxies for this machine, and for the user's exceptions", () => {
  const env = { http_proxy: "http://p:1", NO_PROXY: "10.0.0.0/8, localhost" };
  const list = "10.0.0.0/8,localhost,127.0.0.1,::1";
  expect(withoutProxies(env)).toEqual({ no_proxy: list, NO_PROXY: list });
});

test("without a proxy nothing is set", () => {
  expect(withoutProxies({ no_proxy: "a", PATH: "/bin" })).toEqual({});
});
