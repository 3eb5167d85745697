/** A real browser for the tests of pages: opens a page from disk and records what it must not do. */
import { afterAll, beforeAll, describe } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";

const PROGRAM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export function startBrowser(...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: [...FLAGS.split(" "), ...more] });
}

/** `describe`, skipped where there is no browser. */
export function describeBrowser(name: string, tests: () => void): void {
  const isMissing = !existsSync(PROGRAM);
  const title = isMissing ? `${name} (skipped: no browser at ${PROGRAM}; set CHROMIUM)` : name;
  describe.skipIf(isMissing)(title, tests);
}

/** How a page is looked at. */
export interface Look {
  readonly colorScheme: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
}

export interface OpenPage {
  readonly page: Page;
  /** Errors, warnings, and requests for anything but the page's own file. */
  readonly faults: string[];
  close(): Promise<unknown>;
}

/** Opens a page's HTML, 1280 × 900 if `look` has nothing else, in place of the one opened before. */
export type Open = (html: string, look: Look) => Promise<OpenPage>;

/**
 * `describe` with one browser for all tests of a page; skipped where there is no browser. They share its
 * tab too, because a new one costs more than most tests: each HTML is a document of its own in it.
 */
export function describePage(name: string, tests: (open: Open) => void): void {
  describeBrowser(name, () => {
    let browser: Browser;
    let page: Page;
    let folder: string;
    let files = 0;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "dynbench-page-"));
      browser = await startBrowser();
      page = await browser.newPage();
    }, 30_000);
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });
    tests(async (html, { colorScheme, viewport }) => {
      page.removeAllListeners();
      const path = join(folder, `page-${(files += 1)}.html`);
      await Bun.write(path, html);
      await page.emulateMedia({ media: null, colorScheme });
      await page.setViewportSize(viewport ?? { width: 1280, height: 900 });
      const faults = faultsOf(page, `file://${path}`);
      await page.goto(`file://${path}`);
      await page.waitForSelector("footer");
      return { page, faults, close: () => page.goto("about:blank") };
    });
  });
}

function faultsOf(page: Page, url: string): string[] {
  const faults: string[] = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) {
      faults.push(`request: ${request.url()}`);
    }
  });
  return faults;
}

/** Per canvas, pixels with a colour (not paper, ink or grid): marks of an arm. */
export function colouredPixels(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`[...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const r = data[i], g = data[i + 1], b = data[i + 2];
      if (data[i + 3] > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count += 1;
    }
    return count;
  })`);
}
