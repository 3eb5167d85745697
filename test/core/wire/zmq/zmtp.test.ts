import { describe, expect, test } from "bun:test";
import { DynbenchError } from "../../../../core/base/errors.ts";
import {
  encodeCommand,
  encodeMessage,
  greeting,
  readyCommand,
  socketTypeOf,
  ZmtpParser,
} from "../../../../core/wire/zmq/zmtp.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function parserWithLog(): { parser: ZmtpParser; log: string[] } {
  const log: string[] = [];
  const parser = new ZmtpParser({
    greeting: () => log.push("greeting"),
    command: (name, body) => log.push(`${name} ${body.length}`),
    message: (frames) =>
      log.push(frames.map((frame) => `${frame.length}:${textOf(frame.slice(0, 3))}`).join("|")),
  });
  return { parser, log };
}

const LONG = bytesOf("x".repeat(256));
const STREAM = concat(
  greeting(),
  readyCommand("PUB"),
  encodeMessage([bytesOf("kv-events"), new Uint8Array(0), bytesOf("abc")]),
  encodeCommand("PING", Uint8Array.of(0, 10, 7)),
  encodeMessage([bytesOf("y".repeat(255)), LONG]),
  encodeMessage([bytesOf("end")]),
);
const EXPECTED = ["greeting", "READY 19", "9:kv-|0:|3:abc", "PING 3", "255:yyy|256:xxx", "3:end"];

describe("bytes of RFC 23", () => {
  test("greeting: signature, version 3.0, mechanism NULL", () => {
    const expected = new Uint8Array(64);
    expected.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 0x4e, 0x55, 0x4c, 0x4c]);
    expect(greeting()).toEqual(expected);
  });

  test("READY with a socket type", () => {
    expect(Buffer.from(readyCommand("SUB")).toString("latin1")).toBe(
      "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB",
    );
  });

  test("frames up to 255 bytes are short, longer ones have 8 bytes of length", () => {
    const message = encodeMessage([bytesOf("a"), LONG]);
    expect([...message.slice(0, 12)]).toEqual([1, 1, 97, 2, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(message.length).toBe(3 + 9 + 256);
  });
});

describe("parser", () => {
  test("a stream cut in two at any position is parsed the same", () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const { parser, log } = parserWithLog();
      parser.push(STREAM.subarray(0, cut));
      expect(log).toEqual(EXPECTED.slice(0, log.length));
      parser.push(STREAM.subarray(cut));
      expect({ cut, log }).toEqual({ cut, log: EXPECTED });
    }
  });

  test("a stream in pieces of any size is parsed the same", () => {
    for (let size = 1; size < 70; size += 1) {
      const { parser, log } = parserWithLog();
      for (let at = 0; at < STREAM.length; at += size) parser.push(STREAM.subarray(at, at + size));
      expect({ size, log }).toEqual({ size, log: EXPECTED });
    }
  });

  test("the receiver may keep frames", () => {
    const kept: Uint8Array[] = [];
    const parser = new ZmtpParser({
      greeting: () => {},
      command: () => {},
      message: ([frame]) => kept.push(frame!),
    });
    const message = encodeMessage([bytesOf("first")]);
    parser.push(concat(greeting(), message));
    message.fill(0x7a);
    for (let i = 0; i < 50; i += 1) parser.push(encodeMessage([bytesOf("other")]));
    expect(textOf(kept[0]!)).toBe("first");
  });

  const greetingWith = (at: number, byte: number): Uint8Array => {
    const bytes = greeting();
    bytes[at] = byte;
    return bytes;
  };
  test.each([
    ["an HTTP server", bytesOf("HTTP/1.1 400 Bad Request\r\n"), "first byte"],
    ["a broken signature", greetingWith(9, 0), "greeting is malformed"],
    ["ZMTP 2", greetingWith(10, 1), "version 1, not 3"],
    ["another mechanism", greetingWith(12, 0x58), 'mechanism "XULL"'],
    ["unknown flags", concat(greeting(), Uint8Array.of(0x80, 0)), "flags 128"],
    ["a huge frame", concat(greeting(), Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0, 0)), "64 MiB"],
    ["a nameless command", concat(greeting(), Uint8Array.of(4, 0)), "no name"],
    ["a command name beyond its end", concat(greeting(), Uint8Array.of(4, 2, 5, 65)), "no name"],
    [
      "too many frames",
      concat(
        greeting(),
        new Uint8Array(200).map((_, i) => 1 - (i % 2)),
      ),
      "64 frames",
    ],
  ])("%s is refused with the one error", (_, stream, message) => {
    const { parser } = parserWithLog();
    let fault: unknown;
    try {
      parser.push(stream);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(DynbenchError);
    expect((fault as Error).message).toContain(message);
  });
});

describe("socket type in READY", () => {
  const bodyOf = (command: Uint8Array): Uint8Array => command.slice(2 + 1 + "READY".length);

  test("is found behind other properties, whatever its case", () => {
    const other = Uint8Array.of(2, 0x49, 0x64, 0, 0, 0, 1, 0x39);
    const own = bodyOf(readyCommand("ROUTER"));
    expect(socketTypeOf(concat(other, own))).toBe("ROUTER");
    expect(socketTypeOf(bytesOf("\x0bSOCKET-TYPE\0\0\0\x03PUB"))).toBe("PUB");
  });

  test("a body cut anywhere has none", () => {
    const body = bodyOf(readyCommand("ROUTER"));
    for (let end = 0; end < body.length; end += 1) {
      expect(socketTypeOf(body.slice(0, end))).toBeUndefined();
    }
  });
});
