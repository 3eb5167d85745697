import { afterAll, describe, expect, test } from "bun:test";
import { v } from "dynbench";
import { cacheConfig, kvEventSource, type StartContext } from "dynbench/engine";
import { attach } from "../../../plugins/engines/attach.ts";
import { mocker } from "../../../plugins/engines/mocker/mocker.ts";
import { attach as attachRouter } from "../../../plugins/routers/attach.ts";
import { direct } from "../../../plugins/routers/direct.ts";
import { inProcessContext } from "../../conformance/in-process.ts";

const stops: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(stops.map((stop) => stop())));

/** A server that answers each path with the given text; everything else is 404. */
function serve(answers: Record<string, string>): { url: string; asked: string[] } {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      const answer = answers[pathname];
      return answer === undefined
        ? new Response("nothing here", { status: 404 })
        : new Response(answer);
    },
  });
  stops.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, asked };
}

const models = (...ids: string[]): string =>
  JSON.stringify({ object: "list", data: ids.map((id) => ({ id, max_model_len: 16_384 })) });

/** Label order and neighbours as vLLM 0.32 writes them. */
const METRICS = `# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{_block_size_resolved="True",block_size="64",cache_dtype="auto",engine="0",num_gpu_blocks="3089",num_gpu_blocks_override="None"} 1.0
`;

const SOURCES = JSON.stringify({
  "0": {
    enable_kv_cache_events: true,
    publisher: "zmq",
    endpoint: "tcp://*:15003",
    replay_endpoint: "tcp://*:15004",
    buffer_steps: 10_000,
    topic: "kv-events",
  },
});

function context(): StartContext {
  return { signal: new AbortController().signal } as StartContext;
}

function start(raw: Record<string, unknown>) {
  return attach.start!(v.parse(attach.options, raw), "http", context());
}

describe("attach engine", () => {
  test("finds model, sizes, events and metrics of a worker that reports them", async () => {
    const worker = serve({
      "/v1/models": models("tiny"),
      "/metrics": METRICS,
      "/kv_event_sources": SOURCES,
      "/version": '{"version":"0.32.0"}',
    });
    await using engine = await start({ workerUrl: [`${worker.url}/`] });
    expect(engine.servedModelName).toBe("tiny");
    expect(engine.workers).toEqual([
      {
        id: "worker-0",
        url: worker.url,
        role: "aggregated",
        blockSize: 64,
        kvBlocks: 3089,
        maxModelLen: 16_384,
        kvEvents: {
          endpoint: "tcp://127.0.0.1:15003",
          replayEndpoint: "tcp://127.0.0.1:15004",
          topic: "kv-events",
        },
        metricsUrl: `${worker.url}/metrics`,
      },
    ]);
    expect(engine.facts).toEqual({
      servedModelName: "tiny",
      workers: [{ url: worker.url, version: "0.32.0" }],
    });
  });

  test("changes nothing unless it is allowed to", async () => {
    const worker = serve({
      "/v1/models": models("tiny"),
      "/metrics": METRICS,
      "/reset_prefix_cache": '{"success":true}',
    });
    const plain = await start({ workerUrl: [worker.url] });
    expect(plain.resetCache).toBeUndefined();
    expect(worker.asked.every((line) => line.startsWith("GET "))).toBe(true);
    const allowed = await start({ workerUrl: [worker.url], allowReset: true });
    await allowed.resetCache!();
    expect(worker.asked.at(-1)).toBe("POST /reset_prefix_cache");
  });

  test("a reset that the worker refuses is an error", async () => {
    const worker = serve({
      "/v1/models": models("tiny"),
      "/metrics": METRICS,
      "/reset_prefix_cache": '{"success":false}',
    });
    const engine = await start({ workerUrl: [worker.url], allowReset: true });
    await expect(engine.resetCache!()).rejects.toThrow(/answered {"success":false}/);
  });

  test("asks for the block size where the worker does not report it", async () => {
    const worker = serve({ "/v1/models": models("tiny") });
    await expect(start({ workerUrl: [worker.url] })).rejects.toThrow(
      "does not report its block size",
    );
    const engine = await start({ workerUrl: [worker.url], blockSize: 16 });
    expect(engine.workers[0]).toEqual({
      id: "worker-0",
      url: worker.url,
      role: "aggregated",
      blockSize: 16,
      maxModelLen: 16_384,
    });
  });

  test("takes the model that all workers have, and lists their models when there is none", async () => {
    const both = serve({ "/v1/models": models("a", "b"), "/metrics": METRICS });
    const one = serve({ "/v1/models": models("b"), "/metrics": METRICS });
    const other = serve({ "/v1/models": models("c"), "/metrics": METRICS });
    expect((await start({ workerUrl: [both.url, one.url] })).servedModelName).toBe("b");
    await expect(start({ workerUrl: [both.url, other.url] })).rejects.toThrow("no model in common");
    await expect(start({ workerUrl: [one.url], servedModelName: "a" })).rejects.toThrow(
      'not all serve "a"',
    );
  });

  test("names the URL when a worker refuses, or answers with something else", async () => {
    const html = serve({ "/v1/models": "<html>welcome</html>" });
    await expect(start({ workerUrl: [html.url] })).rejects.toThrow(
      `Cannot read ${html.url}/v1/models: expected JSON, got "<html>welcome</html>"`,
    );
    const missing = serve({});
    await expect(start({ workerUrl: [missing.url] })).rejects.toThrow(
      `Cannot GET ${missing.url}/v1/models: status 404, nothing here`,
    );
    await expect(start({ workerUrl: ["http://127.0.0.1:1"] })).rejects.toThrow(
      "Cannot GET http://127.0.0.1:1/v1/models",
    );
  });

  test("finds of a mocker all that the mocker's own engine reports", async () => {
    const options = v.parse(mocker.options, { workers: 2, timing: "h100", blockSize: 32 });
    await using own = await mocker.start!(options, "http", inProcessContext(mocker, ""));
    await using attached = await start({ workerUrl: own.workers.map(({ url }) => url) });
    expect(attached.workers).toEqual(own.workers);
    expect(attached.servedModelName).toBe(own.servedModelName);
  });

  test("without workers it represents the workers behind an attached router", async () => {
    const engine = await start({});
    expect(engine.workers).toEqual([]);
    expect(engine.servedModelName).toBe("");
    expect(engine.resetCache).toBeUndefined();
  });
});

