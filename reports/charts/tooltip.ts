/** The values under the pointer, for charts whose marks are uPlot series. */
import uPlot from "uplot";
import { h } from "../drawing/dom.ts";

export interface TooltipRow {
  label: string;
  colour: string;
  value: string;
}

/** `rows` gives what to show at a data index; an empty list hides the box. */
export function tooltip(
  title: (plot: uPlot, index: number) => string,
  rows: (plot: uPlot, index: number) => TooltipRow[],
): uPlot.Plugin {
  const box = h("div", { class: "tooltip" });
  box.hidden = true;
  return {
    hooks: {
      init: (plot) => {
        plot.over.append(box);
        plot.over.addEventListener("mouseleave", () => (box.hidden = true));
      },
      setCursor: (plot) => {
        const { idx, left = -1, top = 0 } = plot.cursor;
        const shown = idx === null || idx === undefined || left < 0 ? [] : rows(plot, idx);
        box.hidden = shown.length === 0;
        if (shown.length === 0) return;
        box.replaceChildren(h("b", {}, title(plot, idx!)), ...shown.map(tooltipRow));
        const before = left > plot.over.clientWidth / 2;
        box.style.left = `${before ? left - box.offsetWidth - 12 : left + 12}px`;
        box.style.top = `${Math.min(top, plot.over.clientHeight - box.offsetHeight)}px`;
      },
    },
  };
}

function tooltipRow(row: TooltipRow): HTMLElement {
  const swatch = h("i");
  swatch.style.setProperty("--swatch", row.colour);
  return h("div", {}, swatch, h("span", {}, row.label), h("span", {}, row.value));
}
