/** All reporters of a run as one: each hears everything, and one that throws takes no other with it. */
import { messageOf } from "../errors.ts";
import type { Logger, ReporterHandle } from "../plugin.ts";

/** Faults are told in the log: a figure that cannot be drawn is no reason to stop measuring. */
export function allReporters(
  reporters: readonly ReporterHandle[],
  log: Logger,
): Required<ReporterHandle> {
  const each = async (tell: (reporter: ReporterHandle) => unknown): Promise<void> => {
    for (const reporter of reporters) {
      try {
        await tell(reporter);
      } catch (error) {
        log.error(messageOf(error));
      }
    }
  };
  return {
    progress: (progress) => {
      for (const reporter of reporters) {
        try {
          reporter.progress?.(progress);
        } catch (error) {
          log.debug(messageOf(error)); // four times a second: once is too often for the log
        }
      }
    },
    cell: (result) => each((reporter) => reporter.cell?.(result)),
    end: (run) => each((reporter) => reporter.end?.(run)),
  };
}
