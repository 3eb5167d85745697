/**
 * Rows of Mooncake traces (`timestamp`, `input_length`, `output_length`, `hash_ids`; FAST'25 release
 * of the Mooncake project), with what Dynamo's session traces and aiperf's `mooncake_trace` add:
 * `session_id`, `delay`, `priority`. One JSON object a line; other keys are ignored.
 */
import {
  idsIn,
  millisecondsIn,
  mustCover,
  nameIn,
  objectOf,
  optional,
  tokensIn,
  TraceFault,
  wholeIn,
  type TraceFormat,
  type TraceRow,
} from "dynbench/trace";

export const mooncake: TraceFormat = {
  name: "mooncake",
  summary: "Mooncake, Dynamo and aiperf: timestamp (ms), input_length, output_length, hash_ids",
  silentOn: [],
  recognizes: (line) => line.includes('"input_length"') && !line.includes('"chat_id"'),
  reader: ({ blockSize }) => ({
    blockSize,
    leftOut: new Map(),
    push: (line) => [parseMooncakeRow(line, blockSize)],
    end: () => [],
  }),
  writer: () => ({ line: formatMooncakeRow }),
};

/** What a line holds, or a `TraceFault`. `blockSize`: tokens per hash id. */
export function parseMooncakeRow(line: string, blockSize: number): TraceRow {
  const value = objectOf(line);
  if (value["chat_id"] !== undefined) {
    // Its times are seconds and its blocks have 16 tokens: read as ours it would be another trace.
    throw new TraceFault("chat_id", "is of a row of another format, bailian");
  }
  const isl = tokensIn(value["input_length"], "input_length");
  const blocks = optional(value, "hash_ids", idsIn) ?? [];
  if (blocks.length > 0) mustCover(blocks, { isl, blockSize, field: "hash_ids" });
  const atMs = optional(value, "timestamp", millisecondsIn);
  const delayMs = optional(value, "delay", millisecondsIn);
  const session = optional(value, "session_id", nameIn);
  const priority = optional(value, "priority", wholeIn);
  const osl = tokensIn(value["output_length"], "output_length");
  return {
    isl,
    osl,
    blocks,
    ...(atMs === undefined ? {} : { atMs }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(session === undefined ? {} : { session }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** The line of a row, keys in the order of the published traces. */
export function formatMooncakeRow(row: TraceRow): string {
  return JSON.stringify({
    timestamp: row.atMs,
    session_id: row.session,
    delay: row.delayMs,
    input_length: row.isl,
    output_length: row.osl,
    hash_ids: row.blocks.length === 0 ? undefined : row.blocks,
    priority: row.priority,
  });
}
