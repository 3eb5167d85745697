/** The page of a trace's analysis in a real browser, from disk. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { analyzeTrace } from "../../core/trace/analysis/analysis.ts";
import { tracePage } from "../../reports/template.ts";
import type { NamedAnalysis } from "../../reports/data/trace-data.ts";
import { columnsOf, fromRows } from "../core/trace/columns.ts";

const BROWSER = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const missing = !existsSync(BROWSER);
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

describe.skipIf(missing)(
  missing ? `trace page (skipped: no browser at ${BROWSER}; set CHROMIUM)` : "trace page",
  () => {
    let browser: Browser;
    let folder: string;
    let files = 0;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "dynbench-trace-page-"));
      const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-sync"];
      browser = await chromium.launch({ executablePath: BROWSER, args });
    }, 30_000);
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function open(traces: NamedAnalysis[], look: { width: number; dark?: boolean }) {
      const path = join(folder, `${(files += 1)}.html`);
      await Bun.write(path, tracePage({ tool: "dynbench 0", traces }));
      const page = await browser.newPage({
        colorScheme: look.dark === true ? "dark" : "light",
        viewport: { width: look.width, height: 900 },
      });
      const faults: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (request) => {
        const url = request.url();
        if (url !== `file://${path}` && !url.startsWith("data:")) faults.push(url);
      });
      await page.goto(`file://${path}`);
      await page.waitForSelector("footer");
      return { page, faults };
    }

    for (const dark of [false, true]) {
      test(`draws all five charts in ${dark ? "dark" : "light"} and fetches nothing`, async () => {
        const { page, faults } = await open([shared], { width: 1280, dark });
        const coloured = await page.evaluate<number[]>(COLOURED_PIXELS);
        expect(coloured).toHaveLength(5);
        for (const pixels of coloured) expect(pixels).toBeGreaterThan(100);
        expect(await page.locator("h3").allTextContents()).toEqual([
          "Input length",
          "Output length",
          "Request rate over time",
          "What a cache of some size serves",
          "What most rows begin with",
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

    test("a trace without sharing and times says so, and foreign text stays text", async () => {
      const { page, faults } = await open([bare], { width: 1280 });
      expect(await page.textContent(".headline")).toContain("says nothing of sharing");
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
  },
);

/** Per canvas, pixels with a colour: not paper, ink or grid. */
const COLOURED_PIXELS = `[...document.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.subarray(i, i + 4);
    if (a > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count += 1;
  }
  return count;
})`;
