/**
 * Stands in for a Python that has SGLang or TensorRT-LLM: answers dynbench's questions about itself
 * and serves the API that their sources have (SGLang 0.5 `srt/entrypoints/http_server.py` and
 * `srt/disaggregation/kv_events.py`; TensorRT-LLM 1.2 `serve/openai_server.py`), computing nothing.
 *
 * `STAND_IN` selects its fault: `oom`, `no-package` and `gated` never start.
 */
import { readFileSync } from "node:fs";
import { encodeKvBatch, type KvEvent } from "../../../../core/routing/kv/kv-events.ts";
import { startPublisher } from "../../../../core/wire/zmq/publisher.ts";
import { startReplayServer } from "../../../../core/wire/zmq/replay.ts";
import { encodeSequence } from "../../../../core/wire/zmq/sequence.ts";
import { DOCUMENTED, OOM_LINE } from "./documented.ts";

const [, , first, ...rest] = process.argv;
const mode = process.env.STAND_IN ?? "";
const WITHOUT = { python: "3.12.3", versions: {}, program: null, flags: [], failures: [] };

if (first === "-c") answerAbout(JSON.parse(rest[1]!) as { distributions?: string[] } | string[]);
else serve(rest[0]!, rest.slice(1));

/** Which of the packages it has. */
function factsAbout(packages: readonly string[]): object {
  const there = mode === "no-package" ? [] : packages.filter((name) => name in DOCUMENTED);
  return {
    ...{ path: "/usr/bin/python3", version: "3.12.3", scripts: "/usr/bin" },
    packages: Object.fromEntries(there.map((name) => [name, DOCUMENTED[name as "sglang"].version])),
  };
}

function answerAbout(asked: { distributions?: string[] } | string[]): void {
  if (Array.isArray(asked)) return console.log(JSON.stringify(factsAbout(asked)));
  const { distributions } = asked;
  if (distributions === undefined) {
    const whole = { hasConfig: true, hasTokenizer: true, hasChatTemplate: true, isHybrid: false };
    const found = { path: "/models/tiny", quantization: null, ...whole };
    const gated = { failure: "GatedRepoError", message: "401 Client Error" };
    console.log(JSON.stringify(mode === "gated" ? gated : found));
    return;
  }
  const name = distributions[0] as keyof typeof DOCUMENTED;
  if (!(name in DOCUMENTED)) return console.log(JSON.stringify(WITHOUT));
  const { version, program, flags } = DOCUMENTED[name];
  const versions = mode === "no-package" ? {} : { [name]: version };
  console.log(JSON.stringify({ python: "3.12.3", versions, program, flags, failures: [] }));
}

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly model: string;
  readonly blockSize: number;
  readonly maxModelLen: number;
  /** Stored blocks are passed to it. */
  readonly tell: (event: KvEvent) => void;
}

function serve(module: string, args: readonly string[]): void {
  const value = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  console.log("loading weights");
  if (mode === "oom") {
    console.log(OOM_LINE);
    process.exit(1);
  }
  const place = { host: value("--host")!, port: Number(value("--port")) };
  if (module === "sglang.launch_server") serveSglang(place, value);
  else serveTrtllm(place, { model: args[1]!, value });
}

function serveSglang(
  place: { host: string; port: number },
  value: (flag: string) => string | undefined,
): void {
  const config = JSON.parse(value("--kv-events-config")!) as {
    publisher: string;
    endpoint: string;
    replay_endpoint: string;
    topic: string;
  };
  const portOf = (endpoint: string): number => Number(/^tcp:\/\/\*:(\d+)$/.exec(endpoint)![1]);
  const kept: { sequence: number; payload: Uint8Array }[] = [];
  const publisher = startPublisher({ host: "0.0.0.0", port: portOf(config.endpoint) });
  startReplayServer({
    ...{ host: "0.0.0.0", port: portOf(config.replay_endpoint), topic: "", form: "bare" },
    from: (sequence) => kept.filter((each) => each.sequence >= sequence),
  });
  const topic = new TextEncoder().encode(config.topic);
  const blockSize = Number(value("--page-size"));
  const model = value("--served-model-name") ?? value("--model-path")!;
  const maxModelLen = Number(value("--context-length"));
  const server = createServer({
    ...{ ...place, model, blockSize, maxModelLen },
    tell: (event) => {
      const payload = encodeKvBatch({ tsS: 1, rank: 0, events: [event] }, "array");
      const sequence = kept.push({ sequence: kept.length, payload }) - 1;
      publisher.send([topic, encodeSequence(sequence), payload]);
    },
  });
  server.on("GET /server_info", () =>
    Response.json({
      ...{ page_size: blockSize, max_total_num_tokens: 4096 * blockSize + 1, version: "0.5.9" },
      context_length: maxModelLen,
    }),
  );
  server.on("GET /metrics", () => new Response("sglang:num_running_reqs 0.0\n"));
  server.on("POST /flush_cache", () => {
    server.clear();
    return new Response("Cache flushed.\n");
  });
}

