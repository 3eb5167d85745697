/** The data of the page: every figure from its place in the results, bounded and safe to embed. */
import { expect, test } from "bun:test";
import { encodeData, reportData } from "../../../reports/data/data.ts";
import { describeSetup } from "../../../reports/data/setup.ts";
import { reportPage } from "../../../reports/template.ts";
import {
  generateRun,
  GUIDE_SHAPE,
  guideRun,
  manyArmsRun,
  singleCellRun,
} from "../../fixtures/results/generate-run.ts";

test("cells keep their summaries and find their arm and setting", () => {
  const run = guideRun();
  const data = reportData(run);
  expect(data.arms).toEqual(["round-robin", "kv"]);
  expect(data.sweep.points).toHaveLength(5);
  expect(data.cells).toHaveLength(30);
  for (const [i, cell] of data.cells.entries()) {
    const { summary } = run.cells[i]!;
    expect(cell.summary).toEqual(summary);
    expect(data.arms[cell.arm]).toBe(summary.arm);
    expect(data.sweep.points[cell.point]!.parameters).toEqual(summary.parameters);
  }
  expect(data.comparisons).toEqual(run.summary.comparisons);
  expect(data.verdict).toEqual(run.summary.verdict);
  expect(data.command).toBe(run.command);
});

test("a group pools the requests of all repeats, unknown values left out", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5], repeats: 2, requests: 3 });
  const [first, second] = run.cells.filter(({ cell }) => cell.arm === 1);
  Object.assign(first!.points, {
    ttftMs: [30, NaN, 10],
    uncachedTokens: [3, 2, 1],
    e2eMs: [1, 2, 3],
  });
  Object.assign(second!.points, {
    ttftMs: [20, 40, 50],
    uncachedTokens: [4, NaN, 5],
    e2eMs: [4, 5, 6],
  });
  const group = reportData(run).groups.find(({ arm }) => arm === 1)!;
  expect(group.ttftMs).toEqual({ n: 5, values: [10, 20, 30, 40, 50] });
  expect(group.e2eMs.n).toBe(6);
  expect(group.scatter).toEqual({ uncachedTokens: [3, 1, 4, 5], ttftMs: [30, 10, 20, 50], of: 4 });
});

test("requests in flight are binned over the cell's own time", () => {
  const run = singleCellRun();
  run.cells[0]!.series.inFlight = {
    timeS: [0, 80, 160],
    workers: [{ id: "worker-0", count: [2, 4, 0] }],
  };
  const { inFlight } = reportData(run).cells[0]!;
  expect(inFlight.endS).toBe(160);
  // 160 bins of one second each: two in flight for 80 s, then four.
  expect(inFlight.workers[0]!.count).toEqual([...Array(80).fill(2), ...Array(80).fill(4)]);
});

test("the time scale is noted only where it is not 1", () => {
  expect(reportData(singleCellRun()).scaleNote).toBe("");
  expect(reportData(guideRun()).scaleNote).toContain("10× faster");
});

test("encoded data cannot end its script element and reads back equal", () => {
  const run = singleCellRun();
  run.command = "</script><!-- <script> $& $1 \u2028";
  const data = reportData(run);
  expect(encodeData(data)).not.toContain("<");
  expect(JSON.parse(encodeData(data))).toEqual(JSON.parse(JSON.stringify(data)));
  const page = reportPage(run);
  const [, text] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page)!;
  expect(JSON.parse(text!).command).toBe(run.command);
});

