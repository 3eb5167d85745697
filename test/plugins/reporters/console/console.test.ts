/** The terminal: widths, texts, output streams, and control characters from outside. */
import { expect, test } from "bun:test";
import { comparisonBlocks } from "../../../../plugins/reporters/console/comparison.ts";
import { ladderBlock } from "../../../../plugins/reporters/console/hits.ts";
import { finalText } from "../../../../plugins/reporters/console/final.ts";
import {
  cellLine,
  liveBlock,
  progressLine,
} from "../../../../plugins/reporters/console/progress.ts";
import {
  clip,
  clipNames,
  duration,
  figure,
  figures,
  paintFor,
  plain,
  wrap,
} from "../../../../plugins/shared/reporters/text.ts";
import { console as reporter } from "../../../../plugins/reporters/console/console.ts";
import { inFolder, openReporter, progressOf, sink } from "../../../conformance/reporter.ts";
import {
  generateRun,
  GUIDE_SHAPE,
  guideRun,
  manyArmsRun,
  singleCellRun,
} from "../../../fixtures/results/generate-run.ts";

const noPaint = paintFor(false);
const final = (run: ReturnType<typeof guideRun>): string =>
  finalText(run, { plan: run.plan, runDir: "/runs/x", failed: [], paint: noPaint });

test("final text starts with the verdict, then the table, and stays within 100 columns", () => {
  const long = { label: `router-${"x".repeat(150)}`, reached: 0.5 };
  const run = generateRun({ ...GUIDE_SHAPE, arms: [...GUIDE_SHAPE.arms, long], requests: 20 });
  for (const text of [final(run), final(guideRun()), final(singleCellRun())]) {
    const lines = text.split("\n");
    expect(lines[0]).toBe("✓ Trusted: all checks passed");
    expect(lines[2]).toContain("TTFT mean");
    // A label longer than a line cannot be broken in a comparison; everything else can.
    const wide = lines.filter(
      (line) => Bun.stringWidth(line) > 100 && !line.includes("x".repeat(150)),
    );
    expect(wide).toEqual([]);
  }
});

test("the table has a row per setting and arm with pooled figures", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5], repeats: 2, requests: 4 });
  const [first, second] = run.cells.filter(({ cell }) => cell.arm === 0);
  // Round figures in place of the drawn ones, one request of the second repeat unanswered.
  first!.points.ttftMs = [100, 200, 300, 400];
  second!.points.ttftMs = [500, 600, 700, NaN];
  first!.points.itlMsMean = [10, 10, 10, 10];
  second!.points.itlMsMean = [20, 20, 20, NaN];
  first!.points.gaps = [1, 1, 1, 1];
  second!.points.gaps = [4, 4, 4, NaN];
  const row = final(run)
    .split("\n")
    .find((line) => line.startsWith("round-robin"))!;
  // mean 2800/7 = 400, p50 400, p99 at rank .99 * 6 = 5.94: 600 + .94 * 100 = 694;
  // ITL (4 * 10 + 12 * 20) / 16 = 17.5.
  expect(row).toMatch(/^round-robin +400 +400 +694 +17\.5 /);
});

test("figures keep three digits below a thousand and separators above", () => {
  expect([0, 0.012345, 9.999, 99.94, 100.4, 1234.5, undefined, NaN].map(figure)).toEqual([
    "0",
    "0.0123",
    "10",
    "99.9",
    "100",
    "1,235",
    "–",
    "–",
  ]);
});

test("comparisons are in a table per reference, settings by size, claims marked", () => {
  const [comparison] = guideRun().summary.comparisons;
  const fixed = { ...comparison!, a: "round-robin", b: "kv", n: 3 };
  const of = (prefixRatio: number, [value, low, high]: [number, number, number], b = "kv") => ({
    ...fixed,
    b,
    parameters: { prefixRatio },
    ratio: { value, low, high },
    adjusted: { low, high, over: 3 },
    claim: high < 1 ? ("lower" as const) : low > 1 ? ("higher" as const) : ("none" as const),
  });
  const block = comparisonBlocks(
    [of(0.9, [0.61, 0.55, 0.67]), of(0.1, [0.97, 0.9, 1.05]), of(0.1, [1.2, 1.1, 1.3], "random")],
    noPaint,
  );
  expect(block).toEqual([
    [
      "Mean TTFT against round-robin, 95 % interval of 3 comparisons together, 3 repeats; * is a claim:",
      "prefixRatio  kv                  random",
      "0.1          0.97 (0.90–1.05)    1.20 (1.10–1.30) *",
      "0.9          0.61 (0.55–0.67) *  –",
    ],
  ]);
  const adjusted = { low: 0.4, high: 0.6, over: 2 };
  const single = { ...fixed, parameters: {}, ratio: { value: 0.5, low: 0.4, high: 0.6 }, adjusted };
  const one = { ...single, n: 200, unitOfN: "requests" as const, claim: "none" as const };
  expect(comparisonBlocks([one, { ...one, b: "random" }], noPaint)[0]!.slice(-2)).toEqual([
    "kv      0.50 (0.40–0.60)",
    "random  0.50 (0.40–0.60)",
  ]);
  expect(comparisonBlocks([one], noPaint)[0]!.join(" ").replace(/ +/g, " ")).toContain(
    "interval within this run; one repeat decides nothing",
  );
  expect(comparisonBlocks([], noPaint)).toEqual([]);
});

