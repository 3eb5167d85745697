/** How preflight and ping judge servers, good and bad. */
import { afterAll, describe, expect, test } from "bun:test";
import { probe, type ProbeResult } from "../../../../core/run/setup/probe.ts";

type Answer = (request: Request) => Response | Promise<Response>;

async function ask(answer: Answer, timeoutMs = 5000, signal?: AbortSignal): Promise<ProbeResult> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  afterAll(() => server.stop(true));
  return probe(`http://127.0.0.1:${server.port}/base`, {
    path: "/v1/completions",
    body: new TextEncoder().encode("{}"),
    headers: {},
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  });
}

const stream = (...frames: string[]): Response =>
  new Response(frames.map((frame) => `data: ${frame}\n\n`).join(""), {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "x-dynbench-worker": "worker-3",
    },
  });
const token = (text: string, finish: string | null = null): string =>
  JSON.stringify({ choices: [{ text, finish_reason: finish }] });
const usage = JSON.stringify({
  choices: [],
  usage: { prompt_tokens: 7, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } },
});

describe("an answer of Dynamo", () => {
  /** Ids that are equal as doubles. */
  const ids = ["15212263236840132949", "15212263236840132950"] as const;
  const served = (prefill: string, timing = "") =>
    ask(() => {
      const worker = `"worker_id":{"prefill_worker_id":${prefill},"decode_worker_id":${ids[0]}}`;
      const first = `{"choices":[{"text":"a","finish_reason":"length"}],"nvext":{${worker}${timing}}}`;
      return new Response(`data: ${first}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`, {
        headers: { "content-type": "text/event-stream" },
      });
    });

  test("names its workers with every digit", async () => {
    expect(await served(ids[0])).toMatchObject({ worker: ids[0], cachedTokens: 4 });
    expect(await served(ids[1])).toMatchObject({ worker: ids[0], prefillWorker: ids[1] });
  });

  test("of split workers has the cached tokens that the router reports, or none", async () => {
    // Usage speaks of the decode worker; 0.75 of 7 prompt tokens are 5.25.
    const { cachedTokens } = await served(ids[1], ',"timing":{"kv_hit_rate":0.75}');
    expect(cachedTokens).toBe(5);
    expect((await served(ids[1])).cachedTokens).toBeUndefined();
  });
});

describe("a good answer", () => {
  test("is read with its usage and its worker, also below a base path", async () => {
    let path = "";
    let type: string | null = "";
    const result = await ask((request) => {
      path = new URL(request.url).pathname;
      type = request.headers.get("content-type");
      return stream(token("a"), token("b", "length"), usage, "[DONE]");
    });
    expect(path).toBe("/base/v1/completions");
    expect(type).toBe("application/json"); // vLLM refuses a body of any other type
    expect(result).toEqual({
      ...{ fault: undefined, status: 200, text: "ab", contentChunks: 2, worker: "worker-3" },
      ...{ promptTokens: 7, cachedTokens: 4, outputTokens: 2 },
    });
  });

  test("may be a chat's, and may lack usage", async () => {
    const delta = (content: string, finish: string | null = null) =>
      JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] });
    const result = await ask(() => stream(delta("hi"), delta("", "stop")));
    expect(result).toMatchObject({ fault: undefined, contentChunks: 1, promptTokens: undefined });
  });
});

describe("a bad answer", () => {
  const cases: [why: string, answer: Answer, fault: string][] = [
    ["a status", () => new Response("no", { status: 404 }), "HTTP 404: no"],
    [
      "an OpenAI error",
      () => Response.json({ error: { message: "model not found" } }, { status: 400 }),
      "HTTP 400: model not found",
    ],
    ["an empty refusal", () => new Response("", { status: 503 }), "HTTP 503: an empty body"],
    [
      "a whole body",
      () => Response.json({ ok: 1 }),
      "expected a stream of events, got application/json",
    ],
    ["no content", () => stream("[DONE]"), "no content came"],
    ["no end", () => stream(token("a")), "the stream ended without a finish reason or [DONE]"],
    ["a broken frame", () => stream(token("a"), "{oops"), "a frame that is not JSON"],
    [
      "an error frame",
      () => stream(token("a"), JSON.stringify({ error: { message: "boom" } })),
      "an error in the stream: boom",
    ],
  ];
  for (const [why, answer, fault] of cases) {
    test(`${why} is reported`, async () => expect((await ask(answer)).fault).toStartWith(fault));
  }

  test("that never ends is cut short", async () => {
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(32)),
        }),
      );
    expect((await ask(endless)).fault).toBe("the answer does not end");
  });

  test("that never comes is awaited up to the time limit", async () => {
    const { fault } = await ask(() => new Promise(() => {}), 50);
    expect(fault).toBe("no complete answer within 0.05 s");
  });

  test("is no longer awaited when the run is over", async () => {
    const stop = new AbortController();
    const asked = ask(
      () => {
        stop.abort(new Error("enough"));
        return new Promise(() => {});
      },
      60_000,
      stop.signal,
    );
    await expect(asked).rejects.toThrow("enough");
  });

  test("a refused connection is reported", async () => {
    const result = await probe("http://127.0.0.1:1", {
      ...{ path: "/", body: new Uint8Array(), headers: {}, timeoutMs: 1000 },
    });
    expect(result.fault).toMatch(/refused|ECONNREFUSED/i);
    expect(result.status).toBeUndefined();
  });
});
