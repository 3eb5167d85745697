/**
 * Request traces of Dynamo's frontend (`dynamo.request.trace.v1`, `DYN_REQUEST_TRACE`, Dynamo 1.3 to
 * 1.6): one record a line, bare or in an envelope with `event`. Records of `request_end` with replay
 * metadata are requests; tool records are none. Hashes are 64-bit and chained. Records come in the
 * order of their ends, so rows are put in the order of their arrival, in memory.
 */
import {
  BlockNames,
  listIn,
  mustCover,
  nameIn,
  objectIn,
  objectOf,
  textIn,
  tokensIn,
  unixMsIn,
  TraceFault,
  type JsonObject,
  type TraceFormat,
  type TraceRow,
} from "dynbench/trace";

const SCHEMA = "dynamo.request.trace.v1";

export const dynamo: TraceFormat = {
  name: "dynamo",
  summary: `Dynamo's request traces (${SCHEMA}), as its frontend writes them`,
  silentOn: [],
  recognizes: (line) => line.includes(`"${SCHEMA}"`),
  reader: ({ blockSize: assumed }) => {
    const names = new BlockNames();
    const rows: (TraceRow & { readonly atMs: number })[] = [];
    const leftOut = new Map<string, number>();
    let blockSize: number | undefined;
    const skip = (reason: string): readonly TraceRow[] => {
      leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
      return [];
    };
    return {
      get blockSize() {
        return blockSize ?? assumed;
      },
      leftOut,
      push: (line) => {
        const record = recordIn(line);
        const type = textIn(record["event_type"], "event_type");
        if (type !== "request_end") return skip(`records of ${type}`);
        const request = objectIn(record["request"], "request");
        if (request["replay"] === undefined) return skip("requests without replay metadata");
        if (request["output_tokens"] === 0) return skip("requests without output");
        const replay = objectIn(request["replay"], "request.replay");
        const size = tokensIn(replay["trace_block_size"], "request.replay.trace_block_size");
        if (blockSize !== undefined && size !== blockSize) {
          throw new TraceFault(
            "request.replay.trace_block_size",
            `is ${size}, and was ${blockSize} before`,
          );
        }
        blockSize = size;
        rows.push(rowOf({ record, request, replay, blockSize, names }));
        return [];
      },
      end: () => {
        rows.sort((a, b) => a.atMs - b.atMs);
        const firstMs = rows[0]?.atMs ?? 0;
        return rows.map((row) => ({ ...row, atMs: row.atMs - firstMs }));
      },
    };
  },
};

function recordIn(line: string): JsonObject {
  // Hashes have up to twenty digits, more than a number holds: they are read as texts.
  const record = objectOf(line.replace(/(?<=[[,:\s])\d{16,}(?=\s*[,\]}])/g, '"$&"'));
  const event = record["event"];
  return event === undefined ? record : objectIn(event, "event");
}

function rowOf(parts: {
  record: JsonObject;
  request: JsonObject;
  replay: JsonObject;
  blockSize: number;
  names: BlockNames;
}): TraceRow & { readonly atMs: number } {
  const { record, request, replay, blockSize, names } = parts;
  const isl = tokensIn(replay["input_length"], "request.replay.input_length");
  const hashes = listIn(replay["input_sequence_hashes"], "request.replay.input_sequence_hashes");
  mustCover(hashes, { isl, blockSize, field: "request.replay.input_sequence_hashes" });
  const context = record["agent_context"] as JsonObject | null | undefined;
  const session = context?.["session_id"];
  return {
    atMs: unixMsIn(request["request_received_ms"], "request.request_received_ms"),
    isl,
    osl: tokensIn(request["output_tokens"], "request.output_tokens"),
    blocks: names.ofChained(hashes.map(String)),
    ...(session === undefined ? {} : { session: nameIn(session, "agent_context.session_id") }),
  };
}
