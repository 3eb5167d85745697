/** `results.md`: whole tables, and foreign text that stays text. */
import { expect, test } from "bun:test";
import { finalText } from "../../../plugins/reporters/console/final.ts";
import { paintFor } from "../../../plugins/shared/reporters/text.ts";
import { resultsText } from "../../../plugins/reporters/markdown.ts";
import { programsLine } from "../../../plugins/shared/reporters/run-sentences.ts";
import { generateRun, GUIDE_SHAPE, singleCellRun } from "../../fixtures/results/generate-run.ts";

const facts = {
  routers: {
    kv: { gateway: "dynbench", replicas: 1 },
    smg: { program: "smg", version: "1.13.0", command: ["smg"] },
    "smg(policy=random)": { program: "smg", version: "1.13.0" },
    dynamo: { program: "ai-dynamo", version: "1.6.1" },
  },
};

const blocksOf = (markdown: string): string[][] =>
  markdown
    .trimEnd()
    .split("\n\n")
    .map((block) => block.split("\n"));

test("the tables have the terminal's figures, each row as wide as its head", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5, 0.9], repeats: 3, requests: 20 });
  const blocks = blocksOf(resultsText({ ...run, facts, command: "dynbench run --router kv" }));
  expect(blocks[0]![0]).toMatch(/^dynbench \S+, \d{4}-\S+: \*\*trusted\*\*$/);
  expect(blocks[1]).toEqual(["```sh", "dynbench run --router kv", "```"]);
  const tables = blocks.filter(([head]) => head!.startsWith("|"));
  expect(tables.length).toBeGreaterThan(1);
  for (const table of tables) {
    expect(new Set(table.map((row) => row.split("|").length)).size).toBe(1);
  }
  expect(tables[0]).toHaveLength(2 + 2 * run.plan.arms.length);
  const console = finalText(run, {
    plan: run.plan,
    runDir: "/r",
    failed: [],
    paint: paintFor(false),
  });
  const row = console.split("\n").find((line) => line.startsWith("0.5 "))!;
  const cells = tables[0]![2]!.slice(2, -2).split(" | ");
  expect(cells.join(" ").replace(/\s+/g, " ")).toBe(row.replace(/\s+/g, " "));
});

test("each of several runs has its command on a line of its own", () => {
  const [, block] = blocksOf(resultsText({ ...singleCellRun(), command: "run a\nrun b" }));
  expect(block).toEqual(["```sh", "run a", "run b", "```"]);
});

test("a cell that did not end has a row of its own, marked as a part", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5], repeats: 2, requests: 20 });
  run.cells.at(-1)!.summary.state = "failed";
  const names = resultsText(run)
    .split("\n")
    .flatMap((line) => /^\| (kv[^|]*|round-robin[^|]*) \|.*%/.exec(line)?.[1] ?? []);
  expect(names).toEqual(["round-robin", "kv", "kv (part)"]);
});

test("without a sweep there is no column for settings, and a doubt is marked as one", () => {
  const run = singleCellRun();
  const finding = { id: "x", severity: "untrusted", message: "a | b <i>", hint: "h" } as const;
  run.summary.verdict = { state: "untrusted", reasons: [{ ...finding, cells: ["r0"] }] };
  const lines = resultsText(run).split("\n");
  expect(lines.find((line) => line.startsWith("| router | TTFT mean |"))).toBeDefined();
  expect(lines.at(-2)).toBe("- **Doubt**: a \\| b \\<i\\> (in 1 cell)");
});

test("programs that were routers are listed once each, with their versions", () => {
  expect(programsLine({ facts })).toBe("Routers: smg 1.13.0, ai-dynamo 1.6.1.");
  expect(programsLine({ facts: { A: facts, B: facts } })).toBe(
    "Routers: smg 1.13.0, ai-dynamo 1.6.1.",
  );
  expect(programsLine({ facts: { routers: { kv: { gateway: "dynbench" } } } })).toBe("");
  expect(programsLine({ facts: {} })).toBe("");
});
