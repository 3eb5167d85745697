import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { getPriority, setPriority } from "node:os";
import { runLoad } from "../../../core/load/load-child.ts";
import type { LoadMessage, LoadTask } from "../../../core/process/messages.ts";
import { type NullServerOptions } from "../../../core/load/null-server/null-events.ts";
import { startNullServer } from "../../../core/load/null-server/null-server.ts";
import type { LoadShape } from "../../../core/contract/plan.ts";
import type { Workload } from "../../../core/contract/workload.ts";
import type { RequestRecord } from "../../../core/contract/record.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";

// A load raises the priority of its process, which is this one: later tests have it as it was.
const priority = getPriority();
afterAll(() => setPriority(priority));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function nullServer(options: Partial<NullServerOptions> = {}) {
  const server = startNullServer({ ttftMs: 2, itlMs: 1, ...options });
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

/** A server that answers each request with these bytes, and may then close. */
function rawServer(answer: string, details: { close?: boolean } = {}) {
  const requests: string[] = [];
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket, bytes) => {
        requests.push(bytes.toString());
        socket.write(answer);
        if (details.close) socket.end();
      },
    },
  });
  cleanups.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, requests };
}

interface Setup {
  urls: readonly string[];
  load?: Partial<LoadShape>;
  specs?: (index: number) => Partial<RequestSpec>;
  wire?: Partial<LoadTask["wire"]>;
  keyHeader?: string;
  requestFields?: LoadTask["requestFields"];
  priorityDialect?: LoadTask["priorityDialect"];
  targetWorkers?: readonly string[];
  settling?: LoadTask["settling"];
  signal?: AbortSignal;
  isAsync?: boolean;
}

/** Runs a load of ten-token prompts and returns the messages of the load process. */
async function run(setup: Setup) {
  const load: LoadShape = {
    arrival: "closed",
    concurrency: 2,
    requests: 4,
    warmup: 0,
    timeoutS: 5,
    ...setup.load,
  };
  function* specs(count: number): Generator<RequestSpec> {
    for (let index = 0; index < count; index += 1) {
      const prompt = [{ content: index, tokens: 10 }];
      yield { index, prompt, isl: 10, osl: 3, ...setup.specs?.(index) };
    }
  }
  async function* asyncSpecs(count: number): AsyncGenerator<RequestSpec> {
    for (const spec of specs(count)) {
      await Promise.resolve();
      yield spec;
    }
  }
  const workload = {
    requests: (_: unknown, { count }: { count: number | undefined }) =>
      setup.isAsync ? asyncSpecs(count ?? 6) : specs(count ?? 6),
  } as unknown as Workload;
  const records: RequestRecord[] = [];
  const messages: LoadMessage[] = [];
  /** Records of each call. */
  const batches: number[] = [];
  await runLoad(taskOf(setup, load), {
    workload,
    signal: setup.signal ?? new AbortController().signal,
    emit: (lines) => {
      expect(lines.endsWith("\n")).toBe(true);
      batches.push(lines.split('{"cell":').length - 1);
      for (const line of lines.trimEnd().split("\n")) {
        if (line.startsWith('{"cell":')) records.push(JSON.parse(line));
        else messages.push(JSON.parse(line));
      }
    },
  });
  return { records, messages, batches, indexes: records.map(({ index }) => index) };
}

function taskOf(setup: Setup, load: LoadShape): LoadTask {
  const { urls, wire, keyHeader, requestFields, priorityDialect, targetWorkers = [] } = setup;
  const { settling } = setup;
  const workload = { kind: "workload", name: "test", source: "bundled", options: {} } as const;
  return {
    cell: { id: "c 1", arm: 0, parameters: {}, repeat: 0, seed: 3, workload, load },
    wire: { form: "ids", connection: "keep-alive", headers: {}, body: {}, ...wire },
    targets: urls,
    model: "m",
    targetWorkers,
    ...(keyHeader === undefined ? {} : { keyHeader }),
    ...(settling === undefined ? {} : { settling }),
    ...(requestFields === undefined ? {} : { requestFields }),
    ...(priorityDialect === undefined ? {} : { priorityDialect }),
  };
}

