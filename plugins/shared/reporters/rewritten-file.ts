/** A file of results that is rewritten while a run goes on: after cells, at most every few seconds. */
import { v } from "dynbench";
import type { CellResult, Plan, ReporterHandle, RunResult } from "dynbench/report";
import { claimFile } from "./atomic-write.ts";
import { partialRun } from "./partial-run.ts";
import { rewriting } from "./rewriting.ts";

/** `what`: the file in a word, for the help. */
export function rewrittenFileOptions(path: string, what: string) {
  return v.strictObject({
    path: v.pipe(
      v.optional(v.pipe(v.string(), v.nonEmpty("must name a file")), path),
      v.description("file to write, relative to the run folder"),
    ),
    rewriteEveryS: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(3600)), 5),
      v.description(
        `least seconds between two versions of the ${what} while the run goes on; 0 for one after each cell`,
      ),
    ),
  });
}

/** Claims the file at once; throws where it cannot be written. */
export async function openRewritten(
  { path, rewriteEveryS }: { readonly path: string; readonly rewriteEveryS: number },
  plan: Plan,
  on: { readonly runDir: string; textOf(run: RunResult): string | Promise<string> },
): Promise<ReporterHandle> {
  const file = await claimFile(on.runDir, path);
  const startedAt = new Date().toISOString();
  const cells: CellResult[] = [];
  let nextMs = 0;
  const write = async (): Promise<void> => {
    await file.write(await on.textOf(partialRun(plan, cells, startedAt)));
    nextMs = performance.now() + rewriteEveryS * 1000;
  };
  const mayWrite = rewriting();
  return {
    cell: async (result) => {
      cells.push(result);
      if (performance.now() < nextMs) return;
      await (rewriteEveryS === 0 ? write() : mayWrite(write));
    },
    end: async (run) => file.write(await on.textOf(run)),
  };
}
