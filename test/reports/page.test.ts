/** The page in a real browser, from disk: it draws, fetches nothing, and keeps foreign text as text. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { mergeRuns } from "../../core/metrics/summary/merge-runs.ts";
import type { RunResult } from "../../core/contract/result.ts";
import { reportPage } from "../../reports/template.ts";
import {
  generateRun,
  GUIDE_SHAPE,
  guideRun,
  manyArmsRun,
  singleCellRun,
} from "../fixtures/results/generate-run.ts";
import { colouredPixels, describePage } from "./browser.ts";

/** A browser is slow on a busy machine. */
setDefaultTimeout(60_000);

const HOSTILE = "<img src=x onerror=globalThis.hit=1>";

/** Charts with one arm: two panels, why (4), latency (2), shares (2), over time (2), a map, lateness. */
const CHARTS = 14;

describePage("report page", (openPage) => {
  const open = (run: RunResult, colorScheme: "light" | "dark" = "light") =>
    openPage(reportPage(run), { colorScheme });

  for (const scheme of ["light", "dark"] as const) {
    test(`draws every chart in ${scheme} and fetches nothing`, async () => {
      const { page, faults, close } = await open(guideRun(), scheme);
      const drawn = await colouredPixels(page);
      expect(drawn).toHaveLength(CHARTS + 1);
      for (const pixels of drawn) expect(pixels).toBeGreaterThan(100);
      expect(faults).toEqual([]);
      await close();
    });
  }

  test("shows verdict and winner before anything else", async () => {
    const { page, close } = await open(guideRun());
    expect(await page.textContent("section:first-of-type .badge")).toContain("Trusted");
    expect(await page.textContent("section:first-of-type .headline")).toStartWith("kv wins: ");
    await close();
  });

  test("a single cell is drawn as bars", async () => {
    const { page, faults, close } = await open(singleCellRun());
    const drawn = await colouredPixels(page);
    expect(drawn).toHaveLength(CHARTS);
    for (const pixels of drawn) expect(pixels).toBeGreaterThan(100);
    expect(await page.textContent("h1")).toBe("kv");
    expect(faults).toEqual([]);
    await close();
  });

  test("the toggle overrides the system's scheme, for page and charts", async () => {
    const { page, close } = await open(guideRun(), "light");
    const state = () =>
      page.evaluate<string>(
        "getComputedStyle(document.body).backgroundColor + document.querySelector('canvas').toDataURL()",
      );
    const light = await state();
    await page.click("header .chips button:has-text('Dark')");
    const dark = await state();
    expect(dark.slice(0, 20)).not.toBe(light.slice(0, 20));
    expect(dark.slice(30)).not.toBe(light.slice(30));
    await page.click("header .chips button:has-text('Light')");
    expect(await state()).toBe(light);
    await close();
  });

  test("another setting is drawn when it is chosen", async () => {
    const { page, faults, close } = await open(guideRun());
    const chart = "document.querySelector('#latency canvas').toDataURL()";
    const before = await page.evaluate<string>(chart);
    await page.click(".points button:has-text('0.1')");
    expect(await page.evaluate<string>(chart)).not.toBe(before);
    expect(await page.textContent("#latency figcaption p")).toContain("prefix ratio 0.1");
    expect(faults).toEqual([]);
    await close();
  });

  test("an untrusted run does not claim its winner as a trusted one does", async () => {
    const run = guideRun();
    run.summary.verdict = {
      state: "untrusted",
      reasons: [{ id: "late", severity: "untrusted", message: "Late", hint: "more cores" }],
    };
    const { page, close } = await open(run);
    expect(await page.textContent(".badge")).toContain("Not to be trusted");
    expect(await page.textContent(".headline")).toStartWith("If the figures held: kv wins");
    await close();
  });

  test("runs side by side have a table of both and no winner between them", async () => {
    const { page, faults, close } = await open(mergeRuns([guideRun(), twin()], ["a", "b"]));
    expect(await page.textContent("h1")).toBe("a vs b: round-robin, kv");
    expect(await page.textContent(".headline")).not.toContain("wins");
    const rows = await page.locator("#side-by-side tbody tr").allTextContents();
    expect(rows).toHaveLength(5 * 2 * 2);
    expect(rows[0]).toStartWith("prefix ratio 0.1round-robina (3\u00a0×)");
    expect(rows[1]).toContain("1.00×");
    expect(faults).toEqual([]);
    await close();
  });

  test("of many pairs only the headline's and one more are open at first", async () => {
    const arms = ["a", "b", "c", "d", "e"].map((label) => ({ label, reached: 0.5 }));
    const run = generateRun({
      ...GUIDE_SHAPE,
      ratios: [0.5],
      arms: [...arms, GUIDE_SHAPE.arms[1]!],
    });
    const { page, close } = await open(run);
    const text = await page.textContent("#comparisons summary");
    expect(text).toBe("4 more pairs of arms");
    const shown = await page.locator("#comparisons > .comparison .group b").allTextContents();
    expect(shown).toHaveLength(2);
    await close();
  });

  test("many arms are ranked, with a chart over each option in which they differ", async () => {
    const { page, faults, close } = await open(manyArmsRun(6, [0.5, 0.9]));
    expect(await page.textContent("h1")).toBe(
      "31 arms of round-robin, kv: temperature 0 to 0.5, overlap credit 0.1 to 1000",
    );
    const rows = page.locator("#ranking .ranked > .comparison tbody tr");
    expect(await rows.count()).toBe(21); // the best twenty, and the reference
    expect(await rows.nth(0).locator("td").nth(0).textContent()).toBe("1");
    expect(await rows.last().textContent()).toContain("round-robin");
    expect(await page.textContent("#ranking summary")).toBe("10 more arms");
    const titles = page.locator("#ranking figure h3");
    expect(await titles.nth(0).textContent()).toBe("Mean TTFT over temperature");
    await page.click("#ranking .chips button:has-text('Overlap credit')");
    expect(await titles.nth(1).textContent()).toBe("Output tokens/s over overlap credit");
    const first = await rows.nth(0).textContent();
    await page.click("#ranking .chips button:has-text('prefix ratio 0.5')");
    expect(await rows.nth(0).textContent()).not.toBe(first);
    for (const pixels of await colouredPixels(page)) expect(pixels).toBeGreaterThan(0);
    // Details of the best five and of the reference.
    expect(await page.locator("#latency .legend").nth(0).locator("span").count()).toBe(6);
    for (const width of [400, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const taken = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(taken).toBeLessThanOrEqual(width);
    }
    expect(faults).toEqual([]);
    await close();
  });

  test("tiers have charts and a table of their own, at each setting", async () => {
    const run = guideRun();
    const interval = { value: 500, low: 450, high: 560 };
    for (const { cell, summary } of run.cells) {
      summary.tiers = ["low", "high"].map((name, priority) => ({
        ...{ name, priority, requests: { sent: 40, ok: 40, failed: 0, dropped: 0 } },
        ...{ ttftMs: summary.metrics.ttftMs!, e2eMs: summary.metrics.e2eMs! },
        ...{ ttftMeanMs: interval, e2eMeanMs: interval, sloShare: priority, tokensPerS: 9 },
      }));
      summary.sloShare = 0.5 + cell.arm / 10;
    }
    const { page, faults, close } = await open(run);
    expect(await page.locator("#panels h3").allTextContents()).toContain(
      "Limits kept over prefix ratio",
    );
    expect(await page.locator("#tiers h3").allTextContents()).toEqual([
      "TTFT by tier",
      "E2E by tier",
    ]);
    const rows = page.locator("#tiers tbody tr");
    expect(await rows.count()).toBe(2 * (1 + 2)); // arms, each with its name and two tiers
    expect(await rows.nth(2).textContent()).toStartWith("high (priority 1)");
    const before = await rows.nth(1).textContent();
    await page.click(".points button:has-text('0.1')");
    expect(await rows.nth(1).textContent()).not.toBe(before);
    expect(faults).toEqual([]);
    await close();
  });

  test("an open loop shows the sent and the requested rate", async () => {
    const run = singleCellRun();
    for (const { summary } of run.cells) {
      summary.client = { ...summary.client, requestedRps: 10, sentRps: 9.5 };
    }
    const { page, faults, close } = await open(run);
    const cells = page.locator("#client table tr");
    expect(await cells.nth(0).textContent()).toContain("Sent of requested (/s)");
    expect(await cells.nth(1).textContent()).toContain("9.5 of 10");
    expect(faults).toEqual([]);
    await close();
  });

  test("the bounds of the caches are beside the hit share", async () => {
    const run = singleCellRun();
    const hits = "#why figure:first-of-type";
    const without = await open(run);
    const heightOf = (page: Page) => page.locator(`${hits} canvas`).evaluate((c) => c.clientHeight);
    const bare = await heightOf(without.page);
    await without.close();
    for (const { summary } of run.cells) {
      summary.cache.pooled = { blocks: 24_712, lruShare: 0.07, minShare: 0.3 };
    }
    const { page, faults, close } = await open(run);
    expect(await page.textContent(`${hits} figcaption p`)).toContain("LRU and MIN: one cache");
    expect(await heightOf(page)).toBeGreaterThan(bare); // a bar for each
    expect(faults).toEqual([]);
    await close();
  });

  test("a chart is saved as a PNG picture", async () => {
    const { page, faults, close } = await open(guideRun());
    await page.hover("#panels figure");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("#panels figure .save"),
    ]);
    expect(download.suggestedFilename()).toBe("time-to-first-token-over-prefix-ratio.png");
    const bytes = await Bun.file(await download.path()).bytes();
    expect([...bytes.slice(1, 4)]).toEqual([..."PNG"].map((letter) => letter.charCodeAt(0)));
    expect(bytes.length).toBeGreaterThan(5000);
    expect(faults).toEqual([]);
    await close();
  });

  test("foreign text stays text, wherever it comes from", async () => {
    const arms = [
      { label: HOSTILE, reached: 0.9 },
      { label: "kv", reached: 0.4 },
    ];
    const run = generateRun({ ...GUIDE_SHAPE, arms });
    run.summary.verdict = {
      state: "untrusted",
      reasons: [
        { id: "x", severity: "untrusted", message: HOSTILE, hint: HOSTILE, cells: [HOSTILE] },
      ],
    };
    run.summary.cells[0]!.errors = [{ kind: HOSTILE, message: `${HOSTILE}</script>`, count: 1 }];
    run.facts = { [HOSTILE]: HOSTILE };
    run.command = `${HOSTILE} $& </script>`;
    const { page, faults, close } = await open(run);
    expect(await page.textContent("h1")).toBe(`${HOSTILE} vs kv`);
    expect(await page.textContent(".command code")).toBe(run.command);
    expect(await page.evaluate<number>("document.images.length")).toBe(0);
    expect(await page.evaluate<unknown>("globalThis.hit ?? null")).toBeNull();
    expect(faults).toEqual([]);
    await close();
  });

  test("prints in light with charts as wide as the paper", async () => {
    const { page, faults, close } = await open(guideRun(), "dark");
    await page.emulateMedia({ media: "print" });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    const widths = await page.evaluate<number[]>(
      "[...document.querySelectorAll('.uplot')].map((plot) => plot.clientWidth)",
    );
    for (const width of widths) expect(width).toBeLessThan(703);
    const wide = await page.evaluate<number>("document.getElementById('report').scrollWidth");
    expect(wide).toBeLessThanOrEqual(703);
    // Paper is white, whatever the reader's scheme: the light panel.
    expect(
      await page.evaluate<string>(
        "getComputedStyle(document.querySelector('.card')).backgroundColor",
      ),
    ).toBe("rgb(255, 255, 255)");
    expect(faults).toEqual([]);
    await close();
  });

  test("nothing overflows 400, 900 or 1600 px", async () => {
    const { page, close } = await open(guideRun());
    for (const width of [400, 900, 1600]) {
      await page.setViewportSize({ width, height: 900 });
      const taken = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(taken).toBeLessThanOrEqual(width);
    }
    await close();
  });

  test("a failed run without cells is shown too", async () => {
    const run = guideRun();
    run.cells = [];
    run.summary = {
      ...run.summary,
      cells: [],
      comparisons: [],
      verdict: {
        state: "failed",
        reasons: [
          { id: "start", severity: "untrusted", message: "Worker 2 died", hint: "see logs" },
        ],
      },
    };
    const { page, faults, close } = await open(run);
    expect(await page.textContent(".badge")).toContain("Failed");
    expect(await page.textContent(".findings")).toContain("Worker 2 died");
    expect(faults).toEqual([]);
    await close();
  });
});

/** A second run of the same plan. */
const twin = (): RunResult => guideRun();
