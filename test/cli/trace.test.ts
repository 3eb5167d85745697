/** Traces through the built binary: analyzed, synthesized, replayed live and simulated. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Summary } from "../../core/contract/result.ts";
import { writeSmallTokenizer } from "../core/prompt/small-tokenizer.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const run = (...args: string[]) => dynbench(args, { cwd });

/** Twenty conversations of three turns: each turn repeats the last one's blocks and adds two. */
const ROWS = Array.from({ length: 60 }, (_, i) => {
  const conversation = i % 20;
  const turn = Math.floor(i / 20);
  const blocks = 2 * turn + 2;
  return {
    timestamp: i * 40,
    input_length: blocks * 512 - 100,
    output_length: 5,
    hash_ids: Array.from({ length: blocks }, (_, block) => conversation * 10 + block),
  };
});
writeFileSync(join(cwd, "t.jsonl"), ROWS.map((row) => `${JSON.stringify(row)}\n`).join(""));
writeFileSync(join(cwd, "t.gz"), gzipSync(readFileSync(join(cwd, "t.jsonl"))));

describe("trace analyze", () => {
  test("prints lengths, hit shares and hits over cache size; - is standard input", async () => {
    const { stdout, exitCode } = await run("trace", "analyze", "t.jsonl");
    expect(exitCode).toBe(0);
    // Turn k hits the 2k blocks of the turn before: (0 + 2/4 + 4/6) / 3, and 20 (2 + 4) of 20 (2 + 4 + 6).
    expect(stdout).toContain("0.388889  mean of the rows' shares");
    expect(stdout).toContain("0.500000  of all blocks");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test("--json has the same in numbers, packed or not", async () => {
    const plain = JSON.parse((await run("trace", "analyze", "t.jsonl", "--json")).stdout);
    const packed = JSON.parse((await run("trace", "analyze", "t.gz", "--json")).stdout);
    expect(plain).toMatchObject({ rows: 60, totalBlocks: 240, distinctBlocks: 120 });
    expect(packed).toEqual({ ...plain, file: "t.gz" });
  });
});

describe("trace analyze --cache-blocks", () => {
  test("reports caches of these sizes, smallest first", async () => {
    const { stdout } = await run(
      "trace",
      "analyze",
      "t.jsonl",
      "--cache-blocks",
      "100,3",
      "--json",
    );
    const { cache } = JSON.parse(stdout);
    expect(cache.map(({ blocks }: { blocks: number }) => blocks)).toEqual([3, 100]);
    const bad = await run("trace", "analyze", "t.jsonl", "--cache-blocks", "0");
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toContain("cache-blocks");
  });
});

describe("trace analyze --html", () => {
  test("writes a page beside the text", async () => {
    const { stdout, stderr, exitCode } = await run(
      "trace",
      "analyze",
      "t.jsonl",
      "--html",
      "t.html",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain("60 rows");
    expect(stderr).toContain("Page: t.html");
    const page = readFileSync(join(cwd, "t.html"), "utf8");
    expect(page).toStartWith("<!doctype html>");
    expect(page).toContain('"file":"t.jsonl"');
  });

  test("a page that cannot be written is reported with its flag", async () => {
    const { stderr, exitCode } = await run("trace", "analyze", "t.jsonl", "--html", "no/t.html");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Cannot write "no/t.html"');
    expect(stderr).toContain("--html");
  });
});

describe("trace synthesize", () => {
  test("writes the same bytes for the same seed, and the program can read them", async () => {
    const ask = ["trace", "synthesize", "t.jsonl", "--num-requests", "200"];
    const first = await run(...ask, "--seed", "3");
    expect(first.exitCode).toBe(0);
    expect((await run(...ask, "--seed", "3")).stdout).toBe(first.stdout);
    expect((await run(...ask, "--seed", "4")).stdout).not.toBe(first.stdout);
    await run(...ask, "--seed", "3", "--out", "more.jsonl.zst");
    const analysis = JSON.parse((await run("trace", "analyze", "more.jsonl.zst", "--json")).stdout);
    expect(analysis.rows).toBe(200);
  });

  test("leaves no file behind when no row fits", async () => {
    const { stderr, exitCode } = await run(
      ...["trace", "synthesize", "t.jsonl", "--min-isl", "90000", "--out", "none.jsonl"],
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Widen --min-isl and --max-isl");
    expect(existsSync(join(cwd, "none.jsonl"))).toBe(false);
  });
});

describe("trace convert", () => {
  test("reports what the other format cannot express, and invents nothing", async () => {
    writeFileSync(
      join(cwd, "azure.csv"),
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.98,4808,10\n",
    );
    const { stdout, stderr, exitCode } = await run("trace", "convert", "azure.csv");
    expect(exitCode).toBe(0);
    expect(stdout).toBe('{"timestamp":0,"input_length":4808,"output_length":10}\n');
    expect(stderr).toContain("azure does not record sharing and sessions: the rows have none");
  });

  test("of texts counts and cuts them with a model's tokenizer", async () => {
    const model = join(cwd, "model");
    writeSmallTokenizer(model, "llama3");
    const said = (n: number) => ({ role: "user", content: Array(n).fill("bab").join(" ") });
    const log = [said(5), said(9)].map((message) => ({ messages: [message], max_tokens: 3 }));
    writeFileSync(join(cwd, "log.jsonl"), log.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const ask = ["trace", "convert", "log.jsonl", "--block-size", "4"];
    const { stdout, stderr, exitCode } = await run(...ask, "--tokenizer", model);
    expect(exitCode).toBe(0);
    // <s> <user> five words </s> <assistant>, and the same with nine: the first block is one.
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { input_length: 9, output_length: 3, hash_ids: [0, 1, 2] },
      { input_length: 13, output_length: 3, hash_ids: [0, 3, 4, 5] },
    ]);
    expect(stderr).toContain("2 rows of openai as mooncake, 4 tokens to a hash id");

    const without = await run(...ask);
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain("--tokenizer MODEL_FOLDER");
    const wrong = await run(...ask, "--tokenizer", "nowhere");
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('Cannot use tokenizer "nowhere": no tokenizer.json there');
  });

  test("of a run has the requests as they were sent, with their sharing", async () => {
    const ask = ["--prefix-ratio", "0.5", "--requests", "40", "--clock", "virtual"];
    await run("run", "--router", "kv", ...ask, "--out", "measured");
    const { stdout } = await run("trace", "convert", "measured", "--block-size", "64");
    writeFileSync(join(cwd, "measured.jsonl"), stdout);
    const { stdout: analysis } = await run(
      ...["trace", "analyze", "measured.jsonl", "--block-size", "64", "--json"],
    );
    const { rows, sharing } = JSON.parse(analysis);
    const summary: Summary = JSON.parse(readFileSync(join(cwd, "measured/summary.json"), "utf8"));
    expect(rows).toBe(40);
    // The trace counts a block that holds the last prompt token; an engine computes it again.
    expect(sharing.tokenHitShare).toBeCloseTo(summary.cells[0]!.cache.idealShare, 2);
  });
});

describe("a replay", () => {
  const summaryOf = (folder: string): Summary =>
    JSON.parse(readFileSync(join(cwd, folder, "summary.json"), "utf8"));
  const replay = ["run", "--workload", "mooncake", "--trace", "t.jsonl", "--workers", "2"];

  test("round robin finds the same tokens cached live and simulated", async () => {
    const arms = [...replay, "--router", "round-robin", "--speedup", "50", "--block-size", "16"];
    const live = await run(...arms, "--out", "live");
    const virtual = await run(...arms, "--out", "virtual", "--clock", "virtual");
    expect(virtual.exitCode).toBe(0);
    expect([0, 5]).toContain(live.exitCode!); // 5: this machine was too busy for trusted times
    const [first, second] = ["live", "virtual"].map((folder) => summaryOf(folder).cells[0]!);
    expect(first!.requests).toMatchObject({ sent: 60, ok: 60 });
    expect(first!.cache.cachedShare).toBe(second!.cache.cachedShare);
    expect(first!.cache.cachedShare).toBeGreaterThan(0.4);
  });

  test("a file that is no trace is reported before anything starts", async () => {
    writeFileSync(join(cwd, "bad.jsonl"), `${JSON.stringify(ROWS[0])}\n{"input_length": 5}\n`);
    for (const command of ["run", "plan"]) {
      const { stderr, exitCode, left } = await run(
        ...[command, "--workload", "mooncake", "--trace", "bad.jsonl"],
      );
      expect(exitCode).toBe(2);
      expect(stderr).toContain('Cannot read "bad.jsonl": line 2: "output_length" must be');
      expect(left).toEqual([]);
    }
    const missing = await run("plan", "--workload", "mooncake");
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain("trace");
  });
});
