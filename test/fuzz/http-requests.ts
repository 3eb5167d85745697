/** Requests as bytes, for the gateway and the mocker: whole, with other JSON in them, and damaged. */
import type { RandomStream } from "../../core/base/random.ts";
import { damagedBytes, damagedJson, oneOf } from "./byte-damage.ts";

const IDS = Array.from({ length: 200 }, (_, i) => 1000 + i);
const MESSAGES = [
  { role: "system", content: "You are short." },
  { role: "user", content: [{ type: "text", text: "apple tree pear" }] },
];
const COMMON = { model: "m", max_tokens: 3, stream: true, stream_options: { include_usage: true } };
const KV = { kv_transfer_params: { do_remote_decode: true, remote_host: "127.0.0.1" } };

interface Base {
  readonly path: string;
  readonly body?: unknown;
}

const POSTS: readonly Base[] = [
  { path: "/v1/completions", body: { ...COMMON, prompt: IDS } },
  { path: "/v1/completions", body: { ...COMMON, prompt: "apple tree ".repeat(40), stream: false } },
  {
    path: "/v1/completions",
    body: { ...COMMON, prompt: IDS, return_token_ids: true, priority: 3 },
  },
  { path: "/v1/completions", body: { ...COMMON, prompt: [IDS], min_tokens: 1, n: 1, ...KV } },
  { path: "/v1/chat/completions", body: { ...COMMON, messages: MESSAGES } },
  {
    path: "/v1/chat/completions",
    body: { ...COMMON, messages: MESSAGES, max_completion_tokens: 2 },
  },
  { path: "/tokenize", body: { model: "m", prompt: "apple" } },
  { path: "/detokenize", body: { model: "m", tokens: [1000, 1001] } },
  { path: "/v1/completions/render", body: { prompt: "apple" } },
  { path: "/v1/chat/completions/render", body: { messages: [{ role: "user", content: "apple" }] } },
  { path: "/dynbench/reset?cell=x" },
  { path: "/dynbench/kv_release?request=a" },
  { path: "/reset_prefix_cache" },
];
const GETS = [
  "/v1/models",
  "/health",
  "/metrics",
  "/dynbench/state",
  "/load",
  "/server_info",
  "/%00",
  "*",
];

/** One to three requests behind each other, most of them with a fault somewhere. */
export function drawRequests(model: string, random: RandomStream): Buffer {
  const count = random.int(4) === 0 ? 1 + random.int(3) : 1;
  const whole = Buffer.concat(Array.from({ length: count }, () => request(model, random)));
  return random.int(3) === 0 ? whole : damagedBytes(whole, random);
}

function request(model: string, random: RandomStream): Buffer {
  if (random.int(5) === 0)
    return Buffer.from(`${head("GET", oneOf(GETS, random), [], random)}\r\n`);
  const { path, body } = oneOf(POSTS, random);
  const named = body === undefined ? undefined : { ...body, model };
  const drawn = random.int(2) === 0 ? named : damagedJson(named, random);
  const json = drawn === undefined ? "" : (JSON.stringify(drawn) ?? "");
  const bytes = Buffer.from(random.int(20) === 0 ? nested(json, random) : json);
  const isChunked = random.int(4) === 0;
  const type = random.int(10) === 0 ? "text/plain" : "application/json";
  const fields = [
    `Content-Type: ${type}`,
    isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes.length}`,
    ...(random.int(8) === 0 ? ["Expect: 100-continue"] : []),
    ...(random.int(8) === 0 ? ["X-Session-Id: s", "X-Request-Id: c/1"] : []),
    ...(random.int(20) === 0 ? [`constructor: ${"x".repeat(random.int(9000))}`] : []),
  ];
  const start = Buffer.from(`${head("POST", path, fields, random)}\r\n`);
  return Buffer.concat([start, isChunked ? chunked(bytes, random) : bytes]);
}

/** With lists in a list, deeper than any code can follow that calls itself. */
function nested(json: string, random: RandomStream): string {
  const depth = 10 ** (2 + random.int(5));
  return json.replace("[", `[${"[".repeat(depth)}${"]".repeat(depth)},`);
}

function head(method: string, path: string, fields: string[], random: RandomStream): string {
  const version = random.int(12) === 0 ? "HTTP/1.0" : "HTTP/1.1";
  const connection = random.int(3) === 0 ? ["Connection: close"] : [];
  const lines = [`${method} ${path} ${version}`, "Host: 127.0.0.1", ...fields, ...connection];
  return lines.map((line) => `${line}\r\n`).join("");
}

function chunked(bytes: Buffer, random: RandomStream): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const part = bytes.subarray(at, at + 1 + random.int(bytes.length));
    const zeros = "0".repeat(random.int(3));
    parts.push(Buffer.from(`${zeros}${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
    at += part.length;
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}
