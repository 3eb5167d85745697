/** Progress in one line: rewritten on a terminal, else a new one every few seconds. */
import { monotonicNs } from "../../system/clock.ts";

const LINE_EVERY_S = 5;
const REDRAW_EVERY_S = 0.25;

export interface ProgressLines extends Disposable {
  /** Shown if it is time for another. */
  show(line: string): void;
  /** The line goes, so that results stand alone. */
  end(): void;
}

export function progressLines(stream: {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}): ProgressLines {
  const isTerminal = stream.isTTY === true;
  const every = isTerminal ? REDRAW_EVERY_S : LINE_EVERY_S;
  let last = -Infinity;
  const clear = (): void => void (isTerminal && stream.write("\r\x1b[K"));
  return {
    show: (line) => {
      const nowS = monotonicNs() / 1e9;
      if (nowS - last < every) return;
      last = nowS;
      clear();
      stream.write(isTerminal ? line.slice(0, (stream.columns ?? 100) - 1) : `${line}\n`);
    },
    end: clear,
    [Symbol.dispose]: clear,
  };
}
