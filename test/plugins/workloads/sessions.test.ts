import { describe, expect, test } from "bun:test";
import { randomStream, v, type RequestSpec } from "dynbench";
import type { TraceRow } from "dynbench/trace";
import { sessions } from "../../../plugins/workloads/sessions/sessions.ts";
import { turnInputs } from "../../../plugins/workloads/sessions/read-sessions.ts";
import { testWorkload } from "../../conformance/workload.ts";
import { scratchFile } from "./scratch-file.ts";

testWorkload({
  workload: sessions,
  cases: [
    { sessions: 100, turns: 1 },
    { sessions: 100, turns: 3, subAgents: 2, stddevShare: 1 },
    { sessions: 100, systemTokens: 0, contextTokens: 0, stddevShare: 0 },
  ],
});

const signal = new AbortController().signal;

async function requestsOf(raw: Record<string, unknown>, count?: number): Promise<RequestSpec[]> {
  const options = v.parse(sessions.options, raw);
  const rows = await sessions.read!(options, signal);
  const random = randomStream(1, "workload");
  return Array.fromAsync(sessions.requests(options, { rows, random, count }));
}

const bySession = (requests: readonly RequestSpec[]): RequestSpec[][] => [
  ...Map.groupBy(requests, ({ session }) => session!).values(),
];

