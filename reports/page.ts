/**
 * The page: reads the data in the document, builds the sections in reading order (can it be
 * trusted, who won, where, why, details, set-up) and draws the charts for the reader's theme.
 */
import "./resolution.ts";
import { chartCard, type ChartCard, type ChartSpec } from "./charts/chart.ts";
import type { ReportData } from "./data.ts";
import { h } from "./dom.ts";
import { clientSection } from "./sections/client.ts";
import { comparisonSection } from "./sections/comparison.ts";
import { cellsSection, setupSection } from "./sections/closing.ts";
import { detailSections } from "./sections/detail.ts";
import { panelsSection } from "./sections/panels.ts";
import { sideBySideSection } from "./sections/side-by-side.ts";
import { header, titleOf, verdictSection } from "./sections/verdict.ts";

/** What sections need besides the data. */
export interface Page {
  data: ReportData;
  /** Adds a chart; drawn once the page stands, and again for another theme or width. */
  chart(spec: ChartSpec): HTMLElement;
  /** Puts other charts into `host`, in place of those that were there. */
  swap(host: HTMLElement, specs: readonly ChartSpec[]): void;
}

/** Content width of an A4 page with the margins of the style sheet, in CSS pixels. */
const PRINT_WIDTH_PX = 703;

function start(): void {
  const data = JSON.parse(document.getElementById("data")!.textContent!) as ReportData;
  const cards = new Map<HTMLElement, ChartCard>();
  const add = (spec: ChartSpec): ChartCard => {
    const card = chartCard(spec, data.scaleNote);
    cards.set(card.element, card);
    return card;
  };
  const page: Page = {
    data,
    chart: (spec) => add(spec).element,
    swap: (host, specs) => {
      for (const child of host.children) cards.delete(child as HTMLElement);
      const added = specs.map(add);
      host.replaceChildren(...added.map(({ element }) => element));
      if (host.isConnected) added.forEach((card) => card.draw());
    },
  };
  document.title = `${titleOf(data)} · ${data.workload} · dynbench`;
  const main = document.getElementById("report")!;
  const sections = [
    header(data),
    verdictSection(data),
    panelsSection(page),
    sideBySideSection(data),
    comparisonSection(data),
    // Its own box, so that the choice of a setting stays in sight only beside what it governs.
    h("div", {}, ...detailSections(page)),
    clientSection(page),
    cellsSection(data),
    setupSection(data),
    h("footer", {}, `${data.tool} · ${data.startedAt}`),
  ];
  main.append(...sections.filter((element) => element !== undefined));
  drawWhenNeeded(main, () => cards.forEach((card) => card.draw()));
}

function drawWhenNeeded(main: HTMLElement, drawAll: () => void): void {
  const root = document.documentElement;
  drawAll();
  let width = main.clientWidth;
  new ResizeObserver(() => {
    if (main.clientWidth === width) return;
    width = main.clientWidth;
    drawAll();
  }).observe(main);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  root.addEventListener("themechange", drawAll);
  const print = (on: boolean): void => {
    root.classList.toggle("printing", on);
    main.style.width = on ? `${PRINT_WIDTH_PX}px` : "";
    width = main.clientWidth;
    drawAll();
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

start();
