/**
 * Takes the README's picture of a report: `bun test/reports/take-picture.ts RUN/report.html` writes
 * `reports/picture.png`, the top of the page in light colours.
 */
import { resolve } from "node:path";
import { startBrowser } from "./browser.ts";

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error("Give the report to take a picture of");
const browser = await startBrowser();
const context = await browser.newContext({
  colorScheme: "light",
  viewport: { width: 1280, height: 900 },
  deviceScaleFactor: 1.5,
});
const page = await context.newPage();
await page.goto(`file://${resolve(report)}`);
await page.waitForSelector("footer");
// Down to the end of the two panels, with the page's own margin below.
const bottom = await page.evaluate<number>(
  `document.querySelector("#panels").getBoundingClientRect().bottom + scrollY`,
);
const path = new URL("../../reports/picture.png", import.meta.url).pathname;
await page.screenshot({
  path,
  fullPage: true,
  clip: { x: 0, y: 0, width: 1280, height: Math.ceil(bottom) + 24 },
});
await browser.close();
