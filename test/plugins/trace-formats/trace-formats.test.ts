/** Each format with a small file: how it is recognised, read, and handled when cut. */
import { describe, expect, test } from "bun:test";
import { readTrace, type ReadTraceOptions } from "../../../core/trace/read-trace.ts";
import { TRACE_FORMATS } from "../../../plugins/shared/traces/trace-formats.ts";
import type { TraceRow } from "../../../core/trace/trace-row.ts";
import { scratchFile } from "../workloads/scratch-file.ts";

/** One token a word: enough to count and to compare. */
const encode = (text: string): number[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => [...word].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1e9);

async function read(text: string, options: Partial<ReadTraceOptions> = {}) {
  const rows: TraceRow[] = [];
  let format: string | undefined;
  let blockSize: number | undefined;
  const leftOut: string[] = [];
  const path = scratchFile("format.txt", text);
  for await (const batch of readTrace(path, {
    formats: TRACE_FORMATS,
    blockSize: 4,
    tokenizer: { encode, encodePart: encode },
    leftOut: (reason, count) => leftOut.push(`${count} ${reason}`),
    ...options,
  })) {
    rows.push(...batch.rows);
    format = batch.format.name;
    blockSize = batch.blockSize;
  }
  return { rows, format, blockSize, leftOut };
}

const faultOf = (text: string, options: Partial<ReadTraceOptions> = {}): Promise<string> =>
  read(text, options).then(
    () => "no fault",
    (error: Error) => error.message.replace(/"[^"]*format\.txt"/, "FILE"),
  );

const dynamoRecord = (change: object, request: object = {}, replay: object = {}): string =>
  JSON.stringify({
    schema: "dynamo.request.trace.v1",
    event_type: "request_end",
    agent_context: { session_id: "s" },
    request: {
      request_id: "r",
      request_received_ms: 1_790_000_000_100,
      output_tokens: 7,
      replay: {
        trace_block_size: 64,
        input_length: 100,
        input_sequence_hashes: ["A", "B"],
        ...replay,
      },
      ...request,
    },
    ...change,
  })
    .replaceAll('"A"', "18446744073709551614")
    .replaceAll('"B"', "18446744073709551615");

const FILES: Record<
  string,
  { text: string; rows: TraceRow[]; blockSize: number; leftOut?: string[] }
