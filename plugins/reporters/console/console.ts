/**
 * The terminal: progress on stderr while the run goes on (a live block on a TTY, else a plain line
 * every few seconds), results on stdout at its end. With `--json` stdout is left to the summary.
 */
import { defineReporter, v } from "dynbench";
import { finalText } from "./final.ts";
import { cellLine, liveBlock, progressLine } from "./progress.ts";
import { paintFor } from "../../shared/reporters/text.ts";

export const console = defineReporter({
  name: "console",
  summary: "progress and results in the terminal",
  options: v.strictObject({
    progressEveryS: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(3600)), 5),
      v.description("seconds between two progress lines where there is no terminal"),
    ),
  }),
  open: (options, plan, context) => {
    const { stderr, stdout } = context;
    const paint = paintFor(context.color);
    let drawnLines = 0;
    let nextMs = 0;
    const erase = (): void => {
      if (drawnLines > 0) stderr.write(`\x1b[${drawnLines}A\x1b[0J`);
      drawnLines = 0;
    };
    return {
      progress: (progress) => {
        if (stderr.isTTY) {
          const lines = liveBlock(progress, { columns: stderr.columns, paint });
          erase();
          stderr.write(`${lines.join("\n")}\n`);
          drawnLines = lines.length;
        } else if (performance.now() >= nextMs) {
          nextMs = performance.now() + options.progressEveryS * 1000;
          stderr.write(`${progressLine(progress)}\n`);
        }
      },
      cell: ({ summary }) => {
        erase();
        stderr.write(`${cellLine(summary)}\n`);
      },
      end: (run, failed) => {
        erase();
        if (!context.json)
          stdout.write(finalText(run, { plan, runDir: context.runDir, failed, paint }));
      },
    };
  },
});
