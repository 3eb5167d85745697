/**
 * Conversations: each next turn is sent when the answer before it has come and the think time is
 * over, with the conversation so far in its prompt. Sessions are made up from lengths, or come from
 * a trace whose rows name theirs. Concurrency counts sessions, think times included.
 */
import { defineWorkload, type RequestSpec, type Segment } from "dynbench";
import type { TraceRow } from "dynbench/trace";
import { promptOf } from "../../shared/traces/trace-file.ts";
import { madeUpSessions } from "./made-up.ts";
import { sessionOptions, sizeFaults } from "./session-options.ts";
import { readSessions, type TracedSessions } from "./read-sessions.ts";

export const sessions = defineWorkload({
  name: "sessions",
  aliases: ["agent"],
  summary: "Conversations of several turns with think times, made up or from a trace",
  options: sessionOptions,
  load: { arrival: "closed", concurrency: 10, concurrencyOf: "sessions" },
  usesAnswers: true,
  check: sizeFaults,
  read: async (chosen, signal): Promise<TracedSessions | undefined> =>
    chosen.trace === undefined
      ? undefined
      : readSessions({ ...chosen, trace: chosen.trace }, signal),
  notes: (_chosen, rows) => rows?.notes ?? [],
  requests: (chosen, { rows, random, count = Infinity }) =>
    rows === undefined
      ? madeUpSessions(chosen, random, count)
      : tracedSessions(rows, { count, delayMs: chosen.delay }),
});

/** Requests of traced sessions: each turn after the one before, with the conversation so far in its prompt. */
function* tracedSessions(
  { sessions, inputs, blockSize }: TracedSessions,
  { count, delayMs }: { count: number; delayMs: number | undefined },
): Generator<RequestSpec> {
  let index = 0;
  for (const [number, rows] of sessions.entries()) {
    let conversation: readonly Segment[] = [];
    for (const [turn, row] of rows.entries()) {
      if (index === count) return;
      const own = promptOf(row, { index, blockSize });
      const prompt = inputs === "delta" ? [...conversation, ...own] : own;
      const isLast = turn === rows.length - 1;
      yield {
        index,
        prompt,
        isl: prompt.reduce((sum, { tokens }) => sum + tokens, 0),
        osl: row.osl,
        session: row.session ?? `row ${number}`,
        ...(turn === 0
          ? { sessionRequests: rows.length, ...timeOf(row) }
          : { after: { request: index - 1, thinkMs: delayMs ?? row.delayMs ?? 0 } }),
        ...(row.priority === undefined ? {} : { priority: row.priority }),
        ...(inputs === "delta" && !isLast ? { keepAnswer: true } : {}),
      };
      conversation = [...prompt, { answerOf: index, tokens: row.osl }];
      index += 1;
    }
  }
}

function timeOf({ atMs }: TraceRow): { atNs?: number } {
  return atMs === undefined ? {} : { atNs: Math.round(atMs * 1e6) };
}
