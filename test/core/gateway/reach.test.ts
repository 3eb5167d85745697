import { describe, expect, test } from "bun:test";
import {
  nameOf,
  refusalOfControl,
  refusalOfPrompt,
  TOKEN_HEADER,
} from "../../../core/gateway/reach.ts";
import { answerStream, firstEligible, gatewayOf, startWorker } from "./stand-ins.ts";

const JSON_BODY = { "content-type": "application/json" };

describe("state of the gateway", () => {
  const at = (host: string | undefined, boundTo = "127.0.0.1"): number | undefined =>
    refusalOfControl(host === undefined ? {} : { host }, { boundTo: nameOf(boundTo) })?.status;

  test("is read under a name of loopback, or the address that the gateway is bound to", () => {
    for (const host of [
      "127.0.0.1:80",
      "localhost",
      "LOCALHOST:8000",
      "127.1.2.3:1",
      "[::1]:8000",
    ]) {
      expect([host, at(host)]).toEqual([host, undefined]);
    }
    expect(at("10.0.0.5:8000", "10.0.0.5")).toBeUndefined();
    expect(at("gpu-1:8000", "gpu-1")).toBeUndefined();
    expect(at("[fe80::1]:8000", "FE80:0::1")).toBeUndefined();
    expect(at("[::1]:8000", "::")).toBeUndefined();
  });

  test("is read under no other name", () => {
    for (const host of [
      ...["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.5"],
      ...[
        "evil@127.0.0.1x",
        "127.0.0.1, evil.example",
        "",
        "0.0.0.0",
        "localhost:80:80x",
        undefined,
      ],
    ]) {
      expect([host, at(host)]).toEqual([host, 403]);
      expect([host, at(host, "0.0.0.0")]).toEqual([host, 403]);
    }
  });

  test("is not for pages, and changes only with the token of the run", () => {
    const host = "127.0.0.1:8000";
    const to = { boundTo: "127.0.0.1", token: "t" };
    for (const origin of [
      "http://evil.example",
      "http://127.0.0.1:9",
      "https://127.0.0.1:8000",
      "null",
    ]) {
      expect([origin, refusalOfControl({ host, origin, [TOKEN_HEADER]: "t" }, to)?.status]).toEqual(
        [origin, 403],
      );
    }
    const own = { host, origin: `http://${host}` };
    expect(refusalOfControl({ ...own, [TOKEN_HEADER]: "t" }, to)).toBeUndefined();
    expect(refusalOfControl({ host }, to)?.message).toContain(TOKEN_HEADER);
    expect(refusalOfControl({ host, [TOKEN_HEADER]: "x" }, to)?.status).toBe(403);
  });
});

describe("a request for the workers", () => {
  const refused = (headers: Record<string, string>): number | undefined =>
    refusalOfPrompt(headers, "127.0.0.1")?.status;

  test("is JSON, which no page may send without asking first", () => {
    for (const type of ["application/json", "Application/JSON; charset=utf-8"]) {
      expect(refused({ "content-type": type })).toBeUndefined();
    }
    for (const type of ["text/plain", "text/plain;application/json", "application/jsonx", ""]) {
      expect([type, refused({ "content-type": type })]).toEqual([type, 415]);
    }
    expect(refused({})).toBe(415);
  });

  test("comes under any name, but from no page of another", () => {
    expect(refused({ ...JSON_BODY, host: "gpu-1:8000" })).toBeUndefined();
    expect(refused({ ...JSON_BODY, host: "h", origin: "http://evil.example" })).toBe(403);
    const rebound = { host: "evil.example:8000", origin: "http://evil.example:8000" };
    expect(refused({ ...JSON_BODY, ...rebound })).toBe(403);
  });
});

test("the gateway answers neither state nor reset to others, and passes nothing of theirs on", async () => {
  let served = 0;
  using worker = startWorker("worker-0", (received) => {
    served += 1;
    answerStream(received);
  });
  await using gateway = await gatewayOf([worker.worker], firstEligible);
  const status = async (path: string, method: string, headers: Record<string, string>) => {
    const body = method === "POST" ? { body: '{"prompt":[1]}' } : {};
    return (await fetch(gateway.url + path, { method, headers, ...body })).status;
  };
  const [state, reset] = ["/dynbench/state", "/dynbench/reset"];
  const prompt = "/v1/completions";
  expect(await status(prompt, "POST", JSON_BODY)).toBe(200);
  const origin = "http://evil.example";
  expect(await status(state, "GET", { host: "evil.example" })).toBe(403);
  expect(await status(state, "GET", { origin })).toBe(403);
  expect(await status(reset, "POST", {})).toBe(403);
  expect(await status(reset, "POST", { [TOKEN_HEADER]: "guessed" })).toBe(403);
  expect(await status(prompt, "POST", { "content-type": "text/plain" })).toBe(415);
  expect(await status(prompt, "POST", { ...JSON_BODY, origin })).toBe(403);
  expect(served).toBe(1);
  expect((await gateway.state()).requests).toBe(1);
  expect((await gateway.reset()).status).toBe(200);
  expect((await gateway.state()).requests).toBe(0);
});
