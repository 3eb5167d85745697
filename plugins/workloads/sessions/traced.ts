/** Requests of traced sessions: each turn after the one before, with what was said in its prompt. */
import type { RequestSpec, Segment } from "dynbench";
import { type TraceRow } from "dynbench/trace";
import { promptOf } from "../../shared/traces/trace-file.ts";
import type { TracedSessions } from "./read-sessions.ts";

export function* tracedSessions(
  { sessions, inputs, blockSize }: TracedSessions,
  { count, delayMs }: { count: number; delayMs: number | undefined },
): Generator<RequestSpec> {
  let index = 0;
  for (const [number, rows] of sessions.entries()) {
    let said: readonly Segment[] = [];
    for (const [turn, row] of rows.entries()) {
      if (index === count) return;
      const own = promptOf(row, { index, blockSize });
      const prompt = inputs === "delta" ? [...said, ...own] : own;
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
      said = [...prompt, { answerOf: index, tokens: row.osl }];
      index += 1;
    }
  }
}

function timeOf({ atMs }: TraceRow): { atNs?: number } {
  return atMs === undefined ? {} : { atNs: Math.round(atMs * 1e6) };
}
