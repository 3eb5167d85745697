import { describe, expect, test } from "bun:test";
import {
  parseRecords,
  plannedRecord,
  recordLine,
  type RequestRecord,
} from "../../../core/contract/record.ts";

const spec = { index: 3, prompt: [{ content: 5, tokens: 100 }], isl: 100, osl: 20 };

const full: RequestRecord = {
  ...plannedRecord("r0-kv", { ...spec, session: "s", group: 2 }, "measured", 1000),
  state: "ok",
  sentNs: 1100,
  headersNs: 1500,
  firstTokenNs: 2000,
  lastTokenNs: 9000,
  endNs: 9100,
  promptTokens: 100,
  osl: 3,
  cachedTokens: 64,
  worker: "worker-0",
  status: 200,
  gapsNs: [3000, 4000],
};

const failed: RequestRecord = {
  ...plannedRecord("r0-kv", spec, "measured", 2000),
  state: "failed",
  endNs: 5000,
  error: { kind: "status", message: 'line\nbreak, "quotes", ✓ and \u2028' },
};

describe("plannedRecord", () => {
  test("has no timestamps and no unknown keys", () => {
    expect(plannedRecord("c", spec, "warmup", 7)).toEqual({
      cell: "c",
      index: 3,
      phase: "warmup",
      state: "aborted",
      intendedNs: 7,
      endNs: 7,
      isl: 100,
      oslRequested: 20,
      osl: 0,
    });
    expect(Object.keys(plannedRecord("c", spec, "warmup", 7))).not.toContain("session");
  });
});

describe("record lines", () => {
  test("start with the cell, are one line each and read back equal", () => {
    const text = recordLine(full) + recordLine(failed);
    expect(text.startsWith('{"cell":"r0-kv"')).toBe(true);
    expect(text.split("\n").length).toBe(3);
    expect(parseRecords(text)).toEqual([full, failed]);
  });

  test("a file cut at any byte gives every whole line", () => {
    const bytes = new TextEncoder().encode(
      recordLine(full) + recordLine(failed) + recordLine(full),
    );
    const ends = [...bytes.keys()].filter((i) => bytes[i] === 10);
    for (let length = 0; length <= bytes.length; length += 1) {
      const text = new TextDecoder().decode(bytes.subarray(0, length));
      expect(parseRecords(text).length).toBe(ends.filter((end) => end < length).length);
    }
  });

  test("a broken line that is not the last is reported with its number", () => {
    expect(() => parseRecords(`${recordLine(full)}{"cell":\n${recordLine(full)}`)).toThrow(
      "line 2 of the records is not JSON",
    );
  });

  test.each([
    ["[]", "cell: expected a string, received nothing"],
    ["null", "record: expected an object, received null"],
    [{ cell: 3 }, "cell: expected a string, received 3"],
    [
      { phase: "cooldown" },
      'phase: expected "settling", "warmup" or "measured", received "cooldown"',
    ],
    [{ state: "fine" }, 'received "fine"'],
    [{ endNs: null }, "endNs: expected a number, received null"],
    [{ osl: "3" }, 'osl: expected a number, received "3"'],
    [{ isl: undefined }, "isl: expected a number, received nothing"],
    [{ firstTokenNs: "soon" }, 'firstTokenNs: expected a number, received "soon"'],
    [{ worker: 3 }, "worker: expected a string, received 3"],
    [{ gapsNs: [1, "2"] }, 'gapsNs: expected a list of numbers, received [1,"2"]'],
    [{ tokens: 4 }, "tokens: expected a list of numbers, received 4"],
    [{ error: "refused" }, 'error: expected a kind and a message, received "refused"'],
    [{ expected: { tokens: 1 } }, 'expected: expected two numbers, received {"tokens":1}'],
    [{ routing: true }, "routing: expected an object, received true"],
  ])("a line that is no record is refused with its number: %j", (change, fault) => {
    const line = typeof change === "string" ? change : JSON.stringify({ ...full, ...change });
    expect(() => parseRecords(`${recordLine(full)}${line}\n`)).toThrow(
      `line 2 of the records is no record: `,
    );
    expect(() => parseRecords(`${line}\n`)).toThrow(fault);
  });

  test("lines are numbered from where the text begins in its file", () => {
    expect(() => parseRecords(`${recordLine(full)}x\n`, 8)).toThrow("line 9 of the records");
  });

  test("empty lines are skipped and counted", () => {
    expect(parseRecords(`\n${recordLine(full)}\n`)).toEqual([full]);
    expect(() => parseRecords(`\n\nx\n`)).toThrow("line 3");
  });
});
