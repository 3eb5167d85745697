/** Requests of a Mooncake trace file, and the paths of the public traces where they are beside the checkout. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContentSegment, RequestSpec } from "dynbench";

/** Tokens that one hash id of the trace stands for. */
const TRACE_BLOCK = 512;

/** Path of a public trace beside the checkout; undefined where there is none. */
export function traceFile(name: string): string | undefined {
  const path = join(import.meta.dir, "../../../shared/data/traces", name);
  return existsSync(path) ? path : undefined;
}

/** Requests of trace rows; `arrivalSpeedup` divides their times. */
export function traceRequests(path: string, arrivalSpeedup = 1): RequestSpec[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line, index) => {
    const row = JSON.parse(line) as TraceRow;
    const prompt = row.hash_ids.map((content, i): ContentSegment => {
      const left = row.input_length - i * TRACE_BLOCK;
      return { content, tokens: Math.min(TRACE_BLOCK, left) };
    });
    return {
      index,
      prompt,
      isl: row.input_length,
      osl: row.output_length,
      atNs: Math.round((row.timestamp * 1e6) / arrivalSpeedup),
    };
  });
}

interface TraceRow {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}
