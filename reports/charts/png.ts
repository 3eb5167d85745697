/** A chart as a picture that stands alone in a deck: title, legend, plot and time scale in one PNG. */
import { FONT, type Theme } from "../theme.ts";
import type { ChartSpec } from "./chart.ts";

const PADDING = 20;
const LINE = 20;

/** Downloads `canvas` framed by what the card says around it. */
export async function savePng(
  canvas: HTMLCanvasElement,
  of: { spec: ChartSpec; theme: Theme; note: string; pixelRatio: number },
): Promise<void> {
  const { spec, theme, note } = of;
  const scale = of.pixelRatio;
  const width = canvas.width / of.pixelRatio + 2 * PADDING;
  const plotHeight = canvas.height / of.pixelRatio;
  const head = PADDING + LINE * 2 + (spec.legend.length > 0 ? LINE : 0) + 8;
  const height = head + plotHeight + (note === "" ? 0 : LINE) + PADDING;
  const picture = document.createElement("canvas");
  picture.width = Math.round(width * scale);
  picture.height = Math.round(height * scale);
  const context = picture.getContext("2d")!;
  context.scale(scale, scale);
  context.fillStyle = theme.panel;
  context.fillRect(0, 0, width, height);

  const write = (text: string, y: number, style: { font: string; colour: string }): void => {
    context.font = `${style.font} ${FONT}`;
    context.fillStyle = style.colour;
    context.fillText(text, PADDING, y, width - 2 * PADDING);
  };
  write(spec.title, PADDING + 14, { font: "600 16px", colour: theme.ink });
  write(spec.subtitle, PADDING + 34, { font: "13px", colour: theme.muted });
  drawLegend(context, spec, theme);
  context.drawImage(canvas, PADDING, head, width - 2 * PADDING, plotHeight);
  if (note !== "") write(note, head + plotHeight + 16, { font: "12px", colour: theme.muted });

  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, "image/png"));
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${spec.title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function drawLegend(context: CanvasRenderingContext2D, spec: ChartSpec, theme: Theme): void {
  let x = PADDING;
  const y = PADDING + LINE * 2 + 14;
  context.font = `13px ${FONT}`;
  for (const item of spec.legend) {
    context.fillStyle = item.colour(theme);
    context.fillRect(x, item.dashed ? y - 5 : y - 9, 12, item.dashed ? 2 : 10);
    context.fillStyle = theme.ink;
    context.fillText(item.label, x + 18, y);
    x += 18 + context.measureText(item.label).width + 18;
  }
}
