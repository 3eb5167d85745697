/** The page's theme: its buttons, and its colours as charts read them from the style sheet. */
import { chips } from "./dom.ts";

export interface Theme {
  ink: string;
  muted: string;
  grid: string;
  panel: string;
  accent: string;
  /** One per arm, repeated after twelve. */
  arms: string[];
}

export const ARM_COLOURS = 12;

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const dark = isDark(style.colorScheme);
  const read = (name: string): string => {
    const value = style.getPropertyValue(name).trim();
    const pair = /^light-dark\((#\w+),\s*(#\w+)\)$/.exec(value);
    return pair ? pair[dark ? 2 : 1]! : value;
  };
  return {
    ink: read("--ink"),
    muted: read("--muted"),
    grid: read("--grid"),
    panel: read("--panel"),
    accent: read("--accent"),
    arms: Array.from({ length: ARM_COLOURS }, (_, i) => read(`--arm-${i}`)),
  };
}

/** `colorScheme` as computed: one scheme where the page or print forces it, else the reader's. */
function isDark(colorScheme: string): boolean {
  if (colorScheme === "dark" || colorScheme === "light") return colorScheme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function armColour(theme: Theme, arm: number): string {
  return theme.arms[arm % ARM_COLOURS]!;
}

/** From `#rrggbb` to `#rrggbb`; `part` 0 gives the first. */
export function mix(from: string, to: string, part: number): string {
  const channel = (at: number): string => {
    const [a, b] = [from, to].map((colour) => Number.parseInt(colour.slice(at, at + 2), 16));
    return Math.round(a! + (b! - a!) * part)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** Black or white, whichever is more readable on the colour (WCAG relative luminance). */
export function readableOn(colour: string): string {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.3 ? "#16181c" : "#ffffff";
}

/** Buttons that choose the theme; the system's own unless the reader chooses. */
export function themeToggle(): HTMLElement {
  const themes = ["Auto", "Light", "Dark"];
  const root = document.documentElement;
  return chips(themes, {
    label: "Theme",
    chosen: 0,
    choose: (index) => {
      if (index === 0) delete root.dataset["theme"];
      else root.dataset["theme"] = themes[index]!.toLowerCase();
      root.dispatchEvent(new Event("themechange"));
    },
  });
}

/** Font of the page's text. */
export const FONT =
  'Inter, "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif';
