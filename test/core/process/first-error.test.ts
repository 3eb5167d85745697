/** The first real error of a log: captured logs of vLLM, and lines as servers of other languages write them. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reasonIn } from "../../../core/process/death.ts";
import { firstError } from "../../../core/process/first-error.ts";

const captured = (name: string): string[] =>
  readFileSync(join(import.meta.dir, "../../fixtures/vllm-logs", `${name}.log`), "utf8").split(
    "\n",
  );

describe("captured logs of vLLM", () => {
  test.each([
    ["block-size-16", "ValueError: No common block size for 16 (CPU_ATTN: [MultipleOf(32)])."],
    ["cache-too-small", "ValueError: To serve at least one request"],
    [
      "heads-not-divisible",
      "pydantic_core._pydantic_core.ValidationError: 1 validation error for VllmConfig Value error, Total number of attention heads (4)",
    ],
    ["port-taken", "OSError: [Errno 98] Address already in use"],
    ["unknown-flag", "error: unrecognized arguments: --kv-blocks"],
  ])("%s: the cause, not what follows from it", (name, error) => {
    expect(firstError(captured(name))).toStartWith(error);
  });

  test("the cause is found above hundreds of lines of those who only report it", () => {
    const cause = "(Worker_TP3 pid=7) ERROR 11-24 08:23:04 [a.py:1] RuntimeError: NCCL error 5";
    const news = Array.from({ length: 600 }, () => "RuntimeError: failed. See root cause above.");
    expect(firstError(["INFO up", cause, ...news])).toBe("RuntimeError: NCCL error 5");
  });

  test("a log of consequences alone gives the first of them", () => {
    const lines = ["X.EngineDeadError: See stack trace (above)", "KeyboardInterrupt: terminated"];
    expect(firstError(lines)).toBe("X.EngineDeadError: See stack trace (above)");
  });
});

describe("other servers", () => {
  test.each([
    [
      "Rust's tracing",
      "2026-11-24T08:15:32Z ERROR dynamo_llm: no route to host",
      "dynamo_llm: no route to host",
    ],
    ["nginx", "2026/11/24 08:15:32 [emerg] 9#9: bind() failed", "9#9: bind() failed"],
    ["HAProxy", "[ALERT]    (9) : cannot bind socket", "(9) : cannot bind socket"],
    ["NATS", "[9] 2026/11/24 08:15:32.1 [FTL] can't open store", "can't open store"],
    ["etcd", '{"level":"fatal","msg":"no space"}', '{"level":"fatal","msg":"no space"}'],
    ["glog", "E1124 08:15:32.1 9 x.cc:3] lost", "08:15:32.1 9 x.cc:3] lost"],
    ["clap", "error: unexpected argument '--x' found", "error: unexpected argument '--x' found"],
    ["CUDA", "CUDA error: out of patience", "CUDA error: out of patience"],
    ["C++", "terminate called after throwing 'x'", "terminate called after throwing 'x'"],
    ["Bun", "TypeError: x is not a function", "TypeError: x is not a function"],
  ])("%s", (_server, line, error) => {
    expect(firstError(["INFO up", line, "INFO going down"])).toBe(error);
  });

  test("a panic of Rust has its message on the next line", () => {
    expect(firstError(["thread 'main' (7) panicked at src/a.rs:1:2:", "index out of bounds"])).toBe(
      "thread 'main' (7) panicked at src/a.rs:1:2: index out of bounds",
    );
  });
});

describe("what is none", () => {
  test.each([
    "INFO:     127.0.0.1 - GET /health ERROR",
    "(Worker pid=1) WARNING 11-24 08:23:03 [x.py:3] ImportError: No module named 'x'",
    '    raise ValueError("x")',
    "0 errors, 3 warnings",
    "2026-11-24T08:15:32Z  WARN x: retry error=connection refused",
    "",
  ])("%p", (line) => {
    expect(firstError([line])).toBeUndefined();
  });

  test("a line of megabytes is cut", () => {
    expect(firstError([`ValueError: ${"x".repeat(5e6)}`])!.length).toBeLessThan(400);
  });
});

describe("the reason of a death", () => {
  test("is never an ordinary line", () => {
    expect(reasonIn(["INFO serving", "INFO 200 OK"])).toBeUndefined();
  });

  test("is no older error where the process was killed", () => {
    const lines = ["ValueError: a request was refused", "INFO serving"];
    expect(reasonIn(lines, { signal: "SIGKILL" })).toBeUndefined();
    expect(reasonIn(lines, { signal: "SIGSEGV" })?.what).toBe("ValueError: a request was refused");
  });

  test("names the explanation and keeps the line that it is about", () => {
    const explain = () => ({ what: "the GPU is full", hint: "Lower it" });
    expect(reasonIn(["torch.OutOfMemoryError: CUDA out of memory"], { explain })).toEqual({
      what: "the GPU is full",
      hint: "Lower it. It wrote: torch.OutOfMemoryError: CUDA out of memory",
    });
  });
});
