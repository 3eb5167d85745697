/** All reporters of a run as one: each gets everything, and one that throws takes no other with it. */
import { messageOf } from "../base/errors.ts";
import type { CellResult, Progress, RunResult } from "../contract/result.ts";
import type { Logger } from "../contract/processes.ts";
import type { ReporterHandle } from "../contract/reporter.ts";

export interface OpenReporter {
  readonly name: string;
  readonly handle: ReporterHandle;
}

export interface AllReporters {
  progress(progress: Progress): void;
  cell(result: CellResult): Promise<void>;
  /** Returns the names of those that failed; each reporter gets the names of those before it. */
  end(run: RunResult): Promise<readonly string[]>;
}

/** Faults go to the log: a figure that cannot be drawn is no reason to stop measuring. */
export function allReporters(reporters: readonly OpenReporter[], log: Logger): AllReporters {
  const each = async (
    call: (reporter: ReporterHandle, failed: readonly string[]) => unknown,
  ): Promise<readonly string[]> => {
    const failed: string[] = [];
    for (const { name, handle } of reporters) {
      try {
        await call(handle, failed);
      } catch (error) {
        log.error(messageOf(error));
        failed.push(name);
      }
    }
    return failed;
  };
  return {
    progress: (progress) => {
      for (const { handle } of reporters) {
        try {
          handle.progress?.(progress);
        } catch (error) {
          log.debug(messageOf(error)); // four times a second: once is too often for the log
        }
      }
    },
    cell: async (result) => void (await each((reporter) => reporter.cell?.(result))),
    end: (run) => each((reporter, failed) => reporter.end?.(run, failed)),
  };
}
