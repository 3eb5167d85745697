/**
 * The guide's published figure agrees with the simulation, number by number, and the page about it
 * shows the numbers of today's simulation.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { figureRows, figureTable, isNear, PUBLISHED } from "./published-figure.ts";

const PAGE = join(import.meta.dir, "../../docs/evidence/published-figure.md");

/** Without the padding of columns, which depends on the other points. */
const squeezed = (table: string): string[] =>
  table.split("\n").map((line) => line.replaceAll(/ +/g, " "));

describe.each(PUBLISHED)("at prefix ratio $ratio", (point) => {
  test("each published number is in the range of simulated runs, or within 15 % of their mean; the page shows them", async () => {
    const rows = await figureRows(point);
    expect(rows).toHaveLength(6);
    expect(rows.filter((row) => !isNear(row))).toEqual([]);
    const page = squeezed(readFileSync(PAGE, "utf8"));
    const shown = page.filter((line) => line.startsWith(`| ${point.ratio} |`));
    expect(shown).toEqual(squeezed(figureTable(rows)).slice(2));
  });
});
