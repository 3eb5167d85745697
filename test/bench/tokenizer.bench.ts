/**
 * The cost of text: tokenising a prompt of 14,000 tokens with the built-in tokenizer and with a
 * model's, with and without the memory of pieces in the same run; and the way to a thread and back
 * against tokenising on the event loop, which decides where texts are tokenised. `MODEL=FOLDER` takes
 * a model's tokenizer in place of a made-up one.
 */
import { Tokenizer as HfTokenizer } from "@huggingface/tokenizers";
import { TokenisePool } from "../../core/gateway/tokenise-pool.ts";
import { readTokenizer } from "../../core/prompt/model-tokenizer.ts";
import type { Tokenizer } from "../../core/prompt/tokenizer.ts";
import { fillTokens } from "../../core/prompt/tokens.ts";
import { requestBody } from "../../core/prompt/body.ts";
import { WORD_TOKENIZER } from "../../core/prompt/word-tokenizer.ts";
import { smallTokenizer, writeSmallTokenizer } from "../core/prompt/small-tokenizer.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "./row.ts";

export const name = "tokenizer";

const ISL = 14_000;
const ROUNDS = 200;
const SLOW_ROUNDS = 5;

export async function run(): Promise<Row[]> {
  const made = mkdtempSync(join(tmpdir(), "dynbench-bench-"));
  try {
    writeSmallTokenizer(made, "llama2");
    const folder = process.env["MODEL"] ?? made;
    return [...(await loopAndThread()), ...(await model(folder, folder === made))];
  } finally {
    rmSync(made, { recursive: true });
  }
}

/** Built-in words on the event loop; the time of a thread, and its cost on the event loop. */
async function loopAndThread(): Promise<Row[]> {
  using pool = new TokenisePool(undefined);
  await pool.start();
  const rows: Row[] = [];
  for (const tokens of [200, 2_000, ISL, 100_000]) {
    const text = promptText(WORD_TOKENIZER, tokens);
    const here: number[] = [];
    const handing: number[] = [];
    const there: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      here.push(us(() => WORD_TOKENIZER.encode(text)));
      const startNs = Bun.nanoseconds();
      const answer = pool.tokens({ form: "text", text }, text.length);
      handing.push((Bun.nanoseconds() - startNs) / 1000);
      await answer;
      there.push((Bun.nanoseconds() - startNs) / 1000);
    }
    rows.push({
      what: `built-in tokenizer, ${tokens} tokens on the loop, p50`,
      value: median(here),
      unit: "us",
      note: `by way of a thread ${median(there).toFixed(0)}, of which handing over ${median(handing).toFixed(0)}`,
    });
  }
  return rows;
}

async function model(folder: string, isMadeUp: boolean): Promise<Row[]> {
  const startNs = Bun.nanoseconds();
  const tokenizer = await readTokenizer(folder);
  const readMs = (Bun.nanoseconds() - startNs) / 1e6;
  const wordsMs = us(() => tokenizer.words) / 1000;
  const text = promptText(tokenizer, ISL);
  const firstUs = us(() => tokenizer.encode(text));
  const again = Array.from({ length: ROUNDS }, () => us(() => tokenizer.encode(text)));
  const library = isMadeUp
    ? new HfTokenizer(smallTokenizer("llama2").json, smallTokenizer("llama2").config)
    : new HfTokenizer(await Bun.file(join(folder, "tokenizer.json")).json(), {});
  const plain = Array.from({ length: SLOW_ROUNDS }, () => us(() => library.encode(text)));
  const whose = isMadeUp ? "made-up BPE" : "MODEL";
  return [
    {
      what: `${whose}, ${ISL} tokens, p50`,
      value: median(again),
      unit: "us",
      note: `first time ${firstUs.toFixed(0)}; the library alone ${median(plain).toFixed(0)}`,
    },
    {
      what: `${whose}, reading the tokenizer`,
      value: readMs,
      unit: "ms",
      note: `finding the words of prompts ${wordsMs.toFixed(0)}`,
    },
  ];
}

function promptText(tokenizer: Tokenizer, count: number): string {
  const tokens = new Uint32Array(count);
  fillTokens(0, [{ content: 1, tokens: count }], tokens);
  const { body } = requestBody({ form: "text", model: "m", tokens, tokenizer, osl: 1, extra: {} });
  return (JSON.parse(Buffer.from(body).toString()) as { prompt: string }).prompt;
}

function us(work: () => unknown): number {
  const startNs = Bun.nanoseconds();
  work();
  return (Bun.nanoseconds() - startNs) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

if (import.meta.main) console.table(await run());
