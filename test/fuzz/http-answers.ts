/**
 * The load client against answers of a server that is out of its mind: a record must come of each, in
 * time, with numbers in it, and `ok` only where the stream was whole.
 */
import type { Socket } from "bun";
import type { RandomStream } from "../../core/base/random.ts";
import {
  parseRecord,
  plannedRecord,
  recordLine,
  type RequestRecord,
} from "../../core/contract/record.ts";
import type { RequestSpec } from "../../core/contract/request.ts";
import { Answers } from "../../core/load/answers.ts";
import { SentRequest } from "../../core/load/sent-request.ts";
import { requestBody } from "../../core/prompt/body.ts";
import { openTokenizer } from "../../core/prompt/open-tokenizer.ts";
import { monotonicNs } from "../../core/system/clock.ts";
import { HttpClient, parseTarget } from "../../core/wire/http/client.ts";
import { damagedBytes, damagedJson, inPieces, oneOf } from "./byte-damage.ts";

const TIMEOUT_MS = 250;
/** An answer that ends neither by itself nor by its time-out. */
const HANG_MS = 5000;

const SPEC = { index: 0, isl: 2, osl: 3 } as RequestSpec;

interface Drawn {
  readonly bytes: Buffer;
  readonly pieces: readonly Uint8Array[];
  readonly then: "end" | "reset" | "silence";
}

/** The answer that each connection gets, once its request has begun to come. */
export interface AnswerBench extends Disposable {
  /** How it ended, or what is wrong with that. */
  try(random: RandomStream): Promise<{ end: string; fault?: string; input: string }>;
}

export async function answerBench(): Promise<AnswerBench> {
  const tokenizer = await openTokenizer(undefined);
  const answers = new Answers((text) => tokenizer.encodePart(text));
  let drawn: Drawn;
  const listener = Bun.listen<{ answered: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { answered: false }),
      data: (socket) => {
        if (socket.data.answered) return;
        socket.data.answered = true;
        void give(socket, drawn);
      },
      error: () => {},
    },
  });
  const target = parseTarget(`http://127.0.0.1:${listener.port}`);
  const body = requestBody({
    ...{
      form: "ids",
      model: "m",
      tokens: Uint32Array.of(1000, 1001),
      tokenizer,
      osl: 3,
      extra: {},
    },
  });
  return {
    try: async (random) => {
      drawn = drawAnswer(random);
      const input = JSON.stringify(drawn.bytes.toString("latin1"));
      const connection = random.int(2) === 0 ? "keep-alive" : "per-request";
      const client = new HttpClient(target, { connection });
      const record = await new Promise<RequestRecord | undefined>((resolve) => {
        const limit = setTimeout(() => resolve(undefined), HANG_MS);
        void new SentRequest(client, {
          record: plannedRecord("c", SPEC, "measured", 0),
          body,
          headers: { "x-request-id": "c/0" },
          originNs: monotonicNs(),
          timeoutMs: TIMEOUT_MS,
          workerNames: {},
          onAnswer: (events) => answers.keep(0, events),
          onEnd: (ended) => {
            clearTimeout(limit);
            resolve(ended);
          },
        });
      });
      client.close();
      const fault = record === undefined ? "no record came: the client hangs" : recordFault(record);
      return { end: record?.state ?? "hung", input, ...(fault === undefined ? {} : { fault }) };
    },
    [Symbol.dispose]: () => listener.stop(true),
  };
}

async function give(socket: Socket<{ answered: boolean }>, { pieces, then }: Drawn): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    socket.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (then === "end") socket.end();
  else if (then === "reset") socket.terminate();
}

/** Sums over records must stay numbers, and a record must be readable again. */
function recordFault(record: RequestRecord): string | undefined {
  const line = recordLine(record);
  try {
    parseRecord(line);
  } catch (error) {
    return `its record cannot be read again: ${String(error)}`;
  }
  const odd = oddNumber(record, "record");
  if (odd !== undefined) return odd;
  if (/\n\s+at /.test(JSON.stringify(record.error?.message ?? ""))) return "a stack in its error";
  if (record.state === "ok") {
    if (record.firstTokenNs === undefined) return "ok without a token";
    if (record.status !== 200) return `ok with status ${record.status}`;
  }
  return undefined;
}

function oddNumber(value: unknown, path: string): string | undefined {
  if (typeof value === "number") {
    const isSound = Number.isFinite(value) && value >= 0;
    return isSound ? undefined : `${path} is ${value}`;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const odd = oddNumber(inner, `${path}.${key}`);
    if (odd !== undefined) return odd;
  }
  return undefined;
}

const CHOICE = { index: 0, text: " a", finish_reason: null, logprobs: null, token_ids: [5] };
const USAGE = {
  ...{ prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
  prompt_tokens_details: { cached_tokens: 0 },
};
const NVEXT = {
  ...{ worker_id: { decode_worker_id: 1, prefill_worker_id: 2 } },
  timing: { kv_hit_rate: 0.5, ttft_ms: 2, total_time_ms: 5, router_queue_depth: 1 },
};

function drawAnswer(random: RandomStream): Drawn {
  const body = random.int(6) === 0 ? errorBody(random) : stream(random);
  const whole = framed(body, random);
  const bytes = random.int(3) === 0 ? whole : damagedBytes(whole, random);
  const then = oneOf(["end", "end", "end", "end", "reset", "silence"] as const, random);
  return { bytes, pieces: inPieces(bytes, random), then };
}

function stream(random: RandomStream): string {
  const isChat = random.int(3) === 0;
  const chunk = (last: boolean): unknown => ({
    id: "cmpl-c/0",
    choices: [
      {
        ...(isChat ? { index: 0, delta: { role: "assistant", content: " a" } } : CHOICE),
        finish_reason: last ? "length" : null,
      },
    ],
    ...(random.int(3) === 0 ? { nvext: NVEXT } : {}),
    ...(random.int(3) === 0 ? { usage: USAGE } : {}),
  });
  const events = [
    chunk(false),
    chunk(false),
    chunk(true),
    { id: "c/0", choices: [], usage: USAGE },
  ];
  const lines = events.map((event) => {
    const drawn = random.int(3) === 0 ? damagedJson(event, random) : event;
    return `data: ${JSON.stringify(drawn)}\n\n`;
  });
  return `${lines.join("")}${random.int(6) === 0 ? "" : "data: [DONE]\n\n"}`;
}

function errorBody(random: RandomStream): string {
  const error = { error: { message: "no", type: "x", code: 400 } };
  return JSON.stringify(random.int(2) === 0 ? error : damagedJson(error, random)) ?? "";
}

function framed(body: string, random: RandomStream): Buffer {
  const type = body.startsWith("data:") ? "text/event-stream" : "application/json";
  const status =
    type === "text/event-stream"
      ? oneOf([200, 200, 200, 500], random)
      : oneOf([200, 400, 503], random);
  const head = `HTTP/1.1 ${status} Any\r\nContent-Type: ${type}\r\n${random.int(4) === 0 ? "x-dynbench-worker: w\r\nx-dynbench-expected-tokens: 3/4\r\n" : ""}`;
  const length = Buffer.byteLength(body);
  switch (random.int(3)) {
    case 0:
      return Buffer.from(`${head}Content-Length: ${length}\r\n\r\n${body}`);
    case 1:
      return Buffer.from(`${head}Connection: close\r\n\r\n${body}`);
    default: {
      const chunks = body
        .split(/(?<=\n\n)/)
        .map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
      return Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`);
    }
  }
}