function serveTrtllm(
  place: { host: string; port: number },
  { model, value }: { model: string; value: (flag: string) => string | undefined },
): void {
  const config = JSON.parse(readFileSync(value("--config")!, "utf8")) as {
    kv_cache_config: { tokens_per_block: number; event_buffer_max_size: number };
  };
  const blockSize = config.kv_cache_config.tokens_per_block;
  let waiting: string[] = ['{"event_id":0,"data":{"type":"created"},"window_size":32768}'];
  const maxModelLen = Number(value("--max_seq_len"));
  const server = createServer({
    ...{ ...place, model: model.split("/").at(-1)!, blockSize, maxModelLen },
    tell: (event) => {
      if (event.type !== "stored" || config.kv_cache_config.event_buffer_max_size === 0) return;
      const blocks = event.hashes.map((hash, i) => {
        const own = [...event.tokens].slice(i * blockSize, (i + 1) * blockSize);
        const tokens = own.map((id) => `{"token_id":${id},"token_extra_id":0}`);
        return `{"type":"stored_block","block_hash":${hash},"tokens":[${tokens.join()}],"lora_id":null,"cache_level":0,"priority":35}`;
      });
      const parent = event.parent ?? null;
      waiting.push(
        `{"event_id":${waiting.length},"data":{"type":"stored","parent_hash":${parent},"blocks":[${blocks.join()}]},"window_size":32768}`,
      );
    },
  });
  server.on("GET /version", () => Response.json({ version: "1.2.0" }));
  server.on("GET /metrics", () =>
    Response.json([{ iter: 1, kvCacheStats: { maxNumBlocks: 4096, tokensPerBlock: blockSize } }]),
  );
  server.on("GET /prometheus/metrics", () => new Response("request_success_total 1.0\n"));
  server.on("POST /kv_cache_events", () => {
    const body = `[${waiting.join()}]`;
    waiting = [];
    return new Response(body, { headers: { "content-type": "application/json" } });
  });
}

/** Common to both: OpenAI's paths, and a cache of leading blocks that never evicts. */
function createServer(settings: Settings) {
  const { host, port, model, blockSize, maxModelLen } = settings;
  const paths = new Map<string, (request: Request) => Response | Promise<Response>>();
  const cached = new Set<bigint>();
  paths.set("GET /health", () => new Response(null));
  paths.set("GET /v1/models", () => Response.json({ object: "list", data: [{ id: model }] }));
  paths.set("POST /v1/completions", async (request) => {
    const body = (await request.json().catch(() => ({}))) as Asked;
    const refused = refusal(body, { model, maxModelLen });
    return refused ?? complete(body, hit(body.prompt));
  });
  /** Number of leading blocks that earlier prompts stored, without the block of the last token. */
  const hit = (prompt: readonly number[]): number => {
    const whole = Math.floor(prompt.length / blockSize);
    const hashes = Array.from({ length: whole }, (_, i) =>
      BigInt.asUintN(64, Bun.hash(prompt.slice(0, (i + 1) * blockSize).join())),
    );
    const known = hashes.findIndex((hash) => !cached.has(hash));
    const found = known < 0 ? hashes.length : known;
    if (found < whole) {
      for (const hash of hashes) cached.add(hash);
      settings.tell({
        ...{ type: "stored", hashes: hashes.slice(found), parent: hashes[found - 1], blockSize },
        tokens: prompt.slice(found * blockSize, whole * blockSize),
      });
    }
    return Math.min(found, Math.floor((prompt.length - 1) / blockSize)) * blockSize;
  };
  Bun.serve({
    hostname: host,
    port,
    fetch: (request) => {
      const path = paths.get(`${request.method} ${new URL(request.url).pathname}`);
      return path?.(request) ?? Response.json({ detail: "Not Found" }, { status: 404 });
    },
  });
  return {
    on: (path: string, answer: (request: Request) => Response) => paths.set(path, answer),
    clear: () => cached.clear(),
  };
}

interface Asked {
  readonly model: string;
  readonly prompt: number[];
  readonly max_tokens: number;
  readonly stream?: boolean;
}

function refusal(
  { model, prompt, max_tokens: osl = 16 }: Partial<Asked>,
  served: { model: string; maxModelLen: number },
): Response | undefined {
  const error = (status: number, type: string): Response =>
    Response.json({ error: { message: "refused", type, code: status } }, { status });
  if (model !== undefined && model !== served.model) return error(404, "NotFoundError");
  const isWrong = !Array.isArray(prompt) || prompt.length === 0 || typeof osl !== "number";
  if (isWrong || prompt.length > served.maxModelLen) return error(400, "BadRequestError");
  return undefined;
}

function complete({ prompt, max_tokens: osl, stream }: Asked, cachedTokens: number): Response {
  const usage = {
    ...{ prompt_tokens: prompt.length, completion_tokens: osl, total_tokens: prompt.length + osl },
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
  const choice = (last: boolean) => ({
    index: 0,
    text: "x",
    finish_reason: last ? "length" : null,
  });
  if (!stream) return Response.json({ choices: [choice(true)], usage });
  const frames = [
    ...Array.from({ length: osl }, (_, i) => ({ choices: [choice(i + 1 === osl)] })),
    { choices: [], usage },
  ];
  const events = [...frames.map((frame) => JSON.stringify(frame)), "[DONE]"];
  return new Response(events.map((data) => `data: ${data}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}