describe("tiers", () => {
  const TIERS = [{ name: "high", share: 1, priority: 2 }];
  const REFUSAL = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

  async function sent(details: Omit<Setup, "urls">) {
    const { url, requests } = rawServer(REFUSAL);
    const { records } = await run({ urls: [url], ...details });
    const body = requests[0]!.slice(requests[0]!.indexOf("\r\n\r\n"));
    return { record: records[0]!, body: JSON.parse(body) };
  }

  test("reach the wire as vLLM reads priorities, lower for earlier, and the record", async () => {
    const { record, body } = await sent({ load: { requests: 1, tiers: TIERS } });
    expect(body.priority).toBe(-2);
    expect(record.tier).toBe("high");
  });

  test("reach Dynamo as a hint beside the requested extra fields", async () => {
    const { body } = await sent({
      load: { requests: 1, tiers: TIERS },
      requestFields: { nvext: { extra_fields: ["worker_id"] } },
      priorityDialect: "dynamo",
    });
    expect(body.nvext).toEqual({ extra_fields: ["worker_id"], agent_hints: { priority: 2 } });
    expect(body).not.toHaveProperty("priority");
  });

  test("send no priority where it is switched off", async () => {
    const load = { requests: 1, tiers: TIERS, sendPriority: "off" as const };
    const { record, body } = await sent({ load });
    expect(body).not.toHaveProperty("priority");
    expect(record.tier).toBe("high");
  });
});

