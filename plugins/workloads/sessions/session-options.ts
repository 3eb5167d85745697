/** The options of workload `sessions`. */
import { v } from "dynbench";
import { MAX_ROW_TOKENS } from "dynbench/trace";
import { share, whole, within } from "../../shared/option-shapes.ts";
import { traceFileOptions } from "../../shared/traces/trace-file.ts";

const MAX_SESSIONS = 10_000_000;
/** A conversation of more turns is a typing error: each prompt holds all turns before it. */
const MAX_TURNS = 1_000;
/** Parts of the prompts of one session, which are in memory together: turns by turns. */
const MAX_PARTS = MAX_TURNS * MAX_TURNS;
/** As many as one cell may send. */
const MAX_REQUESTS = 10_000_000;
const MAX_THINK_MS = 86_400_000;

const tokens = (low: number) => whole(low, MAX_ROW_TOKENS);

export const sessionOptions = v.strictObject({
  trace: v.pipe(
    v.optional(v.string()),
    v.description("Trace whose rows have a session_id; without it sessions are made up"),
    v.metadata({ file: true, aliases: ["input-dataset", "input-file"] }),
  ),
  ...traceFileOptions,
  turnInputs: v.pipe(
    v.optional(v.picklist(["auto", "delta", "cumulative"]), "auto"),
    v.description(
      "What a row of the trace holds: delta, the new input of its turn; cumulative, the whole " +
        "prompt; auto finds out",
    ),
  ),
  delay: v.pipe(
    v.optional(within(0, MAX_THINK_MS)),
    v.description("Milliseconds between the turns of a traced session [as in the trace]"),
  ),
  sessions: v.pipe(
    v.optional(whole(1, MAX_SESSIONS), 100),
    v.description("Made up: how many sessions"),
  ),
  turns: v.pipe(
    v.optional(whole(1, MAX_TURNS), 5),
    v.description("Made up: mean turns of a session"),
  ),
  systemTokens: v.pipe(
    v.optional(tokens(0), 500),
    v.description("Made up: tokens that all sessions open with"),
  ),
  contextTokens: v.pipe(
    v.optional(tokens(0), 2000),
    v.description("Made up: tokens that a session opens with after those"),
  ),
  userTokens: v.pipe(
    v.optional(tokens(1), 200),
    v.description("Made up: mean new tokens of a turn"),
  ),
  osl: v.pipe(v.optional(tokens(1), 200), v.description("Made up: mean tokens of an answer")),
  stddevShare: v.pipe(
    v.optional(share, 0.25),
    v.description("Made up: standard deviation of turns and lengths, as a share of their means"),
  ),
  thinkMs: v.pipe(
    v.optional(within(0, MAX_THINK_MS), 1000),
    v.description("Made up: mean of the exponential time between an answer and the next turn"),
  ),
  subAgents: v.pipe(
    v.optional(whole(0, 100), 0),
    v.description("Made up: sub-agents that a session starts after its first turn, beside itself"),
  ),
  subAgentTurns: v.pipe(
    v.optional(whole(1, MAX_TURNS), 3),
    v.description("Made up: turns of a sub-agent, which thinks for no time"),
  ),
});

export type SessionOptions = v.InferOutput<typeof sessionOptions>;

/** Numbers that are each in bounds, and together make more than memory or a day can hold. */
export function sizeFaults(
  chosen: SessionOptions,
): { path: string; message: string; hint: string }[] {
  if (chosen.trace !== undefined) return [];
  const { sessions, turns, subAgents, subAgentTurns } = chosen;
  const parts = turns * turns + subAgents * subAgentTurns * subAgentTurns;
  const requests = sessions * (turns + subAgents * subAgentTurns);
  const shown = (count: number): string => count.toLocaleString("en-US");
  return [
    ...(parts <= MAX_PARTS
      ? []
      : [
          {
            path: "subAgentTurns",
            message: `makes prompts of ${shown(parts)} parts in one session, more than ${shown(MAX_PARTS)}`,
            hint: "Lower --sub-agent-turns, --sub-agents or --turns",
          },
        ]),
    ...(requests <= MAX_REQUESTS
      ? []
      : [
          {
            path: "sessions",
            message: `makes about ${shown(requests)} requests, more than ${shown(MAX_REQUESTS)}`,
            hint: "Lower --sessions, --turns or --sub-agents",
          },
        ]),
  ];
}
