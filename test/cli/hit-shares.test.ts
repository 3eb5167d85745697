/**
 * Hit shares of whole runs, through the binary, against a reference of twenty lines computed from the
 * same requests. Only counts are compared: the runs are sped up too far for meaningful times.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawRequests } from "../../core/workload/draw.ts";
import type { CellSummary, Summary } from "../../core/contract/result.ts";
import type { Plan, PlannedCell } from "../../core/contract/plan.ts";
import type { RequestSpec } from "../../core/contract/request.ts";
import { prefix } from "../../plugins/workloads/prefix.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
const BLOCK_SIZE = 64;
/** Large enough that nothing is evicted. */
const KV_BLOCKS = 16_384;

const folder = mkdtempSync(join(tmpdir(), "dynbench-hits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function measure(
  name: string,
  ...flags: string[]
): Promise<{ plan: Plan; cells: CellSummary[] }> {
  const out = join(folder, name);
  const common = ["--kv-blocks", `${KV_BLOCKS}`, "--osl", "8", "--preflight", "off", "--json"];
  const child = Bun.spawn([BINARY, "run", ...common, "--out", out, ...flags], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const summary = JSON.parse(await new Response(child.stdout).text()) as Summary;
  return { plan: (await Bun.file(join(out, "plan.json")).json()) as Plan, cells: summary.cells };
}

/** Requests in order, dealt to workers in turn; each worker never forgets a block. */
function referenceShare(cell: PlannedCell, workers: number): number {
  const caches = Array.from({ length: workers }, () => new Set<string>());
  let hits = 0;
  let prompts = 0;
  for (const [i, request] of [
    ...(drawRequests(cell, prefix as never, undefined) as Iterable<RequestSpec>),
  ].entries()) {
    const cache = caches[i % workers]!;
    const tokens = request.prompt.reduce((sum, { tokens: count }) => sum + count, 0);
    let history = "";
    let isHit = true;
    for (let end = BLOCK_SIZE; end <= tokens; end += BLOCK_SIZE) {
      history = `${Bun.hash(`${history}/${wordsOf(request, end - BLOCK_SIZE)}`)}`;
      isHit &&= cache.has(history) && end < tokens; // the last token is always computed
      if (isHit) hits += BLOCK_SIZE;
      cache.add(history);
    }
    prompts += tokens;
  }
  return hits / prompts;
}

/** The block from `start` in words: equal for equal tokens, because a segment's are numbered from 0. */
function wordsOf({ prompt }: RequestSpec, start: number): string {
  const words: string[] = [];
  let at = 0;
  for (const segment of prompt) {
    const from = Math.max(start, at) - at;
    const to = Math.min(start + BLOCK_SIZE, at + segment.tokens) - at;
    if (!("content" in segment)) throw new Error("a prompt with an answer in it");
    if (from < to) words.push(`${segment.content}.${from}-${to}`);
    at += segment.tokens;
  }
  return words.join();
}

function shares(run: {
  plan: Plan;
  cells: CellSummary[];
}): { cell: PlannedCell; share: number; summary: CellSummary }[] {
  return run.cells.map((summary) => ({
    cell: run.plan.cells.find(({ id }) => id === summary.id)!,
    share: summary.cache.cachedShare!,
    summary,
  }));
}

for (const workers of [1, 8]) {
  test(`round robin over ${workers}: every ratio hits what the requests allow`, async () => {
    const run = await measure(
      `round-robin-${workers}`,
      "--workers",
      `${workers}`,
      "--router",
      "round-robin",
      "--concurrency",
      "1",
      "--speedup",
      "1000",
      ...["--isl", "3500", "--requests", "50"],
    );
    expect(run.cells).toHaveLength(5);
    for (const { cell, share, summary } of shares(run)) {
      expect(summary.requests).toEqual({ sent: 50, ok: 50, failed: 0, dropped: 0 });
      expect(Math.abs(share - referenceShare(cell, workers))).toBeLessThan(0.003);
    }
  });
}

test("kv over 8: never below round robin, and above it where much is shared", async () => {
  const run = await measure(
    "kv",
    ...["--workers", "8", "--router", "kv", "--speedup", "200", "--isl", "7000"],
  );
  // What Dynamo 1.6.1's router reached on such a workload, less the spread of its runs.
  const least: Record<string, number> = { "0.5": 0.3, "0.7": 0.43, "0.9": 0.57 };
  for (const { cell, share, summary } of shares(run)) {
    const ratio = String(cell.parameters.prefixRatio);
    expect(summary.requests.failed).toBe(0);
    expect(share).toBeGreaterThan(referenceShare(cell, 8) - 0.01);
    expect(share).toBeGreaterThan((least[ratio] ?? 0) - 0.05);
    expect(share).toBeLessThanOrEqual(summary.cache.idealShare + 0.001);
  }
});
