import { describe, expect, test } from "bun:test";
import { rangeOf, viewOf, type ByteRange } from "../../../../core/wire/http/byte-range.ts";
import { MAX_EVENT_BYTES, SseParser } from "../../../../core/wire/http/sse.ts";

function events(pieces: readonly Uint8Array[]): string[] {
  const parser = new SseParser();
  const found: string[] = [];
  for (const piece of pieces)
    parser.push(rangeOf(piece), (data) => found.push(Buffer.from(viewOf(data)).toString()));
  return found;
}

function everyCut(text: string): string[][] {
  const bytes = Buffer.from(text);
  const results = [events(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))];
  for (let i = 0; i <= bytes.length; i += 1) {
    results.push(events([bytes.subarray(0, i), bytes.subarray(i)]));
  }
  return results;
}

describe("SseParser", () => {
  test.each([
    ['data: {"a":1}\n\ndata: [DONE]\n\n', ['{"a":1}', "[DONE]"]],
    ["data: a\r\n\r\ndata:b\r\n\r\n", ["a", "b"]],
    ["data: a\ndata: b\n\ndata: c\n\n", ["a\nb", "c"]],
    [": ping\n\nevent: x\nid: 7\nretry: 3\ndata: ä€\n\n", ["ä€"]],
    ["data\n\ndata:\n\n\n\ndata:  two\n\n", ["", " two"]],
    ["data: not ended", []],
    ["data: a\nid: 1\n\n", ["a"]],
    ["<html>\n\n", []],
  ])("reads %j wherever it is cut", (text, expected) => {
    for (const found of everyCut(text)) expect(found).toEqual(expected);
  });

  test("several events in one piece are passed on one by one", () => {
    const text = "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4";
    expect(events([Buffer.from(text), Buffer.from("5\n\n")])).toEqual(["1", "2", "3", "45"]);
  });

  test("does not read beyond its range", () => {
    const bytes = Buffer.from("xxdata: a\n\ndata: b\n\n");
    const parser = new SseParser();
    const found: string[] = [];
    const take = (data: ByteRange) => found.push(Buffer.from(viewOf(data)).toString());
    for (let end = 2; end <= 11; end += 1) {
      parser.push({ bytes, from: end === 2 ? 2 : end - 1, end }, take);
      expect(found).toEqual(end === 11 ? ["a"] : []);
    }
  });

  test("bounds an event that never ends", () => {
    const parser = new SseParser();
    const piece = Buffer.alloc(1_048_576, "x");
    parser.push(rangeOf(Buffer.from("data: ")), () => {});
    expect(() => {
      for (let bytes = 0; bytes <= MAX_EVENT_BYTES; bytes += piece.length) {
        parser.push(rangeOf(piece), () => {});
      }
    }).toThrow("longer than 8388608 bytes");
  });
});
