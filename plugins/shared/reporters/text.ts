/** Words, widths and colours of the terminal reporter. */
import { stripVTControlCharacters } from "node:util";
import { shortNames, type CellSummary } from "dynbench/report";

/** The widest line that results may have. */
export const WIDTH = 100;

export type Colour = "bold" | "dim" | "red" | "green" | "yellow";
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export function paintFor(color: boolean): Paint {
  return (colour, text) => (color ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text);
}

/** Three significant digits below a thousand, separators above. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/**
 * A column of figures with equal decimals, so that digits stand under each other: three digits of the
 * smallest, as long as the largest does not get more than four.
 */
export function figures(values: readonly (number | undefined)[]): string[] {
  const isKnown = (value: number | undefined): value is number =>
    value !== undefined && Number.isFinite(value);
  const sizes = values.filter(isKnown).map(Math.abs).filter(Boolean);
  const order = (size: number): number => Math.floor(Math.log10(size));
  const wanted = 2 - order(Math.min(...sizes));
  const allowed = 3 - order(Math.max(...sizes));
  const decimals =
    sizes.length === 0 ? 0 : Math.min(MAX_DECIMALS, Math.max(0, Math.min(wanted, allowed)));
  const form = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return values.map((value) => (isKnown(value) ? value.toLocaleString("en-US", form) : "–"));
}

const MAX_DECIMALS = 3;

export function percent(share: number | undefined): string {
  return share === undefined || !Number.isFinite(share) ? "–" : `${Math.round(share * 100)} %`;
}

/** `prefixRatio 0.5, concurrency 8`; empty when nothing was swept. */
export function describe(parameters: CellSummary["parameters"]): string {
  return Object.entries(parameters)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}

/** `1h 02m`, `3m 05s`, `12s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m ${two(whole % 60)}s` : `${whole}s`;
}

/** One line without colours and control characters: servers and labels must not steer the terminal. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ")
    .trim();
}

/** At most `width` columns, cut at the end. */
export function clip(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Names of one column, each at most `width` columns wide and still different from the others. */
export function clipNames(names: readonly string[], width: number): string[] {
  return shortNames(names, width, Bun.stringWidth);
}

/** Breaks at spaces into lines of at most `WIDTH`, all but the first behind `indent`. */
export function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    const room = WIDTH - (lines.length > 0 ? indent.length : 0);
    if (line !== "" && Bun.stringWidth(longer) > room) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines.map((part, i) => (i === 0 ? part : `${indent}${part}`));
}

export function pad(text: string, width: number, side: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
  return side === "left" ? `${text}${space}` : `${space}${text}`;
}
