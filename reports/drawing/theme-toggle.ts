/** Buttons for the page's theme; the system's own unless the reader chooses. */
import { chips } from "./dom.ts";

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
