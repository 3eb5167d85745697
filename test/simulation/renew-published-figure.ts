/** `bun test/simulation/renew-published-figure.ts`: simulates again, and renews the table of the page. */
import { join } from "node:path";
import { figureRows, figureTable, PUBLISHED } from "./published-figure.ts";

const page = Bun.file(join(import.meta.dir, "../../docs/evidence/published-figure.md"));
const rows = (await Promise.all(PUBLISHED.map(figureRows))).flat();
const text = await page.text();
await page.write(text.replace(/^\| ratio [^]*?\n\n/m, `${figureTable(rows)}\n\n`));
