/**
 * Makes a page's template when the program is bundled (or, from source, when a report is first
 * written). Called as a Bun macro: Bun refuses `Bun.build` inside a macro as a deadlock, so the
 * browser bundle comes from a separate `bun build` process.
 */
import { readFileSync } from "node:fs";

/** In the order of the cascade. */
const STYLES = ["page", "verdict", "charts", "tables", "screens"];

/** `page.html` with styles and the script of `entry` inlined; the place of the data is left open. */
export function bundlePage(entry: string): string {
  const path = (name: string): string => Bun.fileURLToPath(new URL(name, import.meta.url));
  const read = (name: string): string => readFileSync(name, "utf8");
  const build = Bun.spawnSync(
    [process.execPath, "build", path(entry), "--target=browser", "--format=iife", "--minify"],
    { env: { ...process.env, BUN_BE_BUN: "1" } },
  );
  if (!build.success) throw new Error(`Cannot bundle the report page: ${build.stderr.toString()}`);
  const script = build.stdout.toString().replaceAll("</script", "<\\/script");
  const sheets = [
    Bun.resolveSync("uplot/dist/uPlot.min.css", path(".")),
    ...STYLES.map((name) => path(`style/${name}.css`)),
  ];
  const style = sheets.map(read).join("");
  return read(path("page.html"))
    .replace("/* style */", () => style)
    .replace("/* script */", () => script);
}
