/** Traces: reading, analyzing and synthesizing a million rows, and a tenth of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "./row.ts";
import { traceFile } from "../simulation/trace-requests.ts";

export const name = "trace";

const BINARY = join(import.meta.dir, "../../dynbench");
const ROWS = 1_000_000;
const TENTH = ROWS / 10;

export async function run(): Promise<Row[]> {
  const source = traceFile("mooncake_conversation.jsonl");
  if (source === undefined) {
    return [{ what: "skipped: ../shared/data/traces is not here", value: 0, unit: "" }];
  }
  const folder = mkdtempSync(join(tmpdir(), "dynbench-trace-"));
  try {
    const synthesis = await both((rows) =>
      timed(["trace", "synthesize", source, `--num-requests=${rows}`, `--out=${folder}/${rows}`]),
    );
    const analysis = await both((rows) => timed(["trace", "analyze", `${folder}/${rows}`]));
    const conversion = await both((rows) =>
      timed(["trace", "convert", `${folder}/${rows}`, `--out=${folder}/again`]),
    );
    return [
      ...rowsOf("synthesize", synthesis),
      ...rowsOf("analyze", analysis),
      ...rowsOf("convert (reads and writes as a stream)", conversion),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Cost {
  readonly seconds: number;
  readonly peakMb: number;
}

async function both(
  measure: (rows: number) => Promise<Cost>,
): Promise<{ tenth: Cost; whole: Cost }> {
  return { tenth: await measure(TENTH), whole: await measure(ROWS) };
}

function rowsOf(what: string, { tenth, whole }: { tenth: Cost; whole: Cost }): Row[] {
  const label = `${what}, a million rows`;
  return [
    { what: `${label}: time`, value: whole.seconds, unit: "s" },
    { what: `${label}: peak memory`, value: whole.peakMb, unit: "MB" },
    {
      what: `${label}: time of a row beside that of 100,000`,
      value: whole.seconds / ROWS / (tenth.seconds / TENTH),
      unit: "x",
      must: 2,
    },
  ];
}

async function timed(args: readonly string[]): Promise<Cost> {
  const started = performance.now();
  const child = Bun.spawn([BINARY, ...args], { stdout: "ignore", stderr: "ignore" });
  const code = await child.exited;
  if (code !== 0) throw new Error(`dynbench ${args.join(" ")} ended with code ${code}`);
  return {
    seconds: (performance.now() - started) / 1000,
    peakMb: child.resourceUsage()!.maxRSS / 1e6,
  };
}
