/**
 * A worker that computes nothing: it answers at once, caches every block of every prompt, reports the
 * cached tokens, and publishes KV events as vLLM does.
 */
import {
  blockHashes,
  encodeKvBatch,
  encodeSequence,
  hashBlocks,
  startPublisher,
  startReplayServer,
  type Worker,
} from "dynbench/engine";

export interface CachingWorker extends AsyncDisposable {
  readonly worker: Worker;
  /** Requests answered. */
  readonly served: number;
}

const TOPIC = "kv-events";
const MODEL = "m";

interface Completion {
  readonly prompt: readonly number[] | string;
  readonly max_tokens?: number;
  readonly stream?: boolean;
}

/** Listens on loopback until disposed. Prompts are token ids; of a text every byte is a token. */
export function startCachingWorker(id: string, blockSize: number): CachingWorker {
  const host = "127.0.0.1";
  const publisher = startPublisher({ host, port: 0 });
  const sent: Uint8Array[] = [];
  const replay = startReplayServer({
    host,
    port: 0,
    topic: TOPIC,
    form: "topic",
    from: (first) => sent.map((payload, sequence) => ({ sequence, payload })).slice(first),
  });
  const cached = new Set<bigint>();
  /** Number of cached tokens of the prompt, whose whole blocks are cached from now on. */
  const take = (tokens: Uint32Array): number => {
    const out = blockHashes(0);
    const count = hashBlocks(tokens, blockSize, out);
    const hashes = Array.from({ length: count }, (_, i) => {
      return (BigInt(out.high[i]!) << 32n) | BigInt(out.low[i]!);
    });
    const fresh = hashes.findIndex((hash) => !cached.has(hash));
    if (fresh === -1) return count * blockSize;
    const event = {
      type: "stored" as const,
      hashes: hashes.slice(fresh),
      parent: hashes[fresh - 1],
      tokens: tokens.subarray(fresh * blockSize, count * blockSize),
      blockSize,
    };
    for (const hash of event.hashes) cached.add(hash);
    sent.push(encodeKvBatch({ tsS: 0, rank: 0, events: [event] }, "map"));
    publisher.send([Buffer.from(TOPIC), encodeSequence(sent.length - 1), sent.at(-1)!]);
    return fresh * blockSize;
  };
  let served = 0;
  const server = Bun.serve({
    hostname: host,
    port: 0,
    routes: {
      "/health": () => new Response(""),
      "/v1/models": () => Response.json({ object: "list", data: [{ id: MODEL, object: "model" }] }),
      "/v1/completions": async (request) => {
        const { prompt, max_tokens: osl = 1, stream } = (await request.json()) as Completion;
        const tokens = Uint32Array.from(typeof prompt === "string" ? Buffer.from(prompt) : prompt);
        served += 1;
        const usage = {
          prompt_tokens: tokens.length,
          completion_tokens: osl,
          total_tokens: tokens.length + osl,
          prompt_tokens_details: { cached_tokens: take(tokens) },
        };
        return answer(osl, usage, stream === true);
      },
    },
    fetch: () => new Response("", { status: 404 }),
  });
  return {
    worker: {
      id,
      url: `http://${host}:${server.port}`,
      role: "aggregated",
      blockSize,
      kvEvents: {
        endpoint: `tcp://${host}:${publisher.port}`,
        replayEndpoint: `tcp://${host}:${replay.port}`,
        topic: TOPIC,
      },
    },
    get served() {
      return served;
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop(true);
      await publisher[Symbol.asyncDispose]();
      await replay[Symbol.asyncDispose]();
    },
  };
}

function answer(osl: number, usage: object, isStreamed: boolean): Response {
  const choice = (text: string, isLast: boolean): object => ({
    ...{ id: "cmpl-0", object: "text_completion", model: MODEL },
    choices: [{ index: 0, text, finish_reason: isLast ? "length" : null }],
  });
  if (!isStreamed) return Response.json({ ...choice("a".repeat(osl), true), usage });
  const chunks = [
    ...Array.from({ length: osl }, (_, i) => JSON.stringify(choice("a", i === osl - 1))),
    JSON.stringify({ ...choice("", true), choices: [], usage }),
    "[DONE]",
  ];
  const text = chunks.map((each) => `data: ${each}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}
