/** A shape per arm beside its colour, so that arms can be distinguished without colour. */

import { ARM_COLOURS } from "../drawing/theme.ts";

/**
 * Fills a marker at (x, y); `radius` in canvas pixels. Shapes repeat after four arms; when colours
 * repeat, the shapes are shifted, so that arms of one colour have different shapes.
 */
export function drawMarker(
  context: CanvasRenderingContext2D,
  arm: number,
  at: { x: number; y: number; radius: number },
): void {
  const { x, y, radius: r } = at;
  context.beginPath();
  switch ((arm + Math.floor(arm / ARM_COLOURS)) % 4) {
    case 0:
      context.arc(x, y, r, 0, 2 * Math.PI);
      break;
    case 1:
      context.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
      break;
    case 2:
      context.moveTo(x, y - r * 1.2);
      context.lineTo(x + r * 1.1, y + r * 0.8);
      context.lineTo(x - r * 1.1, y + r * 0.8);
      break;
    default:
      context.moveTo(x, y - r * 1.3);
      context.lineTo(x + r * 1.3, y);
      context.lineTo(x, y + r * 1.3);
      context.lineTo(x - r * 1.3, y);
  }
  context.closePath();
  context.fill();
}
