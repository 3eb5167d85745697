/** A finished run for tests of reporters: made up, the same every time. */
import type { RunResult } from "dynbench/report";
import { generateRun, GUIDE_SHAPE } from "../fixtures/results/generate-run.ts";

/** Two cells of each arm, at prefix ratios 0.1 and 0.9. */
export function sampleRun(arms: readonly string[] = ["round-robin", "kv"]): RunResult {
  const shape = { ...GUIDE_SHAPE, ratios: [0.1, 0.9], repeats: 1, requests: 30 };
  return generateRun({ ...shape, arms: arms.map((label) => ({ label, reached: 0.8 })) });
}
