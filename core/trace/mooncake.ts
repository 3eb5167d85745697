/**
 * Rows of Mooncake traces (`timestamp`, `input_length`, `output_length`, `hash_ids`; FAST'25 release
 * of the Mooncake project), with what Dynamo's session traces and aiperf's `mooncake_trace` add:
 * `session_id`, `delay`, `priority`. One JSON object a line; keys that are not known are passed over.
 */
import { listIn, millisecondsIn, nameIn, objectOf, optional, tokensIn, wholeIn } from "./field.ts";
import { MAX_BLOCK_ID, TraceFault, type TraceRow } from "./trace-row.ts";

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
  return {
    isl,
    osl: tokensIn(value["output_length"], "output_length"),
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

/** Throws unless there is one id for each block of the prompt, the last of which may be partial. */
export function mustCover(
  blocks: readonly unknown[],
  { isl, blockSize, field }: { isl: number; blockSize: number; field: string },
): void {
  const expected = Math.ceil(isl / blockSize);
  if (blocks.length === expected) return;
  throw new TraceFault(
    field,
    `must have ${expected} ids, one for each ${blockSize} tokens of a prompt of ${isl}, ` +
      `and has ${blocks.length}`,
  );
}

/** Ids as numbers that a replay can use. */
export function idsIn(value: unknown, field: string): readonly number[] {
  const ids = listIn(value, field);
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i];
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_BLOCK_ID) continue;
    throw new TraceFault(
      `${field}[${i}]`,
      `must be a whole number from 0 and below ${MAX_BLOCK_ID}, and is ${JSON.stringify(id)}`,
    );
  }
  return ids as readonly number[];
}
