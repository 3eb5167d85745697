import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CellResult, Plan, ReporterContext } from "dynbench";
import plugin from "./markdown-table.ts";

const CELL = {
  id: "r0-kv",
  router: "kv",
  metrics: { ttftMs: { mean: 12.34 }, outputTps: 99.6 },
  cache: { cachedShare: 0.5 },
};

test("a row a cell, also before the run has ended", async () => {
  const runDir = mkdtempSync(join(tmpdir(), "markdown-table-"));
  try {
    const context = { runDir } as ReporterContext;
    const handle = await plugin.open({ path: "results.md" }, {} as Plan, context);
    await handle.cell?.({ summary: CELL } as unknown as CellResult);
    const lines = readFileSync(join(runDir, "results.md"), "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("| r0-kv | kv | 12.3 ms | 100 | 50 % |");
  } finally {
    rmSync(runDir, { recursive: true });
  }
});

test("a folder that cannot be written is told before the run", () => {
  const context = { runDir: "/nowhere" } as ReporterContext;
  expect(() => plugin.open({ path: "results.md" }, {} as Plan, context)).toThrow();
});
