/** Faulty traces, through the built binary: the message for each. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const analyze = (...args: string[]) => dynbench(["trace", "analyze", ...args], { cwd });

const ROW = { timestamp: 0, input_length: 600, output_length: 5, hash_ids: [0, 1] };
const good = JSON.stringify(ROW);
const row = (change: object): string => JSON.stringify({ ...ROW, ...change });
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(cwd, name), content);
  return name;
};

/** The second line of a trace, and the message about it. */
const SECOND_LINES: [name: string, line: string, said: string][] = [
  ["a missing field", row({ input_length: undefined }), '"input_length" must be a whole number'],
  ["a missing time", row({ timestamp: undefined }), '"timestamp" is missing, and earlier rows'],
  ["a negative length", row({ input_length: -3 }), "and is -3"],
  ["a negative time", row({ timestamp: -3 }), '"timestamp" must be milliseconds from 0'],
  ["a fraction of a token", row({ output_length: 3.5 }), "and is 3.5"],
  ["a huge length", row({ input_length: 1e15 }), "from 1 to 100000000, and is 1000000000000000"],
  ["a huge time", row({ timestamp: 1e30 }), "from 0 to 320000000000"],
  ["NaN", good.replace("600", "NaN"), "is not JSON, which has no NaN"],
  ["-Infinity", good.replace("600", "-Infinity"), "is not JSON, which has no -Infinity"],
  ["a number as text", row({ input_length: "600" }), 'and is "600"'],
  ["too few ids", row({ hash_ids: [0] }), "must have 2 ids, one for each 512 tokens"],
  ["a negative id", row({ hash_ids: [0, -1] }), '"hash_ids[1]" must be a whole number from 0'],
  ["ids that are no list", row({ hash_ids: "x" }), '"hash_ids" must be a list'],
  ["no JSON", "{oops", '"line" is not JSON: "{oops"'],
  ["no object", "[1,2]", "must be a JSON object, and is [1,2]"],
  ["a line cut short", good.slice(0, 40), '"line" is not JSON'],
  ["a row of Bailian", row({ chat_id: 1, type: "text" }), "is of a row of another format, bailian"],
  ["a table", "Timestamp,Request tokens,Response tokens", '"line" is not JSON: "Timestamp'],
];

describe("the second line", () => {
  test.each(SECOND_LINES)("with %s is reported by file, line and field", async (_, line, said) => {
    const { stderr, exitCode } = await analyze(file("bad.jsonl", `${good}\n${line}\n`));
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith('Cannot read "bad.jsonl": line 2: ');
    expect(stderr).toContain(said);
    expect(stderr).toContain("--lenient");
  });

  test("may not go back in time", async () => {
    const rows = [row({ timestamp: 100 }), row({ timestamp: 50 })].join("\n");
    const { stderr } = await analyze(file("back.jsonl", rows));
    expect(stderr).toContain('line 2: "timestamp" goes back: 50 ms comes after 100 ms');
  });

  test("is left out with --lenient, and reported", async () => {
    file("some.jsonl", [good, "{oops", row({ timestamp: 5 })].join("\n"));
    const { stdout, stderr, exitCode } = await analyze("some.jsonl", "--lenient");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("some.jsonl: 2 rows");
    expect(stderr).toContain('skipped line 2: "line" is not JSON');
    const plan = await dynbench(
      ["plan", "--workload", "mooncake", "--trace", "some.jsonl", "--lenient"],
      { cwd },
    );
    expect(plan.stdout).toContain('1 row of the trace was passed over, first line 2: "line"');
  });
});

describe("a whole file", () => {
  const gzipped = gzipSync(Array.from({ length: 500 }, (_, i) => row({ timestamp: i })).join("\n"));
  test.each<[string, string | Uint8Array, string]>([
    ["that is empty", "", "there is no row in it"],
    ["of blank lines", "\n\n  \n", "there is no row in it"],
    ["of gzip cut short", gzipped.subarray(0, 80), "packed and broken or cut short"],
    ["of UTF-16", Buffer.from(`\ufeff${good}\n`, "utf16le"), "line 1 is not UTF-8 text"],
    [
      "with a line of 70 MB",
      `${good}\n${"x".repeat(70e6)}`,
      "line 2 is longer than 67108864 bytes",
    ],
    ["of no known format", '{"x":1}\n', 'no known format begins with {"x":1}'],
  ])("%s is told", async (_, content, said) => {
    const { stderr, exitCode } = await analyze(file("whole", content));
    expect(exitCode).toBe(2);
    expect(stderr).toContain(said);
  });

  test("may have CRLF and a byte order mark", async () => {
    const rows = `\ufeff${good}\r\n${row({ timestamp: 5 })}\r\n`;
    const { stdout, exitCode } = await analyze(file("windows.jsonl", rows), "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, distinctBlocks: 2 });
  });

  test("with rows of a single moment has no rate, which would be infinite", async () => {
    file("once.jsonl", `${good}\n${good}\n`);
    expect((await analyze("once.jsonl")).stdout).toContain("All rows at the same time");
    const { arrivals } = JSON.parse((await analyze("once.jsonl", "--json")).stdout);
    expect(arrivals.spanS).toBe(0);
    expect(arrivals).not.toHaveProperty("meanRps");
  });

  test.each([
    ["azure", 'line 1: "line" has text after a closed quote'],
    ["dynamo", '"event_type" must be a text, and is missing'],
    ["weka", '"id" must be a text, and is missing'],
    ["sharegpt", "no tokenizer was named"],
    ["moncake", 'Did you mean "mooncake"?'],
  ])("named as %s, which it is not, is told", async (format, said) => {
    const { stderr, exitCode } = await analyze(file("g.jsonl", good), "--trace-format", format);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(said);
  });

  test("without a valid row fails even with --lenient, with the number of skipped rows", async () => {
    file("g.jsonl", `${good}\n${good}\n`);
    const { stderr, exitCode } = await analyze("g.jsonl", "--lenient", "--trace-format", "weka");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("there is no row in it: all 2 rows were invalid and left out");
    expect(stderr).toContain("Expected Weka agent traces");
  });
});