test("the page is whole: nothing left to fill in, nothing fetched from elsewhere", () => {
  const page = reportPage(singleCellRun());
  expect(page).not.toContain("/* style */");
  expect(page).not.toContain("/* script */");
  expect(page).not.toMatch(/<(link|script|img|iframe)[^>]+(src|href)="(?!data:)/);
  expect(page).not.toMatch(/@import|url\((?!data:)/);
});

test("20,000 requests, and many cells, stay under 3 MB, and the page states what is left out", () => {
  const large = generateRun({ ...GUIDE_SHAPE, requests: 2000, workers: 64 });
  const ratios = Array.from({ length: 40 }, (_, i) => i / 40);
  const many = generateRun({ ...GUIDE_SHAPE, ratios, requests: 100 });
  for (const run of [large, many]) expect(reportPage(run).length).toBeLessThan(3_000_000);
  const { scatter } = reportData(large);
  expect(scatter).toEqual({ drawn: 20_000, of: 60_000 });
});

test("many arms are ranked by the primary metric at each setting; the details are those of a few", () => {
  const run = manyArmsRun(20, [0.1, 0.9]);
  const data = reportData(run);
  const { rows, dimensions, reference } = data.ranking!;
  expect(dimensions.map(({ label, values }) => [label, values.length])).toEqual([
    ["Router", 2],
    ["Temperature", 20],
    ["Overlap credit", 5],
    ["Prefix ratio", 2],
  ]);
  for (const point of [0, 1]) {
    const own = rows.filter((row) => row.point === point);
    expect(own).toHaveLength(101);
    const means = own.map(({ primary }) => primary.reduce((a, b) => a + b, 0) / primary.length);
    expect(means).toEqual(means.toSorted((a, b) => a - b));
    expect(own.map(({ rank }) => rank)).toEqual(own.map((_, i) => i + 1));
  }
  expect(run.plan.arms[reference]!.label).toBe("round-robin");
  expect(data.arms).toHaveLength(6);
  expect(data.arms).toContain("round-robin");
  expect(new Set(data.cells.map(({ arm }) => data.arms[arm]))).toEqual(new Set(data.arms));
  expect(reportPage(run).length).toBeLessThan(1_000_000);
});

test("of thousands of settings some have details, all have figures", () => {
  const ratios = Array.from({ length: 1500 }, (_, i) => i / 1500);
  const run = generateRun({ ...GUIDE_SHAPE, ratios, repeats: 1, requests: 10, workers: 1 });
  const data = reportData(run);
  expect(data.cells).toHaveLength(3000);
  expect(data.groups.length).toBeLessThanOrEqual(602);
  const last = data.cells.at(-1)!.summary.metrics.ttftMs!.mean;
  expect(last).toBeCloseTo(run.cells.at(-1)!.summary.metrics.ttftMs!.mean, 0);
});

test("an arm of which only a part was measured is named so, and a part is not pooled with whole cells", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5], repeats: 2, requests: 20 });
  const [, kv, , again] = run.cells;
  again!.summary.state = "failed";
  expect(reportData(run).arms).toEqual(["round-robin", "kv"]);
  expect(reportData(run).groups.find(({ arm }) => arm === 1)!.ttftMs.n).toBe(20);
  kv!.summary.state = "failed";
  expect(reportData(run).arms).toEqual(["round-robin", "kv (part of a cell)"]);
});

test("set-up lists all values of a swept option", () => {
  const rows = new Map(describeSetup(guideRun()).flatMap((section) => section.rows));
  expect(rows.get("prefixRatio")).toBe("0.1, 0.3, 0.5, 0.7, 0.9");
  expect(rows.get("concurrency")).toBe("20");
});

test("set-up shows options and facts, masks secrets and cuts very long values", () => {
  const run = singleCellRun();
  run.facts = {
    apiToken: "abc",
    note: "x".repeat(5000),
    fullCommand: ["vllm", "serve"],
    engines: { mocker: { workers: [{ pid: 1 }, { pid: 2 }] } },
    many: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, i])),
  };
  const sections = describeSetup(run);
  const rows = new Map(sections.flatMap(({ rows }) => rows));
  expect(rows.get("isl")).toBe("14000");
  expect(rows.get("headers")).toBe("x-api-key");
  expect(JSON.stringify(sections)).not.toContain("s3cret");
  expect(rows.get("apiToken")).toBe("***");
  expect(rows.get("note")!.length).toBe(601);
  expect(rows.get("fullCommand")).toBe("vllm serve");
  expect(sections.map(({ title }) => title)).toContain("Engines, as found");
  expect(rows.get("mocker.workers")).toBe("2, listed in facts.json");
  expect(sections.at(-1)!.rows.at(-1)![0]).toBe("…");
});
