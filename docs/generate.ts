/**
 * `npm run docs`: writes the reference pages, and the marked blocks of the pages written by hand.
 * A test compares what it would write with what is there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUNDLED } from "../plugins/bundled.ts";
import { ROOMS } from "../test/layout/rooms.ts";
import { commandsReference } from "./commands-page.ts";
import { fillMarked } from "./markdown.ts";
import { pluginBlock, pluginPage, pluginsReference } from "./plugin-pages.ts";
import {
  exitCodesReference,
  metricsReference,
  optionsReference,
  runFolderReference,
  summaryReference,
} from "./reference-pages.ts";

const ROOT = join(import.meta.dir, "..");
const ARCHITECTURE = "docs/architecture.md";

/** Every page that is generated as a whole or in part, by its path, with the text that it should have. */
export function generatedPages(): ReadonlyMap<string, string> {
  const pages = new Map([
    ["docs/reference/commands.md", commandsReference()],
    ["docs/reference/options.md", optionsReference()],
    ["docs/reference/plugins.md", pluginsReference()],
    ["docs/reference/metrics.md", metricsReference()],
    ["docs/reference/exit-codes.md", exitCodesReference()],
    ["docs/reference/run-folder.md", runFolderReference()],
    ["docs/reference/summary-json.md", summaryReference()],
  ]);
  for (const path of new Set(BUNDLED.map(pluginPage))) {
    const page = readPage(path);
    if (page !== undefined) pages.set(path, fillMarked(page, pluginBlock));
  }
  const architecture = readPage(ARCHITECTURE);
  if (architecture !== undefined) pages.set(ARCHITECTURE, fillMarked(architecture, floors));
  return pages;
}

/** A line a floor with its rooms, from the top down. */
function floors(): string {
  const byFloor = Map.groupBy(ROOMS, ({ floor }) => floor);
  const lines = [...byFloor]
    .toSorted(([a], [b]) => b - a)
    .map(([floor, rooms]) => {
      const names = rooms.map(({ folder, pure }) => `${folder}${pure === true ? "*" : ""}`);
      return `${String(floor).padStart(2)}  ${names.join("  ")}`;
    });
  return ["```", ...lines, "```"].join("\n");
}

/** Undefined where there is none. */
export function readPage(path: string): string | undefined {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

if (import.meta.main) {
  for (const [path, text] of generatedPages()) {
    if (readPage(path) === text) continue;
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    console.log(`Wrote ${path}`);
  }
}
