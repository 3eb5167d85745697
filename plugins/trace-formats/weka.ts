/**
 * Agent traces as Weka publishes them: a conversation is one JSON object with `id`, `block_size` and
 * `requests`, each with `t` in seconds, `in`, `out` and `hash_ids`, or a sub-agent with requests of
 * its own beside its parent's. One object a line, or one a file. Rows of all conversations are put
 * in the order of their times.
 */
import {
  idsIn,
  listIn,
  mustCover,
  nameIn,
  objectIn,
  objectOf,
  secondsIn,
  tokensIn,
  TraceFault,
  type JsonObject,
  type TraceFormat,
  type TraceRow,
} from "dynbench/trace";

const USUAL_BLOCK_SIZE = 64;

export const weka: TraceFormat = {
  name: "weka",
  summary:
    "Weka agent traces: one conversation an object, with requests (t in s, in, out, hash_ids)",
  silentOn: [],
  recognizes: (line) => /^\s*\{/.test(line) && (line.includes('"requests"') || line.trim() === "{"),
  reader: () => {
    let blockSize: number | undefined;
    /** Lines of an object that is written over several. */
    let open: string[] = [];
    const rows: TraceRow[] = [];
    const take = (text: string): void => {
      const conversation = objectOf(text);
      const size = tokensIn(conversation["block_size"] ?? USUAL_BLOCK_SIZE, "block_size");
      if (blockSize !== undefined && size !== blockSize) {
        throw new TraceFault("block_size", `is ${size}, and was ${blockSize} before`);
      }
      blockSize = size;
      const session = nameIn(conversation["id"], "id");
      rows.push(...requestsOf(conversation, { session, blockSize: size, field: "requests" }));
    };
    return {
      get blockSize() {
        return blockSize ?? USUAL_BLOCK_SIZE;
      },
      leftOut: new Map(),
      push: (line) => {
        const isWhole = open.length === 0 && /\}\s*$/.test(line) && line.trim() !== "}";
        if (isWhole) take(line);
        else open.push(line);
        return [];
      },
      end: () => {
        if (open.length > 0) take(open.join("\n"));
        open = [];
        return rows.toSorted((a, b) => a.atMs! - b.atMs!);
      },
    };
  },
};

function requestsOf(
  parent: JsonObject,
  { session, blockSize, field }: { session: string; blockSize: number; field: string },
): TraceRow[] {
  return listIn(parent["requests"], field).flatMap((value, i): TraceRow[] => {
    const place = `${field}[${i}]`;
    const request = objectIn(value, place);
    if (request["type"] === "subagent") {
      const agent = nameIn(request["agent_id"], `${place}.agent_id`);
      return requestsOf(request, {
        session: `${session}/${agent}`,
        blockSize,
        field: `${place}.requests`,
      });
    }
    const isl = tokensIn(request["in"], `${place}.in`);
    const blocks = idsIn(request["hash_ids"], `${place}.hash_ids`);
    mustCover(blocks, { isl, blockSize, field: `${place}.hash_ids` });
    const atMs = secondsIn(request["t"], `${place}.t`);
    return [{ atMs, isl, osl: tokensIn(request["out"], `${place}.out`), blocks, session }];
  });
}
