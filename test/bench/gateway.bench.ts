/**
 * Time that the gateway adds: `kv` over 8 workers with a filled index, prompts of 14,000 token ids
 * (85 KB), kept connections; and the same trivial upstream asked directly, in turn, in one run.
 * Upstream and gateway are processes of their own, as in a run; the client is that of the load.
 */
import { randomStream } from "../../core/base/random.ts";
import { HttpClient, parseTarget } from "../../core/wire/http/client.ts";
import { monotonicNs } from "../../core/system/clock.ts";
import type { Worker } from "../../core/contract/request.ts";
import { startDynamoFrontend } from "./dynamo-rival.ts";
import { RIVALS, startRival, type Rival } from "./rival-routers.ts";
import type { Row } from "./row.ts";

const WORKERS = 8;
const PROMPTS = 20;
const PROMPT_TOKENS = 14_000;
const BLOCK_SIZE = 64;
const WARM_UP = 300;
/** Short rounds, so that other work of the machine disturbs only some of them. */
const ROUNDS = 7;
const PAIRS = 300;
const CONCURRENCY = 16;
const THROUGHPUT_REQUESTS = 3_000;

export const name = "gateway";

export async function run(): Promise<Row[]> {
  await using upstream = await startChild("upstream");
  const workers = upstream.ready as Worker[];
  await using gateway = await startChild("gateway", workers);
  const { port } = gateway.ready as { port: number };
  const bodies = Array.from({ length: PROMPTS }, (_, i) => bodyOf(promptOf(i)));
  const direct = new HttpClient(parseTarget(workers[0]!.url), { connection: "keep-alive" });
  const routed = new HttpClient(parseTarget(`http://127.0.0.1:${port}`), {
    connection: "keep-alive",
  });

  await pairs({ direct, routed, bodies }, WARM_UP);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push(await pairs({ direct, routed, bodies }, PAIRS));
  }
  const state = (await (await fetch(`http://127.0.0.1:${port}/dynbench/state`)).json()) as any;
  const directRps = await throughput(direct, bodies);
  const before = await gateway.ask();
  const routedRps = await throughput(routed, bodies);
  const cpuMs = (await gateway.ask()) - before;
  const rivals: Row[] = [];
  for (const rival of RIVALS) {
    // It takes no token ids, so it gets a text as long.
    const isSmg = rival.startsWith("smg");
    const sent = isSmg ? bodies.map(({ length }) => textBodyOf(length)) : bodies;
    const start = () => startRival(rival, workers[0]!.url);
    const rows = await rivalRows(rival, start, { direct, bodies: sent });
    rivals.push(...(isSmg ? rows.map((row) => noted("text", row)) : rows));
  }
  rivals.push(...(await dynamoRows({ direct, bodies })));
  direct.close();
  routed.close();
  const part = (key: string): number => state.costUs[key].p50;
  return [
    ...addedRows(rounds),
    ...["scan", "hash", "lookup", "score"].map((key) => ({
      what: `of that: ${key}, p50`,
      value: part(key),
      unit: "us",
    })),
    {
      what: `requests at concurrency ${CONCURRENCY}, 85 KB`,
      value: routedRps,
      unit: "req/s",
      note: `direct ${directRps.toFixed(0)}; client, gateway and upstream share the machine`,
    },
    {
      what: "gateway CPU per 1,000 requests, 85 KB",
      value: cpuMs / 1000 / (THROUGHPUT_REQUESTS / 1000),
      unit: "s",
    },
    ...rivals,
  ];
}

/** The same pairs through another router, and as many requests at once as through our gateway. */
async function rivalRows(
  rival: string,
  start: () => Promise<Rival | undefined>,
  at: { direct: HttpClient; bodies: readonly Uint8Array[]; connection?: "per-request" },
): Promise<Row[]> {
  const { direct, bodies, connection = "keep-alive" } = at;
  const what = `${rival}: added TTFT over direct, p50, concurrency 1`;
  await using router = await start();
  if (router === undefined) return [{ what, value: NaN, unit: "us", note: "not installed" }];
  const routed = new HttpClient(parseTarget(router.url), { connection });
  const both = { direct, routed, bodies };
  await pairs(both, WARM_UP);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await pairs(both, PAIRS));
  const beforeMs = router.cpuMs();
  const rps = await throughput(routed, bodies);
  const cpuMs = router.cpuMs() - beforeMs;
  routed.close();
  const { value, note } = addedRows(rounds)[0]!;
  return [
    { what, value, unit: "us", note: note! },
    { what: `${rival}: requests at concurrency ${CONCURRENCY}, 85 KB`, value: rps, unit: "req/s" },
    {
      what: `${rival}: CPU per 1,000 requests, 85 KB`,
      value: cpuMs / 1000 / (THROUGHPUT_REQUESTS / 1000),
      unit: "s",
    },
  ];
}

