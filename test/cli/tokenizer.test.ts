/** Text prompts for a real model's tokenizer, through the binary and its threads. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRecords } from "../../core/contract/record.ts";
import { writeSmallTokenizer } from "../core/prompt/small-tokenizer.ts";
import { dynbench, emptyFolder, TINY } from "./binary.ts";

const cwd = emptyFolder();
writeSmallTokenizer(join(cwd, "model"), "llama3");
/** Five processes and threads read the tokenizer first. */
const LIMIT_MS = 30_000;
const FINISHED = [0, 5]; // 5: so short a run is untrusted

for (const form of ["text", "chat"] as const) {
  test(
    `prompts as ${form} have exactly their tokens, and share what they were drawn to share`,
    async () => {
      const args = ["--prompt-form", form, "--model-path", "model", "--concurrency", "1"];
      const end = await dynbench(
        ["run", ...TINY, ...args, "--router", "kv", "--workers", "1", "--out", form, "--json"],
        { cwd },
      );
      expect(FINISHED).toContain(end.exitCode!);
      expect(end.left).toEqual([]);
      const records = parseRecords(readFileSync(join(cwd, form, "records.jsonl"), "utf8"));
      expect(records.map(({ promptTokens }) => promptTokens)).toEqual(
        records.map(({ isl }) => isl),
      );
      // One worker serves them one after the other, so it finds all that the prompts share.
      const { cache } = JSON.parse(end.stdout).cells[0];
      expect(cache.cachedShare).toBeCloseTo(cache.idealShare, 1);
      const lines = readFileSync(join(cwd, form, "decisions.jsonl"), "utf8")
        .trim()
        .split("\n");
      const costs = lines.map((line) => JSON.parse(line).costUs);
      expect(costs.every(({ tokeniseWait }) => tokeniseWait > 0)).toBe(true);
    },
    LIMIT_MS,
  );
}

test("a form that the tokenizer cannot serve is refused before the load", async () => {
  const end = await dynbench(
    ["run", ...TINY, "--prompt-form", "text", "--tokenizer", "nowhere", "--out", "x"],
    { cwd },
  );
  expect(end.exitCode).toBe(2);
  expect(end.stderr).toContain('Cannot use tokenizer "nowhere": no tokenizer.json there');
});
