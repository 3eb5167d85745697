/** The ideal is that of the requests whose hits are known: a share of it is never above 100 %. */
import { expect, test } from "bun:test";
import type { Summary } from "../../core/contract/result.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();

test("a hit share is never above its ideal where requests failed", async () => {
  // Prompts without a cached prefix take longer than the limit: those that find one are left.
  const args = [
    ...["run", "--clock", "virtual", "--router", "round-robin", "--workers", "1", "--json"],
    ...["--requests", "200", "--rate", "1", "--timeout", "0.6", "--isl", "10000", "--osl", "20"],
    ...["--prefix-ratio", "0.9", "--num-prefix-prompts", "20", "--out", "lost"],
  ];
  const { stdout, stderr } = await dynbench(args, { cwd });
  if (stdout === "") throw new Error(stderr);
  const { requests, cache } = (JSON.parse(stdout) as Summary).cells[0]!;
  expect(requests.failed).toBeGreaterThan(0);
  expect(requests.ok).toBeGreaterThan(0);
  expect(cache.reachedShare!).toBeLessThanOrEqual(1);
});
