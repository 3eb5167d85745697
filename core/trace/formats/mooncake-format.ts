/** Mooncake's own rows, read and written. */
import { formatMooncakeRow, parseMooncakeRow } from "../mooncake.ts";
import type { TraceFormat } from "../trace-format.ts";

export const mooncakeFormat: TraceFormat = {
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