/**
 * Dynamo's frontend in kv mode has its own workers behind it, so its rows include their time. Each
 * request has a connection of its own: on a kept one every answer waits 43 ms for an acknowledgement.
 */
async function dynamoRows(at: { direct: HttpClient; bodies: Uint8Array[] }): Promise<Row[]> {
  const bodies = at.bodies.map((body) => twoTokensOf(body));
  const rows = await rivalRows("dynamo kv", startDynamoFrontend, {
    ...{ direct: at.direct, bodies, connection: "per-request" },
  });
  return rows.map((row) => noted("its own mockers behind it, a connection each", row));
}

function noted(words: string, row: Row): Row {
  return { ...row, note: row.note === undefined ? words : `${words}; ${row.note}` };
}

/** The upstream always answers with two tokens, a mocker with the requested number. */
function twoTokensOf(body: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(body).replace('"max_tokens":200', '"max_tokens":2');
  return new TextEncoder().encode(text);
}

function textBodyOf(length: number): Uint8Array {
  const prompt = "tree dog ".repeat(Math.ceil(length / 9)).slice(0, length);
  const body = { model: "m", prompt, max_tokens: 200, stream: true, ignore_eos: true };
  return new TextEncoder().encode(JSON.stringify(body));
}

/** Microseconds to the first byte of the body; equal indexes are a pair. */
interface Round {
  readonly directUs: number[];
  readonly routedUs: number[];
}

function addedRows(rounds: readonly Round[]): Row[] {
  const added = (share: number): number[] =>
    rounds.map(({ directUs, routedUs }) => quantile(routedUs, share) - quantile(directUs, share));
  const p50 = added(0.5);
  const all = (times: (round: Round) => number[]): string =>
    quantile(rounds.flatMap(times), 0.5).toFixed(0);
  const spread = `${Math.min(...p50).toFixed(0)} to ${Math.max(...p50).toFixed(0)}`;
  return [
    {
      what: "added TTFT over direct, p50, concurrency 1",
      value: quantile(p50, 0.5),
      unit: "us",
      must: 400,
      goal: 300,
      note: `median of ${ROUNDS} rounds, ${spread}; direct ${all((round) => round.directUs)}, through ${all((round) => round.routedUs)}`,
    },
    {
      what: "added TTFT over direct, p99, concurrency 1",
      value: quantile(added(0.99), 0.5),
      unit: "us",
      note: `median of ${ROUNDS} rounds`,
    },
  ];
}

/** Direct and routed requests in turn, so that both see the same state of the machine. */
async function pairs(
  {
    direct,
    routed,
    bodies,
  }: { direct: HttpClient; routed: HttpClient; bodies: readonly Uint8Array[] },
  count: number,
): Promise<Round> {
  const round: Round = { directUs: [], routedUs: [] };
  for (let i = 0; i < count; i += 1) {
    const body = bodies[i % bodies.length]!;
    round.directUs.push(await ttftUs(direct, body));
    round.routedUs.push(await ttftUs(routed, body));
  }
  return round;
}

async function throughput(client: HttpClient, bodies: readonly Uint8Array[]): Promise<number> {
  let sent = 0;
  const startNs = monotonicNs();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (sent < THROUGHPUT_REQUESTS) await ttftUs(client, bodies[sent++ % bodies.length]!);
    }),
  );
  return THROUGHPUT_REQUESTS / ((monotonicNs() - startNs) / 1e9);
}

/** Resolves after the whole answer. */
function ttftUs(client: HttpClient, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    let firstNs = 0;
    const startNs = monotonicNs();
    const headers = { "content-type": "application/json" };
    client.exchange(
      { method: "POST", path: "/v1/completions", headers, body },
      {
        head: ({ status }) => {
          if (status !== 200) reject(new Error(`an answer had status ${status}`));
        },
        data: (_, atNs) => {
          if (firstNs === 0) firstNs = atNs;
        },
        end: () => resolve((firstNs - startNs) / 1000),
        fail: ({ message }) => reject(new Error(message)),
      },
    );
  });
}

function promptOf(number: number): Uint32Array {
  const random = randomStream(0, "gateway-bench", number);
  return Uint32Array.from({ length: PROMPT_TOKENS }, () => 1000 + random.int(30_000));
}

