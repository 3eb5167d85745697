/**
 * The cost of one mocker worker: reading a long prompt, writing chunks, publishing KV events, and the
 * lateness of its loop while it streams. The streaming part runs the worker in this process and the
 * client in a child process, so that the CPU time is that of the worker.
 */
import { v } from "dynbench";
import { wordTokenizer } from "dynbench/engine";
import { chunkWriter } from "../../plugins/engines/mocker/answer-format.ts";
import { KvBatches } from "../../plugins/engines/mocker/kv-batches.ts";
import { mocker } from "../../plugins/engines/mocker/mocker.ts";
import { parseGeneration } from "../../plugins/engines/mocker/openai.ts";
import { TokenSequences } from "../../plugins/engines/mocker/token-sequences.ts";
import { inProcessContext } from "../conformance/in-process.ts";
import { metric } from "../conformance/ask.ts";
import type { Row } from "./row.ts";

export const name = "mocker";

const tokenizer = wordTokenizer.WORD_TOKENIZER;
const ISL = 14_000;
const OSL = 200;

export async function run(): Promise<Row[]> {
  return [
    ...intake(),
    chunkText(),
    eventBatch(),
    ...(await streaming(20)),
    ...(await streaming(200)),
  ];
}

function promptIds(seed: number): number[] {
  return Array.from({ length: ISL }, (_, i) => 1_000 + ((seed * 7_919 + i * 31) % 30_000));
}

/** Median microseconds of a call, after a warm-up. */
function medianUs(calls: number, call: (i: number) => void): number {
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const start = Bun.nanoseconds();
    call(i);
    times.push((Bun.nanoseconds() - start) / 1e3);
  }
  return times.slice(calls / 5).sort((a, b) => a - b)[Math.floor((calls * 2) / 5)]!;
}

function intake(): Row[] {
  const bodies = Array.from({ length: 50 }, (_, i) =>
    JSON.stringify({ prompt: promptIds(i), max_tokens: OSL, stream: true }),
  );
  const sequences = new TokenSequences({ blockSize: 64, seed: 1 });
  const serving = { model: "m", maxModelLen: 32_768, tokenizer };
  const parseUs = medianUs(200, (i) => {
    parseGeneration("completions", JSON.parse(bodies[i % 50]!), serving);
  });
  const prompts = bodies.map((body) => Uint32Array.from(JSON.parse(body).prompt));
  const makeUs = medianUs(200, (i) => {
    sequences.make(prompts[i % 50]!, OSL);
  });
  return [
    { what: `read a body of ${ISL} ids`, value: parseUs, unit: "us" },
    { what: `draw its answer and number its blocks`, value: makeUs, unit: "us" },
  ];
}

function chunkText(): Row {
  const sequence = new TokenSequences({ blockSize: 64, seed: 1 }).make(Uint32Array.of(5), 5_000);
  const request = { endpoint: "completions", usage: "final", returnTokenIds: false } as const;
  const writer = chunkWriter({
    id: "cmpl-1",
    created: 1,
    model: "m",
    request,
    sequence,
    tokenizer,
  });
  const us = medianUs(500, (i) => {
    for (let k = 0; k < 100; k += 1) writer.events((i * 100 + k) % 4_000, 1, 0);
  });
  return { what: "text of a chunk", value: us / 100, unit: "us" };
}

function eventBatch(): Row {
  const blocks = Array.from({ length: Math.floor(ISL / 64) }, (_, i) => i);
  const tokens = Uint32Array.from(promptIds(1).slice(0, blocks.length * 64));
  const batches = new KvBatches({
    blockSize: 64,
    form: "map",
    hashOf: (block) => BigInt(block),
    send: () => {},
  });
  const us = medianUs(300, () => {
    batches.stored({ parent: -1, blocks, tokens });
    batches.stepEnded();
  });
  return { what: `event batch of ${blocks.length} stored blocks`, value: us, unit: "us" };
}

const CLIENT = `
const [url, streams, isl, osl] = process.argv.slice(1);
const read = async (i) => {
  const prompt = Array.from({ length: +isl }, (_, k) => 1000 + ((i * 7919 + k * 31) % 30000));
  const response = await fetch(url + "/v1/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt, max_tokens: +osl, stream: true }),
  });
  for await (const _ of response.body) continue;
};
await Promise.all(Array.from({ length: +streams }, (_, i) => read(i)));
`;

/** Streams at the guide's speedup of 10; short prompts, so that decoding is nearly all. */
async function streaming(streams: number): Promise<Row[]> {
  const options = v.parse(mocker.options, { workers: 1, speedup: 10 });
  await using engine = await mocker.start!(options, "http", inProcessContext(mocker, ""));
  const { url, metricsUrl } = engine.workers[0]!;
  const before = process.cpuUsage();
  const client = Bun.spawn([process.execPath, "-e", CLIENT, url, `${streams}`, "100", "500"], {
    env: { ...process.env, NO_PROXY: "*" },
    stderr: "inherit",
  });
  await client.exited;
  const cpu = process.cpuUsage(before);
  const text = await (await fetch(metricsUrl!)).text();
  const chunks = metric(text, "vllm:generation_tokens_total");
  const lateName = "dynbench_mocker_lateness_seconds";
  const meanLate = metric(text, `${lateName}_sum`) / metric(text, `${lateName}_count`);
  const within =
    metric(text, `${lateName}_bucket`, 'le="0.001"') / metric(text, `${lateName}_count`);
  const itl = metric(text, "vllm:inter_token_latency_seconds_sum");
  const gaps = metric(text, "vllm:inter_token_latency_seconds_count");
  const note = `${streams} streams, step ${((itl / gaps) * 1e3).toFixed(2)} ms`;
  return [
    { what: "CPU per chunk", value: (cpu.user + cpu.system) / chunks, unit: "us", note },
    { what: "mean lateness of a step", value: meanLate * 1e3, unit: "ms", note },
    { what: "steps passed on within 1 ms", value: within * 100, unit: "%", note },
  ];
}
