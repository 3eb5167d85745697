/** A chart as a self-contained picture, for slides: title, caption, legend, plot and time scale in one PNG. */
import { FONT, type Theme } from "../drawing/theme.ts";
import type { ChartSpec, LegendItem } from "./chart-spec.ts";

const PADDING = 20;
const LINE = 20;
const TITLE = "600 16px";
const TEXT = "13px";
const NOTE = "12px";

/** Downloads `canvas` with the card's texts around it. */
export async function savePng(
  canvas: HTMLCanvasElement,
  of: { spec: ChartSpec; theme: Theme; note: string; pixelRatio: number },
): Promise<void> {
  const { spec, theme, note, pixelRatio } = of;
  const plot = { width: canvas.width / pixelRatio, height: canvas.height / pixelRatio };
  const picture = document.createElement("canvas");
  const context = picture.getContext("2d")!;
  const lines = {
    title: wrapText(context, spec.title, { font: TITLE, width: plot.width }),
    caption: wrapText(context, spec.subtitle, { font: TEXT, width: plot.width }),
    legend: wrapLegend(context, spec.legend, plot.width),
    note: note === "" ? [] : wrapText(context, note, { font: NOTE, width: plot.width }),
  };
  const above = lines.title.length + lines.caption.length + lines.legend.length;
  const top = PADDING + LINE * above + 8;
  const height = top + plot.height + LINE * lines.note.length + PADDING;
  picture.width = Math.round((plot.width + 2 * PADDING) * pixelRatio);
  picture.height = Math.round(height * pixelRatio);
  context.scale(pixelRatio, pixelRatio);
  context.fillStyle = theme.panel;
  context.fillRect(0, 0, plot.width + 2 * PADDING, height);

  let y = PADDING + 14;
  const write = (texts: readonly string[], style: { font: string; colour: string }): void => {
    context.font = `${style.font} ${FONT}`;
    context.fillStyle = style.colour;
    for (const text of texts) {
      context.fillText(text, PADDING, y);
      y += LINE;
    }
  };
  write(lines.title, { font: TITLE, colour: theme.ink });
  write(lines.caption, { font: TEXT, colour: theme.muted });
  drawLegend(context, lines.legend, { y, theme });
  context.drawImage(canvas, PADDING, top, plot.width, plot.height);
  y = top + plot.height + 16;
  write(lines.note, { font: NOTE, colour: theme.muted });
  await download(picture, spec.title);
}

async function download(picture: HTMLCanvasElement, title: string): Promise<void> {
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, "image/png"));
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Broken at spaces into lines of at most `width` CSS pixels. */
function wrapText(
  context: CanvasRenderingContext2D,
  text: string,
  style: { font: string; width: number },
): string[] {
  context.font = `${style.font} ${FONT}`;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)!} ${word}`;
    const fits = context.measureText(longer).width <= style.width;
    if (lines.length > 0 && fits) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const SWATCH = 18;
const LEGEND_GAP = 18;

function wrapLegend(
  context: CanvasRenderingContext2D,
  legend: readonly LegendItem[],
  width: number,
): LegendItem[][] {
  context.font = `${TEXT} ${FONT}`;
  const rows: LegendItem[][] = [];
  let x = Infinity;
  for (const item of legend) {
    const needed = SWATCH + context.measureText(item.label).width + LEGEND_GAP;
    if (x + needed > width) {
      rows.push([]);
      x = 0;
    }
    rows.at(-1)!.push(item);
    x += needed;
  }
  return rows;
}

function drawLegend(
  context: CanvasRenderingContext2D,
  rows: readonly (readonly LegendItem[])[],
  at: { y: number; theme: Theme },
): void {
  context.font = `${TEXT} ${FONT}`;
  rows.forEach((row, i) => {
    const y = at.y + i * LINE;
    let x = PADDING;
    for (const item of row) {
      context.fillStyle = item.colour(at.theme);
      context.fillRect(x, item.dashed ? y - 5 : y - 9, 12, item.dashed ? 2 : 10);
      context.fillStyle = at.theme.ink;
      context.fillText(item.label, x + SWATCH, y);
      x += SWATCH + context.measureText(item.label).width + LEGEND_GAP;
    }
  });
}
