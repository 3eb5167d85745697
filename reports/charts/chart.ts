/**
 * A chart in its card: title, what is drawn, legend, canvas, "Save as PNG".
 *
 * Every chart is a uPlot frame (axes, scales, cursor); some draw their marks in a hook of uPlot. A
 * card is redrawn, not patched, when the theme or the width changes: charts have few points.
 */
import uPlot from "uplot";
import { h } from "../drawing/dom.ts";
import { readTheme, type Theme } from "../drawing/theme.ts";
import type { ChartSpec, LegendItem } from "./chart-spec.ts";
import { savePng } from "./png.ts";

export interface ChartCard {
  element: HTMLElement;
  draw(): void;
}

/** `note` goes under every chart and into its picture: the time scale. */
export function chartCard(spec: ChartSpec, note: string): ChartCard {
  const box = h("div", {
    class: "plot",
    role: "img",
    "aria-label": `${spec.title}. ${spec.subtitle}`,
  });
  const save = h("button", { type: "button", class: "save" }, "Save as PNG");
  const legend = h("div", { class: "legend" });
  const element = h(
    "figure",
    { class: "card" },
    h(
      "figcaption",
      {},
      h("div", { class: "caption" }, h("h3", {}, spec.title), h("p", {}, spec.subtitle)),
      save,
    ),
    legend,
    box,
    spec.notes !== undefined && spec.notes.length > 0 && noteList(spec.notes),
    note !== "" && h("p", { class: "scale" }, note),
  );
  let plot: uPlot | undefined;
  save.addEventListener("click", () => {
    if (plot)
      void savePng(plot.ctx.canvas, { spec, theme: readTheme(), note, pixelRatio: uPlot.pxRatio });
  });

  const draw = (): void => {
    plot?.destroy();
    const theme = readTheme();
    const drawn = spec.plot(theme);
    legend.replaceChildren(...(drawn ? spec.legend.map((item) => legendEntry(item, theme)) : []));
    save.hidden = drawn === undefined;
    box.replaceChildren();
    if (!drawn) {
      box.append(h("p", { class: "empty" }, spec.empty ?? "Nothing to draw."));
      plot = undefined;
      return;
    }
    const options: uPlot.Options = {
      width: Math.max(240, box.clientWidth),
      height: spec.height,
      legend: { show: false },
      ...drawn.options,
      series: drawn.options.series ?? [{}],
    };
    plot = new uPlot(options, drawn.data, box);
  };
  return { element, draw };
}

function noteList(notes: NonNullable<ChartSpec["notes"]>): HTMLElement {
  const rows = notes.flatMap(([name, meaning]) => [h("dt", {}, name), h("dd", {}, meaning)]);
  return h("dl", { class: "meanings" }, ...rows);
}

function legendEntry(item: LegendItem, theme: Theme): HTMLElement {
  const swatch = h("i", item.dashed ? { class: "dashed" } : {});
  swatch.style.setProperty("--swatch", item.colour(theme));
  return h("span", {}, swatch, item.label);
}