describe("a closed loop", () => {
  test("records the cached tokens that the gateway expected, and no such header of other servers", async () => {
    const answer = (header: string) =>
      rawServer(
        `HTTP/1.1 500 No\r\nx-dynbench-expected-tokens: ${header}\r\ncontent-length: 0\r\n\r\n`,
      );
    const told = async (header: string) =>
      (await run({ urls: [answer(header).url] })).records[0]!.expected;
    expect(await told("64/128")).toEqual({ tokens: 64, bestTokens: 128 });
    expect(await told("64")).toBeUndefined();
    expect(await told("-1/1e3")).toBeUndefined();
  });

  test("sends every request once and records what the server counted", async () => {
    const server = nullServer();
    const { records, messages, indexes } = await run({ urls: [server.url] });
    expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    for (const record of records) {
      expect(record).toMatchObject({
        cell: "c 1",
        phase: "measured",
        state: "ok",
        status: 200,
        isl: 10,
        promptTokens: 10,
        oslRequested: 3,
        osl: 3,
      });
      expect(record.gapsNs!.length).toBe(2);
      const { intendedNs, sentNs, headersNs, firstTokenNs, lastTokenNs, endNs } = record;
      const stamps = [intendedNs, sentNs, headersNs, firstTokenNs, lastTokenNs, endNs] as number[];
      expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
      expect(lastTokenNs).toBe(firstTokenNs! + record.gapsNs!.reduce((sum, gap) => sum + gap, 0));
    }
    expect(messages[0]!.type).toBe("started");
    expect(messages.at(-1)).toMatchObject({
      type: "done",
      health: { connections: 2, retries: 0, busyShare: expect.any(Number) },
    });
    expect(messages.at(-2)).toMatchObject({ type: "tick", sent: 4, done: 4, outputTokens: 12 });
    expect(server.connections).toBe(2);
  });

  test("sends records in small batches, however many end at once", async () => {
    const { batches, indexes } = await run({
      urls: [nullServer({ ttftMs: 20, itlMs: 0 }).url],
      load: { concurrency: 200, requests: 200 },
    });
    expect(indexes.length).toBe(200);
    expect(Math.max(...batches)).toBeLessThanOrEqual(32);
  });

  test("a slot's next request was intended for the moment its last one ended", async () => {
    const { records } = await run({ urls: [nullServer().url], load: { concurrency: 1 } });
    for (const [i, record] of records.entries()) {
      if (i > 0) expect(record.intendedNs).toBe(records[i - 1]!.endNs);
    }
  });

  test("drains the warm-up before the measured requests", async () => {
    const { records } = await run({ urls: [nullServer().url], load: { warmup: 3 } });
    expect(records.map(({ phase }) => phase)).toEqual([
      ..."aaa".split("").map(() => "warmup" as const),
      ..."aaaa".split("").map(() => "measured" as const),
    ]);
    expect(
      records
        .slice(3)
        .map(({ index }) => index)
        .toSorted((a, b) => a - b),
    ).toEqual([3, 4, 5, 6]);
    const warmEnd = Math.max(...records.slice(0, 3).map(({ endNs }) => endNs));
    expect(Math.min(...records.slice(3).map(({ intendedNs }) => intendedNs))).toBeGreaterThan(
      warmEnd,
    );
  });

  test("deals requests and slots over the targets, the remainder to the first", async () => {
    const servers = [nullServer(), nullServer(), nullServer()];
    const load = { concurrency: 4, requests: 10 };
    const { records } = await run({ urls: servers.map(({ url }) => url), load });
    expect(servers.map(({ truths }) => truths.length)).toEqual([4, 3, 3]);
    expect(servers.map(({ connections }) => connections)).toEqual([2, 1, 1]);
    for (const { index, target } of records) expect(target).toBe(index % 3);
  });

  test("with fewer slots than targets every request is still sent", async () => {
    const servers = [nullServer(), nullServer(), nullServer()];
    const { records } = await run({
      urls: servers.map(({ url }) => url),
      load: { concurrency: 2 },
    });
    expect(records.length).toBe(4);
    expect(servers.map(({ truths }) => truths.length)).toEqual([2, 2, 0]);
  });

  test("a follow-up waits for its request and its think time, also if that failed", async () => {
    for (const options of [{}, { status: 500 }]) {
      const { records, indexes } = await run({
        urls: [nullServer(options).url],
        load: { concurrency: 4 },
        specs: (index) => (index === 1 ? { after: { request: 0, thinkMs: 5 } } : {}),
      });
      const byIndex = records.toSorted((a, b) => a.index - b.index);
      expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
      expect(byIndex[1]!.intendedNs).toBe(byIndex[0]!.endNs + 5_000_000);
    }
  });

  test("sends all requests of a workload when no number is given, even of an async one", async () => {
    for (const isAsync of [false, true]) {
      const load = { requests: undefined } as unknown as LoadShape;
      const { indexes } = await run({ urls: [nullServer().url], load, isAsync });
      expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  test("a faulty workload ends the load with the reason", async () => {
    const urls = [nullServer().url];
    await expect(run({ urls, specs: () => ({ isl: 11 }) })).rejects.toThrow(
      'Request 0 of workload "test" has 11 prompt tokens, and segments of 10 together',
    );
    const failing = (index: number) => {
      if (index === 2) throw new Error("no more rows");
      return {};
    };
    await expect(run({ urls, specs: failing })).rejects.toThrow("no more rows");
  });
});

describe("an open loop", () => {
  test("keeps its timetable to the nanosecond, whatever the server does", async () => {
    const load = { arrival: "constant", rateRps: 500, requests: 6 } as const;
    const { records } = await run({ urls: [nullServer({ ttftMs: 30 }).url], load });
    const at = records.map(({ intendedNs }) => intendedNs).toSorted((a, b) => a - b);
    expect(at.map((ns) => ns - at[0]!)).toEqual([0, 2e6, 4e6, 6e6, 8e6, 10e6]);
  });

  test("above its cap requests wait, and their waiting counts", async () => {
    const load = { arrival: "constant", rateRps: 1000, requests: 4, concurrency: 1 } as const;
    const { records } = await run({ urls: [nullServer({ ttftMs: 20 }).url], load });
    for (const [i, record] of records.entries()) {
      if (i > 0) expect(record.sentNs!).toBeGreaterThanOrEqual(records[i - 1]!.endNs);
    }
    expect(records[3]!.intendedNs - records[0]!.intendedNs).toBe(3e6);
  });

  test("sends a trace at its own times", async () => {
    const load = { arrival: "trace" } as const;
    const specs = (index: number) => ({ atNs: 1e9 + index * 3e6 });
    const { records } = await run({ urls: [nullServer().url], load, specs });
    const at = records.map(({ intendedNs }) => intendedNs).toSorted((a, b) => a - b);
    expect(at.map((ns) => ns - at[0]!)).toEqual([0, 3e6, 6e6, 9e6]);
  });
});

describe("a stopped load", () => {
  test("records what was in flight as aborted, and sends nothing more", async () => {
    const server = nullServer({ silentAfter: 1 });
    const stop = new AbortController();
    const poll = setInterval(() => {
      if (
        server.truths.length === 2 &&
        server.truths.every(({ writesNs }) => writesNs.length > 0)
      ) {
        stop.abort();
      }
    }, 1);
    cleanups.push(() => clearInterval(poll));
    const { records, messages } = await run({ urls: [server.url], signal: stop.signal });
    expect(records.map(({ state }) => state)).toEqual(["aborted", "aborted"]);
    expect(records[0]!.error).toEqual({ kind: "aborted", message: "the load was stopped" });
    expect(messages.at(-1)!.type).toBe("done");
    expect(server.truths.length).toBe(2);
  });

  test("that is stopped before it begins sends nothing", async () => {
    const server = nullServer();
    const { records } = await run({ urls: [server.url], signal: AbortSignal.abort() });
    expect(records).toEqual([]);
    expect(server.truths.length).toBe(0);
  });
});

describe("requests on the wire", () => {
  test("headers: request id, key, bearer, and the user's own", async () => {
    process.env["DYNBENCH_TEST_KEY"] = "s3cret";
    cleanups.push(() => delete process.env["DYNBENCH_TEST_KEY"]);
    const { url, requests } = rawServer("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    await run({
      urls: [`${url}/base`],
      load: { requests: 1 },
      specs: () => ({ group: 4 }),
      wire: { headers: { "X-Team": "a" }, apiKeyEnv: "DYNBENCH_TEST_KEY" },
      keyHeader: "x-session",
    });
    expect(requests[0]).toStartWith("POST /base/v1/completions HTTP/1.1\r\n");
    for (const line of [
      "x-request-id: c_1/0",
      "x-session: 4",
      "authorization: Bearer s3cret",
      "x-team: a",
      "content-type: application/json",
    ]) {
      expect(requests[0]).toContain(`\r\n${line}\r\n`);
    }
  });

  test("a missing key is reported before anything is sent", async () => {
    const run1 = run({ urls: ["http://127.0.0.1:1"], wire: { apiKeyEnv: "NO_SUCH_VARIABLE" } });
    await expect(run1).rejects.toThrow('variable "NO_SUCH_VARIABLE" is not set');
  });

  test.each(["text", "chat"] as const)("%s prompts have exactly their tokens", async (form) => {
    const server = nullServer();
    const { records } = await run({ urls: [server.url], wire: { form } });
    // The null server counts words, and knows nothing of a chat's template.
    const words = form === "chat" ? 6 : 10;
    expect(records.map(({ promptTokens }) => promptTokens)).toEqual(Array(4).fill(words));
  });
});

describe("a server that fails", () => {
  const one = async (url: string, timeoutS = 5) => {
    const { records } = await run({ urls: [url], load: { requests: 1, timeoutS } });
    expect(records.length).toBe(1);
    return records[0]!;
  };
  const page = (status: string, type: string, body: string) =>
    `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  test("refuses", async () => {
    const record = await one("http://127.0.0.1:1");
    expect(record).toMatchObject({ state: "failed", osl: 0, error: { kind: "connect" } });
    expect(record.error!.message).toBe(
      "cannot connect to 127.0.0.1:1: connection refused (ECONNREFUSED)",
    );
    expect(record).not.toHaveProperty("sentNs");
    expect(record).not.toHaveProperty("status");
  });

  test("with 404, 500 or HTML is recorded with its own message", async () => {
    const missing = rawServer(page("404 Not Found", "application/json", '{"detail":"Not Found"}'));
    expect(await one(missing.url)).toMatchObject({
      status: 404,
      error: { kind: "status", message: "Not Found" },
    });
    expect(await one(nullServer({ status: 500 }).url)).toMatchObject({
      status: 500,
      error: { kind: "status", message: "the null server is set to answer 500" },
    });
    const html = rawServer(page("200 OK", "text/html", "<html><title>Login</title></html>"));
    expect((await one(html.url)).error).toEqual({
      kind: "malformed",
      message: 'the answer is no event stream but "text/html": Login:',
    });
  });

  test("closes in the middle of the stream", async () => {
    expect(await one(nullServer({ cutAfter: 2 }).url)).toMatchObject({
      state: "failed",
      osl: 2,
      firstTokenNs: expect.any(Number),
      gapsNs: [expect.any(Number)],
      error: { kind: "disconnected" },
    });
  });

  test("ends the stream without finishing it", async () => {
    const event = 'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n';
    const { url } = rawServer(page("200 OK", "text/event-stream", event));
    expect(await one(url)).toMatchObject({
      state: "failed",
      osl: 1,
      firstTokenNs: expect.any(Number),
      error: { kind: "stream" },
    });
  });

  test("sends an error frame under status 200", async () => {
    expect(await one(nullServer({ errorFrameAfter: 1 }).url)).toMatchObject({
      state: "failed",
      status: 200,
      osl: 1,
      error: { kind: "error-frame", message: "the null server is set to fail here" },
    });
  });

  test("sends an error frame and then [DONE] and a clean end, as smg 1.13.0 does when a worker dies", async () => {
    const frames = [
      { choices: [{ text: " a", finish_reason: null }] },
      { error: { message: "Stream error: connection reset", type: "stream_error" } },
    ];
    const events = [...frames.map((frame) => JSON.stringify(frame)), "[DONE]"];
    const body = events.map((event) => `data: ${event}\n\n`).join("");
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}`;
    expect(await one(rawServer(`${head}\r\n\r\n${body}`).url)).toMatchObject({
      ...{ state: "failed", status: 200, osl: 1 },
      error: { kind: "error-frame", message: "Stream error: connection reset" },
    });
  });

  test("sends malformed events, or something other than HTTP", async () => {
    expect(await one(nullServer({ malformedAfter: 1 }).url)).toMatchObject({
      osl: 1,
      error: { kind: "malformed" },
    });
    expect((await one(rawServer("hello\r\n\r\n").url)).error!.kind).toBe("malformed");
  });

  test("never answers, or stops in silence", async () => {
    expect(await one(nullServer({ silentAfter: 0 }).url, 0.05)).toMatchObject({
      state: "failed",
      error: { kind: "timeout", message: "no complete answer within 0.05 s" },
    });
    expect(await one(nullServer({ silentAfter: 2 }).url, 0.05)).toMatchObject({
      osl: 2,
      error: { kind: "timeout" },
    });
  });

  test("closes each connection after its answer without announcing it", async () => {
    const server = nullServer({ close: true });
    const { records } = await run({ urls: [server.url], load: { requests: 8 } });
    expect(records.map(({ state }) => state)).toEqual(Array(8).fill("ok"));
  });

  test("names the worker in a header", async () => {
    const event = 'data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}]}\n\n';
    const answer = page("200 OK", "text/event-stream", event).replace(
      "\r\n",
      "\r\nX-Dynbench-Worker: worker-3\r\nX-Dynbench-Prefill-Worker: worker-1\r\n",
    );
    expect(await one(rawServer(answer).url)).toMatchObject({
      state: "ok",
      worker: "worker-3",
      prefillWorker: "worker-1",
    });
    const smg = answer.replace("X-Dynbench-Worker", "X-SMG-Routed-Worker-Id");
    expect(await one(rawServer(smg).url)).toMatchObject({ worker: "worker-3" });
    const gateway = answer.replace("X-Dynbench-Worker", "X-Dynbench-Routed-To");
    expect(await one(rawServer(gateway).url)).toMatchObject({ worker: "worker-3" });
  });

  test("of the target is recorded where the load goes to workers directly", async () => {
    const servers = [nullServer(), nullServer()];
    const { records } = await run({
      urls: servers.map(({ url }) => url),
      targetWorkers: ["worker-0", "worker-1"],
    });
    expect(records.map(({ worker }) => worker ?? "none").toSorted()).toEqual([
      ...["worker-0", "worker-0", "worker-1", "worker-1"],
    ]);
  });
});