test("a comparison of many arms continues below, within 100 columns", () => {
  const [comparison] = guideRun().summary.comparisons;
  const arms = ["b", "c", "d", "e", "f", "g"].map((name) => `router-${name}`);
  const all = [0.1, 0.9].flatMap((prefixRatio) =>
    arms.map((b) => ({ ...comparison!, a: "rr", b, parameters: { prefixRatio } })),
  );
  const [block] = comparisonBlocks(all, noPaint);
  for (const line of block!) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(100);
  for (const arm of arms) expect(block!.join("\n")).toContain(arm);
});

test("of many arms the best are printed, best first, and the reference", () => {
  const blocks = final(manyArmsRun(4)).split("\n\n");
  expect(blocks[1]).toBe(
    "The best 10 of 21 arms by mean TTFT, and round-robin; results.md has them all.",
  );
  const rows = blocks[2]!.split("\n").slice(1);
  expect(rows).toHaveLength(11);
  const means = rows.map((row) => Number(/  (\d+)  /.exec(row)![1]));
  expect(means).toEqual(means.toSorted((a, b) => a - b));
  expect(rows.at(-1)).toStartWith("round-robin ");
});

test("figures of a column have equal decimals: three digits of the smallest, four of the largest", () => {
  expect(figures([4.01, 1.4, undefined, 3.36])).toEqual(["4.01", "1.40", "–", "3.36"]);
  expect(figures([38.3, 39])).toEqual(["38.3", "39.0"]);
  expect(figures([76.8, 174])).toEqual(["76.8", "174.0"]);
  expect(figures([76.8, 10_429])).toEqual(["77", "10,429"]);
  expect(figures([0, 0.0123])).toEqual(["0.000", "0.012"]);
  expect(figures([NaN, 0])).toEqual(["–", "0"]);
});

test("where hits were lost is printed at the setting with most to find, and adds up", () => {
  const run = guideRun();
  expect(ladderBlock(run)).toEqual([]);
  for (const { summary } of run.cells) {
    if (summary.arm !== "kv") continue;
    const ideal = summary.parameters["prefixRatio"] === 0.9 ? 0.8 : 0.4;
    summary.cache = { idealShare: ideal, presentShare: 0.7, expectedShare: 0.5, cachedShare: 0.55 };
  }
  expect(ladderBlock(run)).toEqual([
    "Prompt tokens any router could find cached at prefixRatio 0.9, where they were lost, what was found:",
    "    possible  in no cache  other worker  not found  found",
    "kv      80 %        −10 %         −20 %       +5 %   55 %",
  ]);
});

test("failed requests of all cells are grouped with counts and the server's message", () => {
  const run = guideRun();
  run.summary.cells[0]!.errors = [{ kind: "status", status: 503, message: "overloaded", count: 3 }];
  run.summary.cells[1]!.errors = [
    { kind: "status", status: 503, message: "overloaded", count: 2 },
    { kind: "timeout", message: "no byte for 600 s", count: 9 },
    { kind: "disconnected", status: 200, message: "closed", url: "http://b", count: 4 },
  ];
  expect(final(run)).toContain(
    "18 failed requests:\n  9 × timeout: no byte for 600 s\n  5 × status 503: overloaded\n" +
      "  4 × disconnected at http://b: closed\n",
  );
});

test("findings have the reason, the number of cells, and what to try", () => {
  const run = guideRun();
  run.summary.verdict = {
    state: "untrusted",
    reasons: [
      {
        id: "client-late",
        severity: "untrusted",
        message: "The load generator was late",
        hint: "use a machine with more cores",
        cells: ["a", "b"],
      },
    ],
  };
  const text = final(run);
  expect(text).toStartWith("! Not to be trusted: 1 reason below\n");
  expect(text).toContain(
    "! The load generator was late (in 2 cells)\n  Try: use a machine with more cores\n",
  );
});

test("the last line has the path of the report", () => {
  const run = guideRun();
  expect(final(run)).toEndWith("\nResults: /runs/x\n");
  const html = {
    kind: "reporter",
    name: "html",
    source: "bundled",
    options: { path: "report.html" },
  } as const;
  const plan = { ...run.plan, reporters: [html] };
  expect(finalText(run, { plan, runDir: "/runs/x", failed: [], paint: noPaint })).toEndWith(
    "\nReport: /runs/x/report.html\n",
  );
  expect(finalText(run, { plan, runDir: "/runs/x", failed: ["html"], paint: noPaint })).toEndWith(
    "\nResults: /runs/x, but without what html could not write\n",
  );
});

