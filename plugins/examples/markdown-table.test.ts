import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inFolder, openReporter, sampleRun, testReporter } from "dynbench/testing";
import plugin from "./markdown-table.ts";

const run = sampleRun();
const HEAD_LINES = 2;
const linesIn = (text: string): string[] => text.trimEnd().split("\n");

testReporter({
  reporter: plugin,
  run,
  file: {
    option: "path",
    written: "results.md",
    cellsIn: (text) => linesIn(text).length - HEAD_LINES,
  },
});

test("a row has the cell, its router and its figures", () =>
  inFolder(async (runDir) => {
    const reporter = await openReporter({ reporter: plugin, run }, runDir);
    const { summary } = run.cells[0]!;
    await reporter.cell?.(run.cells[0]!);
    const row = linesIn(readFileSync(join(runDir, "results.md"), "utf8"))[HEAD_LINES];
    expect(row).toStartWith(`| ${summary.id} | ${summary.router} | `);
    expect(row).toContain(` ${summary.metrics.ttftMs!.mean.toFixed(1)} ms |`);
  }));
