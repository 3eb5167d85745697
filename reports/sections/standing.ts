/**
 * The frame of every page: reads the data in the document, inserts the sections, draws their charts,
 * and draws them again for another theme, width or paper.
 */
import { chartCard, type ChartCard } from "../charts/chart.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { ReportData } from "../data/data.ts";

/** Puts charts on the page, for the sections. */
export interface ChartCards {
  /** Adds a chart; drawn once the page is laid out, and again for another theme or width. */
  chart(spec: ChartSpec): HTMLElement;
  /** Replaces the charts in `host`. */
  swap(host: HTMLElement, specs: readonly ChartSpec[]): void;
}

/** The input of the sections of a run's page. */
export interface Page extends ChartCards {
  data: ReportData;
}

/** Content width of an A4 page with the margins of the style sheet, in CSS pixels. */
const PRINT_WIDTH_PX = 703;

export function documentData(): unknown {
  return JSON.parse(document.getElementById("data")!.textContent);
}

/** `note` goes under every chart. */
export function standPage(
  note: string,
  sections: (cards: ChartCards) => readonly (HTMLElement | undefined)[],
): void {
  const cards = new Map<HTMLElement, ChartCard>();
  const add = (spec: ChartSpec): ChartCard => {
    const card = chartCard(spec, note);
    cards.set(card.element, card);
    return card;
  };
  const main = document.getElementById("report")!;
  const elements = sections({
    chart: (spec) => add(spec).element,
    swap: (host, specs) => {
      for (const child of host.children) cards.delete(child as HTMLElement);
      const added = specs.map(add);
      host.replaceChildren(...added.map(({ element }) => element));
      if (host.isConnected) added.forEach((card) => card.draw());
    },
  });
  main.append(...elements.filter((element) => element !== undefined));
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