test("control characters of servers and labels never reach the terminal", () => {
  const run = guideRun();
  const evil = "\x1b[2J\r\nfake \u202e\x9b31m";
  run.summary.cells[0]!.errors = [{ kind: "status", message: evil, count: 1 }];
  run.summary.verdict.reasons = [
    { id: "x", severity: "note", message: evil, hint: evil, cells: [] },
  ];
  const text = final(run);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(plain("a\x1b[31mb\nc")).toBe("ab c");
});

test("colours are written only where they are enabled", () => {
  const run = guideRun();
  expect(final(run)).not.toContain("\x1b");
  expect(
    finalText(run, { plan: run.plan, runDir: "/r", failed: [], paint: paintFor(true) }),
  ).toContain("\x1b[32m");
});

test("the live block never wraps, and shows the share done, the time left and the figures so far", () => {
  const progress = { ...progressOf(guideRun()), done: 99, failed: 1, elapsedS: 61, etaS: 3725 };
  const wide = liveBlock(progress, { columns: 100, paint: noPaint });
  // 30 cells, the first half done: 100 / 200 / 30 = 1.67 %.
  expect(wide[1]).toBe(`█${"░".repeat(29)}   2 %  1m 01s, about 1h 02m left`);
  expect(wide[2]).toBe("100/200 requests ended, 1 failed, 2 in flight, TTFT 12.5 ms");
  for (const line of liveBlock(progress, { columns: 40, paint: noPaint })) {
    expect(Bun.stringWidth(line)).toBeLessThan(40);
  }
  // A terminal without a known size reports 0.
  expect(liveBlock(progress, { columns: 0, paint: noPaint })).toEqual(
    liveBlock(progress, { columns: 80, paint: noPaint }),
  );
  expect(progressLine(progress)).not.toContain("\n");
});

test("on a TTY the block is redrawn in place and removed at the end; stdout has only results", async () => {
  await inFolder(async (runDir) => {
    const run = singleCellRun();
    const [stderr, stdout] = [sink(true), sink(true)];
    const handle = await openReporter({ reporter, run }, runDir, { stderr, stdout });
    handle.progress!(progressOf(run));
    expect(stderr.writes[0]).not.toContain("\x1b[3A");
    handle.progress!(progressOf(run));
    expect(stderr.writes[1]).toBe("\x1b[3A\x1b[0J");
    expect(stdout.text()).toBe("");
    await handle.end!(run, []);
    expect(stderr.writes.at(-1)).toBe("\x1b[3A\x1b[0J");
    expect(stdout.text()).toStartWith("✓ Trusted");
  });
});

test("elsewhere progress is a plain line at most every few seconds", async () => {
  await inFolder(async (runDir) => {
    const run = singleCellRun();
    const stderr = sink(false);
    const handle = await openReporter(
      { reporter, run },
      runDir,
      { stderr },
      { progressEveryS: 3600 },
    );
    for (let i = 0; i < 5; i += 1) handle.progress!(progressOf(run));
    expect(stderr.text().split("\n").length).toBe(2);
    expect(stderr.text()).not.toContain("\x1b");
  });
});

test("a finished cell leaves a line", () => {
  const { summary } = singleCellRun().cells[0]!;
  expect(cellLine(summary)).toMatch(
    /^✓ r0-prefixRatio=0\.5-kv · TTFT [\d,]+ ms · [\d,]+ tok\/s · hit \d+ % · 200\/200 ok$/,
  );
  const broken = { ...summary, state: "failed" as const };
  expect(cellLine(broken)).toStartWith("! ");
  expect(cellLine(broken)).toEndWith(" · failed");
  const requests = { sent: 200, ok: 190, failed: 0, dropped: 0, aborted: 10 };
  expect(cellLine({ ...summary, requests, state: "aborted" })).toEndWith(
    " · 190/200 ok · 10 broken off · aborted",
  );
});

test("text is cut and broken by columns, wide characters counted as two", () => {
  expect(clip("日本語日本語", 7)).toBe("日本語…");
  expect(clip("short", 5)).toBe("short");
  expect(clipNames(["round-robin (virtual)"], 12)).toEqual(["round…rtual)"]);
  expect(clipNames(["日本語日本語"], 7)).toEqual(["日…本語"]);
  expect(clipNames(["short"], 5)).toEqual(["short"]);
  const arms = ["kv", "rr"].map((mode) => `dynamo(mode=${mode}) (dyn-modes)`);
  expect(new Set(clipNames(arms, 16)).size).toBe(2);
  expect(wrap("word ".repeat(50).trim(), "  ").every((line) => line.length <= 100)).toBe(true);
  expect([12.4, 65, 3725].map(duration)).toEqual(["12s", "1m 05s", "1h 02m"]);
});
