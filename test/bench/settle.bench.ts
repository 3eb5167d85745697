/**
 * What the first cell after a start pays, with and without the settling load: two arms of the same
 * rule, live, each first in half of the runs. The figures are ratios of mean TTFT, first cell to the
 * other arm's cell on the same requests, and hold when nothing else runs.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import type { Row } from "./row.ts";

const BINARY = join(import.meta.dir, "../../dynbench");
const RUNS = 6;
/** A start may cost the first cell so much after settling: what two warm cells differ by. */
const MOST_PERCENT = 1;
const TWIN = `
import { defineRouter, v } from "dynbench";
export default defineRouter({
  name: "twin",
  summary: "Each worker in turn",
  plane: "http",
  options: v.strictObject({}),
  traits: () => ({ accepts: ["ids"], affinity: false, spreads: true, kvEvents: false }),
  policy: () => {
    let next = 0;
    return {
      reads: [],
      pick: (_request, { eligible }) => eligible[next++ % eligible.length]!,
      reset: () => void (next = 0),
    };
  },
});
`;
const SHAPE = [
  ...["--engine", "mocker", "--speedup", "10", "--workload", "prefix", "--prefix-ratio", "0.1"],
  ...["--requests", "40", "--json"],
];

export const name = "settling";

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-bench-"));
  try {
    writeFileSync(join(folder, "twin.ts"), TWIN);
    const rows: Row[] = [];
    for (const settle of ["off", "on"]) {
      const percents: number[] = [];
      for (let i = 0; i < RUNS; i += 1) percents.push(await penaltyPercent(folder, settle, i));
      const sorted = percents.toSorted((a, b) => a - b);
      rows.push({
        what: `first cell against the second, --settle ${settle}`,
        value: (sorted[RUNS / 2 - 1]! + sorted[RUNS / 2]!) / 2,
        unit: "% TTFT",
        ...(settle === "on" ? { must: MOST_PERCENT } : {}),
        note: `each run: ${percents.map((percent) => percent.toFixed(1)).join(", ")}`,
      });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Both cells have a fresh gateway, and the first one fresh workers. */
async function penaltyPercent(folder: string, settle: string, i: number): Promise<number> {
  const routers = i % 2 === 0 ? "round-robin,twin" : "twin,round-robin";
  const line = ["run", ...SHAPE, "--router", routers, "--settle", settle, "--seed", `${i}`];
  const out = join(folder, `${settle}-${i}`);
  const command = [BINARY, ...line, "--plugin", join(folder, "twin.ts"), "--out", out];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  const { cells } = JSON.parse(await child.stdout.text()) as Summary;
  await child.exited;
  const [first, second] = cells.map(({ metrics }) => metrics.ttftMs!.mean);
  return 100 * (first! / second! - 1);
}