function bodyOf(tokens: Uint32Array): Uint8Array {
  const body = { model: "m", prompt: [...tokens], max_tokens: 200, stream: true, ignore_eos: true };
  return new TextEncoder().encode(JSON.stringify(body));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

interface BenchChild extends AsyncDisposable {
  readonly ready: unknown;
  /** CPU time used so far, in milliseconds. */
  ask(): Promise<number>;
}

/** This file as a program with a role; it prints one line when ready and one on each request. */
async function startChild(role: string, task: unknown = null): Promise<BenchChild> {
  const child = Bun.spawn([process.execPath, import.meta.path, role], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const say = async (message: unknown): Promise<unknown> => {
    void child.stdin.write(`${JSON.stringify(message)}\n`);
    void child.stdin.flush();
    let line = "";
    while (!line.endsWith("\n")) line += Buffer.from((await reader.read()).value!).toString();
    return JSON.parse(line);
  };
  return {
    ready: await say(task),
    ask: async () => (await say("cpu")) as number,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}

async function serveRole(role: string): Promise<void> {
  let isFirst = true;
  for await (const line of console) {
    let answer: unknown;
    if (isFirst) answer = await (role === "upstream" ? upstream() : gatewayOver(JSON.parse(line)));
    else {
      const { user, system } = process.cpuUsage();
      answer = (user + system) / 1000;
    }
    isFirst = false;
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

/** Workers that all listen on one port, each with half of the prompts' blocks in its replay. */
async function upstream(): Promise<Worker[]> {
  const { encodeKvBatch } = await import("../../core/routing/kv/kv-events.ts");
  const { startPublisher } = await import("../../core/wire/zmq/publisher.ts");
  const { startReplayServer } = await import("../../core/wire/zmq/replay.ts");
  const port = answerAtOnce();
  return Array.from({ length: WORKERS }, (_, worker) => {
    const prompts = Array.from({ length: PROMPTS }, (_, i) => i).filter(
      (i) => (i + worker) % 2 === 0,
    );
    const events = prompts.map((i) => {
      const tokens = promptOf(i).subarray(0, (7_000 + 500 * worker) & -BLOCK_SIZE);
      const hashes = Array.from({ length: tokens.length / BLOCK_SIZE }, (_, block) =>
        BigInt(i * 1000 + block),
      );
      return { type: "stored", hashes, parent: undefined, tokens, blockSize: BLOCK_SIZE } as const;
    });
    const payload = encodeKvBatch({ tsS: 0, rank: 0, events }, "map");
    const publisher = startPublisher({ host: "127.0.0.1", port: 0 });
    const replay = startReplayServer({
      host: "127.0.0.1",
      port: 0,
      topic: "kv",
      form: "topic",
      from: (sequence) => (sequence === 0 ? [{ sequence: 0, payload }] : []),
    });
    return {
      id: `worker-${worker}`,
      url: `http://127.0.0.1:${port}`,
      role: "aggregated",
      blockSize: BLOCK_SIZE,
      kvEvents: {
        endpoint: `tcp://127.0.0.1:${publisher.port}`,
        replayEndpoint: `tcp://127.0.0.1:${replay.port}`,
        topic: "kv",
      },
    } satisfies Worker;
  });
}

/** Bytes left of a body that has no length: as many as come until its last chunk. */
const CHUNKED = -1;
/** To routers that ask for health and models. */
const MODELS = '{"object":"list","data":[{"id":"m","object":"model"}]}';
const ALIVE = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${MODELS.length}\r\n\r\n${MODELS}`;

/** Answers every request with the same short stream when its last byte has come. */
function answerAtOnce(): number {
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, text: " One", finish_reason: null }] })}\n\n`;
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  const answer = Buffer.from(
    `${head}${chunk(event)}${chunk(event)}${chunk("data: [DONE]\n\n")}0\r\n\r\n`,
  );
  return Bun.listen<{ left: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      binaryType: "buffer",
      open: (socket) => {
        socket.setNoDelay(true);
        socket.data = { left: 0 };
      },
      data: (socket, bytes) => {
        const state = socket.data;
        // Some routers pass a body on in chunks.
        const isLast = bytes.toString("latin1", bytes.length - 5) === "0\r\n\r\n";
        if (state.left === CHUNKED) state.left = isLast ? 0 : CHUNKED;
        else if (state.left === 0) {
          const headEnd = bytes.indexOf("\r\n\r\n");
          const head = bytes.toString("latin1", 0, headEnd);
          if (head.startsWith("GET ")) return void socket.write(ALIVE);
          const length = /content-length: (\d+)/i.exec(head)?.[1];
          const rest = bytes.length - headEnd - 4;
          state.left = length === undefined ? (isLast ? 0 : CHUNKED) : Number(length) - rest;
        } else state.left -= bytes.length;
        if (state.left === 0) socket.write(answer);
      },
    },
  }).port;
}

async function gatewayOver(workers: Worker[]): Promise<{ port: number }> {
  const { startGateway } = await import("../../core/gateway/gateway.ts");
  const { kv } = await import("../../plugins/routers/kv.ts");
  const { parse } = await import("valibot");
  const log = { info() {}, warn: console.error, error: console.error, debug() {} };
  const at = { host: "127.0.0.1", port: 0 };
  const task = { workers, model: "m", ...at, seed: 0, replica: 0, token: "-" };
  const policy = kv.policy!(parse(kv.options, {}));
  return (await startGateway(task, { policy, log })).ready;
}

if (import.meta.main) {
  const role = process.argv[2];
  if (role !== undefined) await serveRole(role);
  else console.table(await run());
}
