/** The page of a trace's analysis in a real browser, from disk. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { analyzeTrace } from "../../core/trace/analysis/analysis.ts";
import { tracePage } from "../../reports/template.ts";
import type { NamedAnalysis } from "../../reports/data/trace-data.ts";
import { columnsOf, fromRows } from "../core/trace/columns.ts";
import { colouredPixels, describePage } from "./browser.ts";

setDefaultTimeout(60_000);

const HOSTILE = "<img src=x onerror=globalThis.hit=1>$&</script>";

/** Forty rows of one beginning and two branches. */
const shared: NamedAnalysis = {
  file: "folder/shared.jsonl",
  ...analyzeTrace(columnsOf(Array.from({ length: 40 }, (_, i) => [0, 1 + (i % 2), 3 + (i % 8)]))),
};
const bare: NamedAnalysis = {
  file: HOSTILE,
  ...analyzeTrace(fromRows([{ isl: 700, osl: 1, blocks: [] }])),
};

describePage("trace page", (openPage) => {
  const open = (traces: NamedAnalysis[], look: { width: number; dark?: boolean }) =>
    openPage(tracePage({ tool: "dynbench 0", traces }), {
      colorScheme: look.dark === true ? "dark" : "light",
      viewport: { width: look.width, height: 900 },
    });

  for (const dark of [false, true]) {
    test(`draws all five charts in ${dark ? "dark" : "light"} and fetches nothing`, async () => {
      const { page, faults } = await open([shared], { width: 1280, dark });
      const coloured = await colouredPixels(page);
      expect(coloured).toHaveLength(5);
      for (const pixels of coloured) expect(pixels).toBeGreaterThan(100);
      expect(await page.locator("h3").allTextContents()).toEqual([
        "Input length",
        "Output length",
        "Request rate over time",
        "Hit share over cache size",
        "Most common prefixes",
      ]);
      expect(await page.textContent("h1")).toBe("shared.jsonl");
      expect(faults).toEqual([]);
    });
  }

  test("the guide's table has the figures of the analysis", async () => {
    const { page } = await open([shared], { width: 1280 });
    const rows = await page.locator("tbody tr").allTextContents();
    expect(rows).toHaveLength(5);
    expect(rows[0]).toBe("Input length1,53601,5361,5361,5361,5361,536");
  });

  test("a trace without sharing and times is described as such, and foreign text stays text", async () => {
    const { page, faults } = await open([bare], { width: 1280 });
    expect(await page.textContent(".headline")).toContain("its sharing is unknown");
    expect(await page.textContent(".headline")).toContain("has no times");
    expect(await page.locator("h3").count()).toBe(2);
    expect(await page.textContent("p.why")).toBe(HOSTILE);
    expect(await page.evaluate<unknown>("globalThis.hit ?? null")).toBeNull();
    expect(faults).toEqual([]);
  });

  test("nothing overflows a phone", async () => {
    const long = { ...shared, file: `/${"a-long-folder/".repeat(9)}trace.jsonl` };
    const { page } = await open([long, bare], { width: 400 });
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(400);
  });
});
