/** What the terminal shows while a run is in progress. */
import type { CellSummary, Progress } from "dynbench/report";
import {
  clip,
  describe,
  duration,
  figure,
  pad,
  percent,
  plain,
  type Paint,
} from "../../shared/reporters/text.ts";

const BAR_WIDTH = 30;
const UNTOLD_COLUMNS = 80;

/** Three lines, none wider than the terminal, so that they can be drawn over. */
export function liveBlock(progress: Progress, screen: { columns: number; paint: Paint }): string[] {
  const { paint } = screen;
  // A line as wide as the terminal would wrap on some; a width of 0 means that the terminal does not report it.
  const width = Math.max(20, (screen.columns || UNTOLD_COLUMNS) - 1);
  const filled = Math.round(wholePart(progress) * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const percentDone = pad(percent(wholePart(progress)), 5, "right");
  return [
    paint("bold", clip(whereText(progress), width)),
    clip(`${bar} ${percentDone}  ${timeText(progress)}`, width),
    paint("dim", clip(numbersText(progress), width)),
  ];
}

/** One line with the same content, for logs. */
export function progressLine(progress: Progress): string {
  const parts = [whereText(progress), percent(wholePart(progress)), timeText(progress)];
  return [...parts, numbersText(progress)].join(" · ");
}

/** A finished cell. */
export function cellLine(summary: CellSummary): string {
  const { metrics, requests } = summary;
  const mark = summary.state === "completed" && requests.failed === 0 ? "✓" : "!";
  const parts = [
    `${mark} ${plain(summary.id)}`,
    `TTFT ${figure(metrics.ttftMs?.mean)} ms`,
    `${figure(metrics.outputTps)} tok/s`,
    ...(summary.cache.cachedShare === undefined
      ? []
      : [`hit ${percent(summary.cache.cachedShare)}`]),
    `${requests.ok}/${requests.sent} ok`,
    ...(requests.failed > 0 ? [`${requests.failed} failed`] : []),
    ...(requests.aborted === undefined ? [] : [`${requests.aborted} broken off`]),
    ...(requests.dropped > 0 ? [`${requests.dropped} dropped`] : []),
    ...(summary.state === "completed" ? [] : [summary.state]),
  ];
  return parts.join(" · ");
}

function wholePart({ cellIndex, cellCount, done, failed, total, phase }: Progress): number {
  const within =
    phase === "load" || phase === "simulate" ? (done + failed) / (total || Infinity) : 0;
  return cellCount === 0 ? 0 : Math.min(1, (cellIndex + Math.min(1, within)) / cellCount);
}

const PHASES: Readonly<Record<Progress["phase"], string>> = {
  engine: "starting the engine",
  router: "starting the router",
  preflight: "preflight",
  settle: "settling",
  reset: "resetting caches",
  load: "load",
  simulate: "simulating",
};

function whereText({ cell, arm, cellIndex, cellCount, phase }: Progress): string {
  const parameters = describe(cell.parameters);
  const at = parameters === "" ? "" : `, ${parameters}`;
  return plain(
    `Cell ${cellIndex + 1} of ${cellCount}: ${arm}${at}, repeat ${cell.repeat + 1}: ${PHASES[phase]}`,
  );
}

function timeText({ elapsedS, etaS }: Progress): string {
  const left = etaS === undefined ? "" : `, about ${duration(etaS)} left`;
  return `${duration(elapsedS)}${left}`;
}

function numbersText(progress: Progress): string {
  const { done, total, inFlight, failed, ttftMsMean, outputTps } = progress;
  return [
    `${done + failed}${total === undefined ? "" : `/${total}`} requests ended`,
    `${failed} failed`,
    `${inFlight} in flight`,
    ...(ttftMsMean === undefined ? [] : [`TTFT ${figure(ttftMsMean)} ms`]),
    ...(outputTps === undefined ? [] : [`${figure(outputTps)} tok/s`]),
  ].join(", ");
}
