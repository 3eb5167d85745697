/**
 * Conversations: each next turn is sent when the answer before it has come and the think time is
 * over, with all that was said before in its prompt. Sessions are made up from lengths, or come from
 * a trace whose rows name theirs. Concurrency counts sessions, think times included.
 */
import { defineWorkload } from "dynbench";
import { madeUpSessions } from "./made-up.ts";
import { sessionOptions } from "./session-options.ts";
import { readSessions, type TracedSessions } from "./read-sessions.ts";
import { tracedSessions } from "./traced.ts";

export const sessions = defineWorkload({
  name: "sessions",
  aliases: ["agent"],
  summary: "Conversations of several turns with think times, made up or from a trace",
  options: sessionOptions,
  load: { arrival: "closed", concurrency: 10, concurrencyOf: "sessions" },
  usesAnswers: true,
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
