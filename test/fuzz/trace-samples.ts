/** A small sound file of each trace format, drawn: two to six rows that share some beginnings. */
import type { RandomStream } from "../../core/base/random.ts";

type Sample = (random: RandomStream, blockSize: number) => string;

/** One of so many blocks, which others have too. */
const FEW_BLOCKS = 6;

export const SAMPLES: Readonly<Record<string, Sample>> = {
  mooncake: (random, blockSize) =>
    rows(random, (timestamp) => ({
      timestamp,
      ...lengths(random, blockSize, "input_length", "output_length"),
      ...(random.int(3) === 0 ? { session_id: `s${random.int(2)}`, delay: random.int(50) } : {}),
      ...(random.int(4) === 0 ? { priority: random.int(5) - 2 } : {}),
    })),
  bailian: (random) =>
    rows(random, (timestamp, chat) => ({
      ...{ chat_id: chat, parent_chat_id: random.int(2) === 0 ? -1 : chat - 1 },
      ...{ timestamp: timestamp / 1000, type: "text", turn: 1 },
      ...lengths(random, 16, "input_length", "output_length"),
    })),
  dynamo: (random) =>
    rows(random, (ms) => {
      const { isl, osl, hash_ids: hashes } = lengths(random, 64, "isl", "osl");
      return {
        ...{ schema: "dynamo.request.trace.v1", event_type: "request_end" },
        agent_context: random.int(2) === 0 ? null : { session_id: "s" },
        request: {
          ...{ request_received_ms: 1_790_000_000_000 + ms, output_tokens: osl },
          replay: { trace_block_size: 64, input_length: isl, input_sequence_hashes: hashes },
        },
      };
    }).replace(/(?<=hashes":\[)\d/g, (digit) => `1844674407370955161${digit}`),
  weka: (random) =>
    rows(random, (ms, index) => ({
      ...{ id: `c${index}`, block_size: 64 },
      requests: [
        { t: ms / 1000, type: "n", ...lengths(random, 64, "in", "out") },
        {
          ...{ t: ms / 1000, type: "subagent", agent_id: "x" },
          requests: [{ t: ms / 1000 + 1, type: "n", ...lengths(random, 64, "in", "out") }],
        },
      ],
    })),
  burstgpt: (random) =>
    table(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
      times(random).map(
        (ms) => `${ms / 1000},"GPT, 4",${random.int(900) + 1},${random.int(9)},9,API log`,
      ),
    ),
  azure: (random) =>
    table(
      "TIMESTAMP,ContextTokens,GeneratedTokens",
      times(random).map((ms) => {
        const time = new Date(Date.UTC(2023, 10, 16, 18) + ms).toISOString();
        return `${time.slice(0, 19).replace("T", " ")}.9799600,${random.int(5000) + 1},${random.int(90) + 1}`;
      }),
    ),
  openai: (random) =>
    rows(random, (timestamp, index) => {
      const messages = [{ role: "user", content: words(random) }];
      const body = index % 2 === 0 ? { messages } : { prompt: [1, 2, random.int(3)] };
      return { ...body, max_tokens: random.int(9) + 1, timestamp, usage: { prompt_tokens: 5 } };
    }),
  sharegpt: (random) =>
    JSON.stringify(
      times(random).map((_, index) => ({
        id: `c${index}`,
        conversations: [
          { from: "human", value: words(random) },
          { from: "gpt", value: words(random) },
        ],
      })),
      null,
      random.int(2) * 2,
    ),
};

/** Rising times in milliseconds. */
function times(random: RandomStream): number[] {
  let ms = 0;
  return Array.from({ length: 2 + random.int(5) }, () => (ms += random.int(3) * 250));
}

function rows(random: RandomStream, row: (atMs: number, index: number) => object): string {
  return `${times(random)
    .map((ms, index) => JSON.stringify(row(ms, index)))
    .join("\n")}\n`;
}

function table(head: string, lines: readonly string[]): string {
  return `${[head, ...lines].join("\n")}\n`;
}

function lengths<Isl extends string, Osl extends string>(
  random: RandomStream,
  blockSize: number,
  ...[isl, osl]: [Isl, Osl]
): Record<Isl | Osl, number> & { hash_ids: number[] } {
  const tokens = 1 + random.int(3 * blockSize);
  const hashes = Array.from({ length: Math.ceil(tokens / blockSize) }, () =>
    random.int(FEW_BLOCKS),
  );
  const own = { [isl]: tokens, [osl]: 1 + random.int(90) } as Record<Isl | Osl, number>;
  return { ...own, hash_ids: hashes };
}

function words(random: RandomStream): string {
  return Array.from(
    { length: 1 + random.int(6) },
    () => ["one", "two", "três"][random.int(3)],
  ).join(" ");
}
