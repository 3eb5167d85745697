/**
 * Alibaba's Bailian traces (arXiv 2506.02634): `chat_id`, `parent_chat_id` (-1 where a conversation
 * begins), `timestamp` in seconds, `input_length`, `output_length`, `hash_ids` of 16 tokens.
 */
import {
  idsIn,
  mustCover,
  objectOf,
  secondsIn,
  tokensIn,
  wholeIn,
  type TraceFormat,
} from "dynbench/trace";

const BLOCK_SIZE = 16;
const NO_PARENT = -1;

export const bailian: TraceFormat = {
  name: "bailian",
  summary:
    "Alibaba Bailian: chat_id, parent_chat_id, timestamp (s), input_length, hash_ids of 16 tokens",
  silentOn: [],
  recognizes: (line) => line.includes('"parent_chat_id"'),
  reader: () => {
    /** By chat: the first chat of its conversation. */
    const conversationOf = new Map<number, number>();
    return {
      blockSize: BLOCK_SIZE,
      leftOut: new Map(),
      push: (line) => {
        const row = objectOf(line);
        const chat = wholeIn(row["chat_id"], "chat_id");
        const parent = wholeIn(row["parent_chat_id"], "parent_chat_id");
        // A parent before the trace began counts as the beginning itself.
        const conversation = parent === NO_PARENT ? chat : (conversationOf.get(parent) ?? parent);
        conversationOf.set(chat, conversation);
        const isl = tokensIn(row["input_length"], "input_length");
        const blocks = idsIn(row["hash_ids"], "hash_ids");
        mustCover(blocks, { isl, blockSize: BLOCK_SIZE, field: "hash_ids" });
        return [
          {
            atMs: secondsIn(row["timestamp"], "timestamp"),
            isl,
            osl: tokensIn(row["output_length"], "output_length"),
            blocks,
            session: String(conversation),
          },
        ];
      },
      end: () => [],
    };
  },
};