> = {
  mooncake: {
    text: '{"timestamp":5,"input_length":6,"output_length":2,"hash_ids":[0,9]}\n',
    rows: [{ atMs: 5, isl: 6, osl: 2, blocks: [0, 9] }],
    blockSize: 4,
  },
  burstgpt: {
    text:
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n" +
      "5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,9,0,9,API log\n118.5,GPT-4,417,276,693,API log\n",
    rows: [
      { atMs: 5000, isl: 472, osl: 18, blocks: [] },
      { atMs: 118_500, isl: 417, osl: 276, blocks: [] },
    ],
    blockSize: 4,
    leftOut: ["1 failed requests, without response tokens"],
  },
  azure: {
    text:
      "TIMESTAMP,ContextTokens,GeneratedTokens\n" +
      "2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n",
    rows: [
      { atMs: 0, isl: 4808, osl: 10, blocks: [] },
      { atMs: 52, isl: 3180, osl: 8, blocks: [] },
    ],
    blockSize: 4,
  },
  bailian: {
    text:
      '{"chat_id":7,"parent_chat_id":-1,"timestamp":1.5,"input_length":20,"output_length":3,"type":"text","turn":1,"hash_ids":[1,2]}\n' +
      '{"chat_id":8,"parent_chat_id":7,"timestamp":2,"input_length":33,"output_length":4,"type":"text","turn":2,"hash_ids":[1,3,4]}\n',
    rows: [
      { atMs: 1500, isl: 20, osl: 3, blocks: [1, 2], session: "7" },
      { atMs: 2000, isl: 33, osl: 4, blocks: [1, 3, 4], session: "7" },
    ],
    blockSize: 16,
  },
  weka: {
    text:
      '{"id":"a","models":["m"],"block_size":64,"requests":[{"t":1,"type":"n","model":"m","in":65,"out":3,"hash_ids":[1,2]},' +
      '{"t":2,"type":"subagent","agent_id":"x","requests":[{"t":3,"type":"n","in":64,"out":5,"hash_ids":[9]}]},' +
      '{"t":2.5,"type":"n","in":60,"out":4,"hash_ids":[1]}]}\n',
    rows: [
      { atMs: 1000, isl: 65, osl: 3, blocks: [1, 2], session: "a" },
      { atMs: 2500, isl: 60, osl: 4, blocks: [1], session: "a" },
      { atMs: 3000, isl: 64, osl: 5, blocks: [9], session: "a/x" },
    ],
    blockSize: 64,
  },
  dynamo: {
    // The second record ended first, and came later; hashes differ in their last digit alone.
    text: [
      dynamoRecord(
        {},
        { request_received_ms: 1_790_000_000_350 },
        { input_length: 64, input_sequence_hashes: ["B"] },
      ),
      dynamoRecord({ event_type: "tool_end" }),
      JSON.stringify({
        timestamp: 1,
        event: JSON.parse(dynamoRecord({}).replace(/\d{20}/g, '"$&"')),
      }),
    ].join("\n"),
    rows: [
      { atMs: 0, isl: 100, osl: 7, blocks: [1, 0], session: "s" },
      { atMs: 250, isl: 64, osl: 7, blocks: [0], session: "s" },
    ],
    blockSize: 64,
    leftOut: ["1 records of tool_end"],
  },
  openai: {
    text:
      '{"messages":[{"role":"user","content":"one two three"}],"max_tokens":9,"timestamp":0}\n' +
      '{"request":{"messages":[{"role":"user","content":"one two three"},{"role":"assistant","content":"four"}],"max_tokens":9},"response":{"usage":{"completion_tokens":5}},"timestamp":20,"session_id":3}\n',
    rows: [
      { atMs: 0, isl: 4, osl: 9, blocks: [0] },
      { atMs: 20, isl: 6, osl: 5, blocks: [0, 1], session: "3" },
    ],
    blockSize: 4,
  },
  sharegpt: {
    text:
      '[{"id":"q","conversations":[{"from":"human","value":"one two three"},{"from":"gpt","value":"four five"},' +
      '{"from":"human","value":"six"},{"from":"gpt","value":"seven"}]},\n{"id":"r","conversations":[]}]',
    rows: [
      { isl: 4, osl: 2, blocks: [0], session: "q" },
      { isl: 9, osl: 1, blocks: [0, 1, 2], session: "q" },
    ],
    blockSize: 4,
  },
};

test("every format has a file in this test", () => {
  expect(Object.keys(FILES).toSorted()).toEqual(TRACE_FORMATS.map(({ name }) => name).toSorted());
});

describe.each(Object.entries(FILES))("%s", (name, { text, rows, blockSize, leftOut = [] }) => {
  test("is recognised and read correctly", async () => {
    expect(await read(text)).toEqual({ rows, format: name, blockSize, leftOut });
  });

  test("cut at any byte gives its first rows or a fault, never other rows", async () => {
    for (let length = 0; length < text.length; length += 1) {
      const cut = await read(text.slice(0, length), { format: name, skipped: () => {} }).then(
        (found) => found.rows,
        () => [],
      );
      for (const row of cut) {
        const same = rows.map((whole) => ({ ...whole, atMs: row.atMs }));
        // A table's last number may be cut inside; so may the first of two that count from it.
        if (name === "burstgpt" || name === "azure") expect(row.isl).toBeGreaterThan(0);
        else expect(same).toContainEqual({ ...row, atMs: row.atMs } as TraceRow & { atMs: number });
      }
    }
  });
});

