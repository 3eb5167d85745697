import { describe, expect, test } from "bun:test";
import { formatMooncakeRow, parseMooncakeRow } from "../../../plugins/trace-formats/mooncake.ts";

const ROW = {
  timestamp: 27_482,
  input_length: 6955,
  output_length: 52,
  hash_ids: [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2353, 2354],
};

function faultOf(change: Record<string, unknown>): string {
  try {
    parseMooncakeRow(JSON.stringify({ ...ROW, ...change }), 512);
  } catch (error) {
    return (error as Error).message;
  }
  return "no fault";
}

describe("a row", () => {
  test("is read, and written back as it was", () => {
    const row = parseMooncakeRow(JSON.stringify(ROW), 512);
    expect(row).toEqual({ atMs: 27_482, isl: 6955, osl: 52, blocks: ROW.hash_ids });
    expect(formatMooncakeRow(row)).toBe(JSON.stringify(ROW));
  });

  test("may be a turn of a session, and have no time and no hash ids", () => {
    const row = { session_id: "a", delay: 500, input_length: 9, output_length: 1, priority: 2 };
    expect(parseMooncakeRow(JSON.stringify(row), 512)).toEqual({
      isl: 9,
      osl: 1,
      blocks: [],
      session: "a",
      delayMs: 500,
      priority: 2,
    });
  });

  test("skips unknown keys", () => {
    expect(faultOf({ type: "chat" })).toBe("no fault");
  });
});

describe("a fault names the field, the expected value and the actual one", () => {
  const tokens = "must be a whole number from 1 to 100000000, and is";
  test.each([
    [
      { input_length: undefined },
      `"input_length" must be a whole number from 1 to 100000000, and is missing`,
    ],
    [{ input_length: "12" }, `"input_length" ${tokens} "12"`],
    [{ input_length: 1.5 }, `"input_length" ${tokens} 1.5`],
    [{ input_length: 1e300 }, `"input_length" ${tokens} 1e+300`],
    [{ output_length: -1 }, `"output_length" ${tokens} -1`],
    [{ output_length: 0 }, `"output_length" ${tokens} 0`],
    [{ output_length: null }, `"output_length" ${tokens} null`],
    [
      { hash_ids: [1, 2] },
      `"hash_ids" must have 14 ids, one for each 512 tokens of a prompt of 6955, and has 2`,
    ],
    [{ hash_ids: "1" }, `"hash_ids" must be a list, and is "1"`],
    [
      { hash_ids: [...ROW.hash_ids.slice(1), -3] },
      `"hash_ids[13]" must be a whole number from 0 and below 1125899906842624, and is -3`,
    ],
    [
      { hash_ids: [...ROW.hash_ids.slice(1), 2 ** 60] },
      `"hash_ids[13]" must be a whole number from 0 and below 1125899906842624, and is 1152921504606847000`,
    ],
    [
      { timestamp: -1 },
      `"timestamp" must be milliseconds from 0 to 320000000000 since the start of the trace, and is -1`,
    ],
    [
      { timestamp: 1.7e18 },
      `"timestamp" must be milliseconds from 0 to 320000000000 since the start of the trace, and is 1700000000000000000`,
    ],
    [
      { delay: "soon" },
      `"delay" must be milliseconds from 0 to 320000000000 since the start of the trace, and is "soon"`,
    ],
    [{ priority: 0.5 }, `"priority" must be a whole number, and is 0.5`],
    [{ session_id: {} }, `"session_id" must be a text, and is {}`],
  ])("%j", (change, message) => {
    expect(faultOf(change)).toBe(message);
  });

  test("a line that is no JSON object, shortened", () => {
    for (const [line, message] of [
      ["[1]", '"line" must be a JSON object, and is [1]'],
      ["3", '"line" must be a JSON object, and is 3'],
      ["", '"line" is not JSON: ""'],
      ["NaN", '"line" is not JSON: "NaN"'],
      ["x".repeat(100), `"line" is not JSON: "${"x".repeat(59)}…`],
    ] as const) {
      expect(() => parseMooncakeRow(line, 512)).toThrow(message);
    }
  });

  test("a line cut at any byte is a fault, never another row", () => {
    const line = JSON.stringify(ROW);
    for (let length = 0; length < line.length; length += 1) {
      expect(() => parseMooncakeRow(line.slice(0, length), 512)).toThrow('"line" is not JSON');
    }
  });
});