describe("what workers report", () => {
  test("block sizes are read from the info gauge alone", () => {
    expect(cacheConfig(METRICS)).toEqual({ blockSize: 64, kvBlocks: 3089 });
    expect(cacheConfig('other{block_size="3"} 1\n')).toEqual({
      blockSize: undefined,
      kvBlocks: undefined,
    });
    expect(cacheConfig('vllm:cache_config_info{num_gpu_blocks="None"} 1')).toEqual({
      blockSize: undefined,
      kvBlocks: undefined,
    });
  });

  test("event sources are read in both forms, also when switched off or without replay", () => {
    const array = [{ endpoint: "tcp://10.0.0.1:5557", replay_endpoint: null, topic: "" }];
    expect(kvEventSource(array, "http://host:1")).toEqual({
      endpoint: "tcp://10.0.0.1:5557",
      topic: "",
    });
    const off = { "0": { endpoint: "tcp://*:1", enable_kv_cache_events: false } };
    expect(kvEventSource(off, "http://host:1")).toBeUndefined();
    for (const nothing of [undefined, null, {}, [], "x", { "0": 3 }]) {
      expect(kvEventSource(nothing, "http://host:1")).toBeUndefined();
    }
  });
});

describe("attach router", () => {
  const engineWith = (servedModelName: string) =>
    ({ workers: [], servedModelName, facts: {} }) as never;

  test("finds the model when the engine does not know it", async () => {
    const router = serve({ "/v1/models": models("tiny") });
    const options = v.parse(attachRouter.options, { url: [`${router.url}/`] });
    const handle = await attachRouter.start!(options, engineWith(""), context());
    expect(handle.urls).toEqual([router.url]);
    expect(handle.servedModelName).toBe("tiny");
  });

  test("refuses routers that do not all serve the engine's model", async () => {
    const a = serve({ "/v1/models": models("a") });
    const b = serve({ "/v1/models": models("a", "b") });
    const options = v.parse(attachRouter.options, { url: [a.url, b.url] });
    await expect(attachRouter.start!(options, engineWith("b"), context())).rejects.toThrow(
      'not all serve "b"',
    );
    const handle = await attachRouter.start!(options, engineWith("a"), context());
    expect(handle.servedModelName).toBe("a");
  });

  test("needs at least one URL, and only http ones", () => {
    for (const raw of [{}, { url: [] }, { url: ["localhost:8000"] }]) {
      expect(v.safeParse(attachRouter.options, raw).success).toBe(false);
    }
  });
});

describe("direct router", () => {
  test("hands out the workers' own addresses, and refuses an engine without any", async () => {
    const workers = [{ url: "http://a" }, { url: "http://b" }];
    const handle = await direct.start!({}, { workers } as never, context());
    expect(handle.urls).toEqual(["http://a", "http://b"]);
    await expect(direct.start!({}, { workers: [] } as never, context())).rejects.toThrow(
      "the engine has no workers",
    );
  });
});