describe("faults", () => {
  test("name line and field of each format", async () => {
    expect(await faultOf("Timestamp,Request tokens,Response tokens\nsoon,1,1")).toBe(
      'Cannot read FILE: line 2: "Timestamp" must be seconds, and is "soon"',
    );
    expect(await faultOf("Timestamp,Request tokens,Response tokens\n1,1")).toBe(
      'Cannot read FILE: line 2: "line" must have 3 cells as the head, and has 2',
    );
    expect(await faultOf("TIMESTAMP,ContextTokens,GeneratedTokens\n16.11.2023,1,1")).toBe(
      'Cannot read FILE: line 2: "TIMESTAMP" must be a date and time, and is "16.11.2023"',
    );
    expect(await faultOf(dynamoRecord({}, {}, { input_sequence_hashes: ["A"] }))).toBe(
      'Cannot read FILE: line 1: "request.replay.input_sequence_hashes" must have 2 ids, one for each 64 tokens of a prompt of 100, and has 1',
    );
    expect(await faultOf('[{"conversations":[{"from":"dog","value":"wuff"}]}]')).toBe(
      'Cannot read FILE: line 1: "[0].conversations[0].from" must be human, gpt or system, and is "dog"',
    );
  });

  test("report a wrong guess, an unknown format, and a missing tokenizer", async () => {
    expect(await faultOf('{"x":1}')).toBe('Cannot read FILE: no known format begins with {"x":1}');
    expect(await faultOf("{}", { format: "moncake" })).toBe('There is no trace format "moncake"');
    expect(await faultOf(FILES["azure"]!.text, { format: "mooncake" })).toBe(
      'Cannot read FILE: line 1: "line" is not JSON: "TIMESTAMP,ContextTokens,GeneratedTokens"',
    );
    const path = scratchFile("chat.json", FILES["sharegpt"]!.text);
    const silent = readTrace(path, { formats: TRACE_FORMATS, blockSize: 4 }).next();
    expect(silent).rejects.toThrow("sharegpt has texts, and no tokenizer was named");
  });

  test("for two formats in one file name the line where the second begins", async () => {
    const mixed = FILES["mooncake"]!.text + FILES["bailian"]!.text;
    expect(await faultOf(mixed)).toContain(
      'line 2: "chat_id" is of a row of another format, bailian',
    );
  });
});

describe("logs of texts", () => {
  const chat = { messages: [{ role: "user", content: "one two three" }], max_tokens: 9 };
  const without = async (...logs: object[]) => {
    const path = scratchFile("log.jsonl", logs.map((log) => `${JSON.stringify(log)}\n`).join(""));
    const batches = await Array.fromAsync(
      readTrace(path, { formats: TRACE_FORMATS, blockSize: 4 }),
    );
    return { rows: batches.flatMap(({ rows }) => rows), silentOn: batches.at(-1)!.silentOn };
  };

  test("without a tokenizer are as long as the server counted, and share nothing", async () => {
    expect(await without({ ...chat, usage: { prompt_tokens: 12, completion_tokens: 5 } })).toEqual({
      rows: [{ isl: 12, osl: 5, blocks: [] }],
      silentOn: ["sharing"],
    });
    expect(without(chat)).rejects.toThrow(
      "its length is unknown without usage.prompt_tokens or --tokenizer MODEL_FOLDER",
    );
  });

  test("of token ids need none", async () => {
    expect(await without({ prompt: [1, 2, 3, 4, 5], max_tokens: 9 })).toEqual({
      rows: [{ isl: 5, osl: 9, blocks: [0, 1] }],
      silentOn: [],
    });
  });

  test("are counted in the model's chat template where it has one", async () => {
    const encodeChat = (messages: readonly { content: string }[]): number[] => [
      ...[0, 0, 0],
      ...messages.flatMap(({ content }) => encode(content)),
    ];
    const tokenizer = { encode, encodePart: encode, encodeChat };
    const { rows } = await read(JSON.stringify(chat), { tokenizer });
    expect(rows).toEqual([{ isl: 6, osl: 9, blocks: [0, 1] }]);
  });
});
