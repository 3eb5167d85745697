/**
 * `npm run bench [NAME…]`: every bench of this folder, one after the other. Figures hold for this
 * machine at this hour. Bounds are printed beside the figures, and a missed bound ends with exit code 1.
 */
import { join } from "node:path";
import type { Row } from "./row.ts";

const wanted = process.argv.slice(2);
const files = [...new Bun.Glob("*.bench.ts").scanSync(import.meta.dir)]
  .toSorted()
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)));

let missed = 0;
for (const file of files) {
  const bench = (await import(join(import.meta.dir, file))) as {
    name: string;
    run(): Promise<Row[]>;
  };
  console.log(`\n${bench.name}`);
  for (const row of await bench.run()) {
    const isRate = row.unit.endsWith("/s");
    const holds = (bound: number): boolean => (isRate ? row.value >= bound : row.value <= bound);
    const bounds = [
      ...(row.must === undefined
        ? []
        : [
            `must ${row.must.toLocaleString("en", { maximumSignificantDigits: 4 })}${holds(row.must) ? "" : " MISSED"}`,
          ]),
      ...(row.goal === undefined ? [] : [`goal ${row.goal}${holds(row.goal) ? " met" : ""}`]),
      ...(row.note === undefined ? [] : [row.note]),
    ];
    if (row.must !== undefined && !holds(row.must)) missed += 1;
    const value = row.value.toLocaleString("en", { maximumSignificantDigits: 4 });
    console.log(
      `  ${row.what.padEnd(70)} ${value.padStart(10)} ${row.unit.padEnd(12)} ${bounds.join(", ")}`,
    );
  }
}
process.exit(missed === 0 ? 0 : 1);