describe("a settling load", () => {
  const DONE = { type: "done" } as const;
  const settle = async (setup: Setup) => {
    const { records, messages } = await run({ settling: { seed: 9 }, ...setup });
    const done = messages.find((message) => message.type === "done");
    return { records, done };
  };

  test("repeats its batch with other prompts, in a phase of its own", async () => {
    const body = 'data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}]}\n\n';
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}`;
    const { url, requests } = rawServer(`${head}\r\n\r\n${body}`);
    const load = { concurrency: 1, requests: 3 };
    const { records, done } = await settle({
      urls: [url],
      load,
      wire: { connection: "per-request" },
    });
    const batches = records.length / 3;
    expect(batches).toBeGreaterThanOrEqual(3);
    expect(done).toMatchObject({ ...DONE, settled: { requests: records.length } });
    expect(new Set(records.map(({ phase }) => phase))).toEqual(new Set(["settling"]));
    expect(records.slice(0, 6).map(({ index }) => index)).toEqual([0, 1, 2, 0, 1, 2]);
    // No prompt comes twice, and none is one of the cell's own.
    const prompts = requests.map((text) => text.slice(text.indexOf("\r\n\r\n")));
    const own = rawServer(`${head}\r\n\r\n${body}`);
    await run({ urls: [own.url], load, wire: { connection: "per-request" } });
    prompts.push(...own.requests.map((text) => text.slice(text.indexOf("\r\n\r\n"))));
    expect(new Set(prompts).size).toBe(records.length + 3);
  });

  test("ends after a batch that nobody answers", async () => {
    const { records, done } = await settle({ urls: [rawServer("hello\r\n\r\n").url] });
    expect(records).toHaveLength(4);
    expect(done).toMatchObject({ ...DONE, settled: { isStill: false, ttftMs: [] } });
  });

  test("of a workload without requests has nothing to send", async () => {
    const { records, done } = await settle({
      ...{ urls: [nullServer().url], load: { requests: 0 } },
    });
    expect(records).toEqual([]);
    expect(done).toMatchObject({ ...DONE, settled: { requests: 0, isStill: false } });
  });

  test("ends when it is stopped", async () => {
    const { records, done } = await settle({
      ...{ urls: [nullServer({ silentAfter: 0 }).url], signal: AbortSignal.timeout(50) },
    });
    expect(records.map(({ state }) => state)).toEqual(["aborted", "aborted"]);
    expect(done).toMatchObject({ ...DONE, settled: { requests: 2 } });
  });
});
