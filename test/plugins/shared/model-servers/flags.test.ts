/** Flags as users and programs write them. */
import { describe, expect, test } from "bun:test";
import {
  flagNames,
  flagsFor,
  flagValue,
  refuseOwn,
} from "../../../../plugins/shared/model-servers/flags.ts";

describe("flags among arguments", () => {
  test("are found in both forms, and the last value counts", () => {
    const args = ["--a", "1", "--b=2", "-v", "--a=3", "--no-c"];
    expect([...flagNames(args)]).toEqual(["--a", "--b", "--no-c"]);
    expect(flagValue(args, "--a")).toBe("3");
    expect(flagValue(args, "--b")).toBe("2");
    expect(flagValue(args, "--c")).toBeUndefined();
  });
});

describe("flags set by dynbench", () => {
  const wanted = [["--max_seq_len", "10"], ["--enable-x"], ["--page-size", "64"]];

  test("are replaced by the same one after --, with dashes or underscores, even if negated", () => {
    const none = new Set<string>();
    const left = (...engineArgs: string[]) => flagsFor(wanted, { flags: none, engineArgs });
    expect(left("--max-seq-len=5", "--no-enable-x")).toEqual(["--page-size", "64"]);
    expect(left("--page_size", "1")).toEqual(["--max_seq_len", "10", "--enable-x"]);
  });

  test("that the program lacks are left out", () => {
    const flags = new Set(["--page-size"]);
    expect(flagsFor(wanted, { flags, engineArgs: [] })).toEqual(["--page-size", "64"]);
  });

  test("that differ from server to server are refused in either spelling", () => {
    expect(() => refuseOwn(["--kv_port"], ["--kv-port=1"])).toThrow("--kv_port after --");
    expect(() => refuseOwn(["--port"], ["--ports", "1"])).not.toThrow();
  });
});
