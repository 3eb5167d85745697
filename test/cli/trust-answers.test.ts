/**
 * Servers that are wrong in one way each, and as many that are merely unusual, measured by the binary:
 * the first are not trusted, or their figures are right and a note names what they did; the second are
 * trusted. `docs/guide/trust.md` holds this table.
 */
import { setDefaultTimeout, test } from "bun:test";
import {
  honestUsage,
  startIllBehaved,
  words,
  type Asked,
  type Behaviour,
} from "../fixtures/ill-behaved.ts";
import { emptyFolder } from "./binary.ts";
import { expectVerdict, type TrustRow } from "./trust-rows.ts";

setDefaultTimeout(60_000);
const cwd = emptyFolder();
const LOAD = [
  ...[
    "--isl",
    "1000",
    "--osl",
    "20",
    "--isl-stddev-share",
    "0",
    "--osl-stddev-share",
    "0",
    "--requests",
    "40",
  ],
  ...["--concurrency", "10", "--prefix-ratio", "0.5", "--num-prefix-prompts", "4"],
];

interface Row extends TrustRow {
  readonly server: Behaviour;
  readonly args?: readonly string[];
}

const tenth = <T>(list: readonly T[]): T[] => list.filter((_, i) => i % 10 === 0);
const bunches = ({ maxTokens }: Asked): string[] =>
  Array.from({ length: maxTokens / 5 }, () => words(5).join(""));
const usageWith = (details: object) => (asked: Asked) => honestUsage(asked, details);
const cachedTokens = (value: unknown) =>
  usageWith({ prompt_tokens_details: { cached_tokens: value } });

const byBytes = (of: (text: string) => string) => (event: string) =>
  Buffer.from(of(event), "latin1");
const otherId = ({ requestId }: Asked): string =>
  requestId.replace(/\d+$/, (index) => `${Number(index) + 1}`);
const fewer = ({ maxTokens }: Asked): string[] => tenth(words(maxTokens));