describe("made-up sessions", () => {
  test("each turn follows the one before and repeats the conversation so far", async () => {
    const all = await requestsOf({ sessions: 20, turns: 4, thinkMs: 500 });
    for (const turns of bySession(all)) {
      expect(turns[0]!.after).toBeUndefined();
      expect(turns[0]!.sessionRequests).toBe(turns.length);
      for (let turn = 1; turn < turns.length; turn += 1) {
        const before = turns[turn - 1]!;
        const { prompt, after } = turns[turn]!;
        expect(after!.request).toBe(before.index);
        const said = [...before.prompt, { answerOf: before.index, tokens: before.osl }];
        expect(prompt.slice(0, -1)).toEqual(said);
        expect(before.keepAnswer).toBe(true);
      }
      expect(turns.at(-1)!.keepAnswer).toBeUndefined();
    }
  });

  test("all begin with the same system prompt, and share nothing else", async () => {
    const all = await requestsOf({ sessions: 20, turns: 2, systemTokens: 64, contextTokens: 100 });
    const contents = bySession(all).map((turns) => turns[0]!.prompt);
    expect(new Set(contents.map(([first]) => JSON.stringify(first))).size).toBe(1);
    const own = contents.flatMap(([, ...rest]) => rest.map((part) => JSON.stringify(part)));
    expect(new Set(own).size).toBe(own.length);
  });

  test("sub-agents start after the first turn, in parallel, without think time", async () => {
    const [turns] = bySession(
      await requestsOf({ sessions: 1, turns: 2, subAgents: 2, subAgentTurns: 3, stddevShare: 0 }),
    );
    expect(turns!.map(({ after }) => after?.request)).toEqual([undefined, 0, 0, 2, 3, 0, 5, 6]);
    expect(turns!.slice(2).map(({ after }) => after!.thinkMs)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(turns![0]!.sessionRequests).toBe(8);
    expect(turns![2]!.prompt).toHaveLength(2); // what all share, and its own task
  });

  test("have the given means", async () => {
    const all = await requestsOf({ sessions: 3000, turns: 4, thinkMs: 700 });
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    // Four standard errors: turns 1 / √3000, answers 50 / √12000, exponential thinking 700 / √9000.
    expect(Math.abs(mean(bySession(all).map((turns) => turns.length)) - 4)).toBeLessThan(0.08);
    expect(Math.abs(mean(all.map(({ osl }) => osl)) - 200)).toBeLessThan(2);
    const think = all.flatMap(({ after }) => (after === undefined ? [] : [after.thinkMs]));
    expect(Math.abs(mean(think) - 700)).toBeLessThan(30);
  });
});

const row = (session: string, isl: number, ids: number[], more = {}): string =>
  JSON.stringify({
    session_id: session,
    input_length: isl,
    output_length: 10,
    hash_ids: ids,
    ...more,
  });

describe("traced sessions", () => {
  const delta = scratchFile(
    "delta.jsonl",
    [row("a", 1000, [0, 1]), row("b", 512, [7]), row("a", 100, [2], { delay: 250 })].join("\n"),
  );
  const cumulative = scratchFile(
    "cumulative.jsonl",
    [row("a", 1000, [0, 1], { timestamp: 0 }), row("a", 1110, [0, 2, 3], { timestamp: 900 })].join(
      "\n",
    ),
  );

  test("of new inputs repeat the conversation so far, with the answers", async () => {
    const [first, second, other] = await requestsOf({ trace: delta });
    expect(second!.prompt).toEqual([
      { content: 0, tokens: 512 },
      { content: 1, tokens: 488 },
      { answerOf: 0, tokens: 10 },
      { content: 2, tokens: 100 },
    ]);
    expect(second).toMatchObject({ isl: 1110, session: "a", after: { request: 0, thinkMs: 250 } });
    expect(first).toMatchObject({ sessionRequests: 2, keepAnswer: true });
    expect(other).toMatchObject({ session: "b", sessionRequests: 1 });
  });

  test("of whole prompts are sent as they are; found by the hash ids, and reported", async () => {
    const [first, second] = await requestsOf({ trace: cumulative });
    expect(second!.prompt).toHaveLength(3);
    expect(second!.isl).toBe(1110);
    expect(first!.keepAnswer).toBeUndefined();
    expect(first!.atNs).toBe(0);
    const options = v.parse(sessions.options, { trace: cumulative });
    const rows = await sessions.read!(options, signal);
    expect(sessions.notes!(options, rows)).toEqual([
      "1 sessions, rows are cumulative inputs (found by their hash ids)",
    ]);
    expect((await requestsOf({ trace: cumulative, turnInputs: "delta" }))[1]!.isl).toBe(2120);
  });

  test("wait as in the trace, as configured, or not at all", async () => {
    const thinkMs = async (raw: object) =>
      (await requestsOf({ trace: delta, ...raw }))[1]!.after!.thinkMs;
    expect([await thinkMs({}), await thinkMs({ delay: 40 }), await thinkMs({ delay: 0 })]).toEqual([
      250, 40, 0,
    ]);
  });

  test("of both kinds are a fault", async () => {
    const mixed = scratchFile(
      "mixed.jsonl",
      [row("a", 512, [0]), row("a", 1024, [0, 1]), row("b", 512, [5]), row("b", 512, [6])].join(
        "\n",
      ),
    );
    expect(requestsOf({ trace: mixed })).rejects.toThrow(
      "1 turns begin with the prompt before them, 1 do not",
    );
  });

  test("only full blocks are evidence", () => {
    const part = (isl: number, blocks: number[]): TraceRow => ({ isl, osl: 1, blocks });
    const counts = (...rows: TraceRow[]) => turnInputs([rows], 512);
    expect(counts(part(100, [0]), part(300, [1]))).toEqual({ continued: 0, fresh: 0 });
    expect(counts(part(600, [0, 1]), part(900, [0, 2]))).toEqual({ continued: 1, fresh: 0 });
    expect(counts(part(600, [0, 1]), part(900, [4, 5]))).toEqual({ continued: 0, fresh: 1 });
  });
});

test("sizes that are each in bounds and together are not are named", () => {
  const check = (raw: object) =>
    sessions.check!(v.parse(sessions.options, raw)).map(
      ({ path, message }) => `${path} ${message}`,
    );
  expect(check({ turns: 1000 })).toEqual([]);
  expect(check({ sessions: 10_000_000 })).toEqual([
    "sessions makes about 50,000,000 requests, more than 10,000,000",
  ]);
  expect(check({ sessions: 1, subAgents: 100, subAgentTurns: 1000 })).toEqual([
    "subAgentTurns makes prompts of 100,000,025 parts in one session, more than 1,000,000",
  ]);
});