const ROWS: readonly Row[] = [
  // Honest.
  { name: "a plain server", server: {}, verdict: "trusted", ids: [] },
  { name: "a slow server", server: { ttftMs: () => 200, itlMs: 8 }, verdict: "trusted", ids: [] },
  {
    name: "an engine that reads 400,000 prompt tokens a second",
    server: { ttftMs: ({ prompt, cached }) => 2 + (prompt.length - cached) / 400 },
    verdict: "trusted",
    ids: [],
  },
  {
    name: "keep-alive comments between chunks",
    server: { comments: true },
    verdict: "trusted",
    ids: [],
  },
  {
    name: "a first chat chunk that has a role alone",
    server: {},
    args: ["--prompt-form", "chat"],
    verdict: "trusted",
    ids: ["prompt-tokens-off"],
  },
  {
    name: "five tokens in each chunk, by token_ids",
    server: { texts: bunches, tokenIds: 5 },
    verdict: "trusted",
    ids: ["tokens-per-chunk"],
  },
  {
    name: "five tokens in each chunk, by text and usage",
    server: { texts: bunches },
    verdict: "trusted",
    ids: ["tokens-per-chunk"],
  },
  {
    name: "a first chunk of many words",
    server: { texts: ({ maxTokens }) => [words(6).join(""), ...words(maxTokens - 6)] },
    verdict: "trusted",
    ids: ["tokens-per-chunk"],
  },
  {
    name: "text that is not ASCII",
    server: { texts: ({ maxTokens }) => words(maxTokens).map(() => " 語é") },
    verdict: "trusted",
    ids: [],
  },
  {
    name: "no [DONE] after the finish reason",
    server: { noDone: true },
    verdict: "trusted",
    ids: [],
  },
  {
    name: "no cached tokens in the usage",
    server: { isAlways: true, usage: cachedTokens(null) },
    verdict: "trusted",
    ids: ["preflight", "cached-tokens-unknown"],
  },
  {
    name: "no usage",
    server: { usage: () => undefined },
    verdict: "trusted",
    ids: ["cached-tokens-unknown", "usage-missing"],
    says: "each of their chunks counts as one token",
  },
  { name: "a body of the stated length", server: { lengthOff: 0 }, verdict: "trusted", ids: [] },
  {
    name: "a blank token amid the answer",
    server: { texts: ({ maxTokens }) => words(maxTokens).with(5, "\n") },
    verdict: "trusted",
    ids: [],
  },
  {
    name: "a first token that is blank",
    server: { texts: ({ maxTokens }) => words(maxTokens).with(0, " ") },
    verdict: "trusted",
    ids: [],
  },

  // Early first chunks: TTFT counts to the content.
  {
    name: "an empty first chunk at once",
    server: { early: [""], ttftMs: () => 100 },
    verdict: "trusted",
    ids: ["blank-start"],
    says: "before the first with content; TTFT counts to that one",
  },
  {
    name: "a space at once",
    server: { early: [" "], ttftMs: () => 100 },
    verdict: "trusted",
    ids: ["blank-start"],
  },
  {
    name: "a first word at once",
    server: { early: [" Well"], ttftMs: () => 150, texts: ({ maxTokens }) => words(maxTokens - 1) },
    verdict: "untrusted",
    ids: ["first-gap"],
    mayHave: ["too-fast"],
    says: "the first token came before the prompt was read",
  },

  // Counts.
  {
    name: "a tenth of the chunks with the full usage",
    server: { texts: fewer, itlMs: 30 },
    verdict: "untrusted",
    ids: ["tokens-not-streamed", "tokens-per-chunk"],
    says: "more tokens than their text can hold",
  },
  {
    name: "more tokens than max_tokens",
    server: {
      texts: ({ maxTokens }) => words(maxTokens + 5),
      usage: (asked) => honestUsage(asked, { completion_tokens: asked.maxTokens + 5 }),
    },
    verdict: "untrusted",
    ids: ["long-output"],
  },
  {
    name: "fewer tokens than asked for",
    server: {
      texts: ({ maxTokens }) => words(maxTokens - 5),
      usage: (asked) => honestUsage(asked, { completion_tokens: asked.maxTokens - 5 }),
    },
    verdict: "untrusted",
    ids: ["short-output"],
  },
  {
    name: "a negative count",
    server: { usage: usageWith({ completion_tokens: -20 }) },
    verdict: "untrusted",
    ids: ["usage-invalid"],
    says: "usage.completion_tokens is -20",
  },
  {
    name: "a huge count of cached tokens",
    server: { usage: cachedTokens(-2e301) },
    verdict: "untrusted",
    ids: ["usage-invalid", "cached-tokens-unknown"],
    says: "cached_tokens is -2e+301",
  },
  {
    name: "a count that is text",
    server: { usage: usageWith({ prompt_tokens: "1000" }) },
    verdict: "untrusted",
    ids: ["usage-invalid"],
    says: 'usage.prompt_tokens is "1000"',
  },
  {
    name: "a fraction of a token",
    server: { usage: usageWith({ completion_tokens: 19.5 }) },
    verdict: "untrusted",
    ids: ["usage-invalid"],
  },
  {
    name: "usage that is a number",
    server: { usage: () => 7 },
    verdict: "untrusted",
    ids: ["usage-invalid", "cached-tokens-unknown"],
  },
  {
    name: "another count of prompt tokens",
    server: { usage: (asked) => honestUsage(asked, { prompt_tokens: asked.prompt.length + 50 }) },
    verdict: "untrusted",
    ids: ["prompt-tokens-off"],
  },

  // Caches.
  {
    name: "more cached tokens than prompt tokens",
    server: { usage: cachedTokens(5000) },
    verdict: "untrusted",
    ids: ["usage-invalid", "cached-tokens-unknown"],
    says: "5000 cached of 1000 prompt tokens",
  },
  {
    name: "more cached tokens than were ever sent before",
    server: { usage: cachedTokens(960) },
    verdict: "untrusted",
    ids: ["warm-cache"],
    says: "more than the",
  },
  {
    name: "no cached tokens where prompts are shared",
    server: { usage: cachedTokens(0) },
    verdict: "untrusted",
    ids: ["no-hits"],
    says: "No prompt token of 40 requests was found cached, although",
  },

  // Answers that were not computed.
  {
    name: "canned answers at once",
    server: { ttftMs: () => 0, itlMs: 0 },
    verdict: "untrusted",
    ids: ["burst-answers"],
  },
  {
    name: "canned answers at the pace of an engine",
    server: { isCanned: true, ttftMs: () => 0, itlMs: 2 },
    args: ["--isl", "20000", "--prefix-ratio", "0"],
    verdict: "untrusted",
    ids: ["too-fast"],
    says: "began before any engine could have read their prompts",
  },
  {
    name: "an answer that belongs to another request",
    server: { id: (asked) => `cmpl-${otherId(asked)}` },
    verdict: "failed",
    ids: ["errors"],
    says: "the answer is that of another request",
  },
  {
    name: "a header that names another request",
    server: { headers: (asked) => ({ "x-request-id": otherId(asked) }) },
    verdict: "failed",
    ids: ["errors"],
    says: "the answer is that of another request",
  },

  // The wire.
  {
    name: "a stated length that is too short",
    server: { lengthOff: -400 },
    verdict: "failed",
    ids: ["errors"],
    says: "ended without",
  },
  {
    name: "a stated length that is too long",
    server: { lengthOff: 10 },
    verdict: "failed",
    ids: ["errors"],
    says: "closed the connection",
  },
  {
    name: "no end: neither finish reason nor [DONE]",
    server: { finish: null, noDone: true },
    verdict: "failed",
    ids: ["errors"],
    says: "without finish_reason or [DONE]",
  },
  {
    name: "text that is not UTF-8",
    server: { bytes: byBytes((event) => event.replace(" word3", " word\xff")) },
    verdict: "failed",
    ids: ["errors"],
    says: "an event is not UTF-8",
  },
  {
    name: "gzip that was not asked for",
    server: { gzip: true, headers: () => ({ "content-encoding": "gzip" }) },
    verdict: "failed",
    ids: ["errors"],
    says: 'encoded as "gzip"',
  },
];

for (const row of ROWS) {
  const verdictHolds = async (): Promise<void> => {
    using server = startIllBehaved(row.server);
    const place = ["--engine", "attach", "--worker-url", server.url, "--router", "direct"];
    await expectVerdict(row, [...place, ...LOAD, ...(row.args ?? [])], { cwd });
  };
  // On a machine without a free core even an honest server stalls, and is rightly doubted.
  test(`${row.name}: ${row.verdict}`, verdictHolds, { retry: 3 });
}
