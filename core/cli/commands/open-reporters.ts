/** The reporters of a run, opened, and the exit code of its verdict: for `run` and `report`. */
import type { Environment } from "../options/environment.ts";
import { startLog, wantsColor } from "../text/log.ts";
import { EXIT_CODES } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Reporter, ReporterContext } from "../../contract/reporter.ts";
import type { Summary } from "../../contract/result.ts";
import type { OpenReporter } from "../../run/all-reporters.ts";

/** A failed load, a run not to be trusted, or neither. */
export function exitCodeOf(summary: Summary): number {
  const { state } = summary.verdict;
  if (state === "failed") return EXIT_CODES.load.code;
  return state === "untrusted" ? EXIT_CODES.untrusted.code : EXIT_CODES.ok.code;
}

export function reporterContext(runDir: string, json: boolean): ReporterContext {
  const sink = (stream: NodeJS.WriteStream) => ({
    write: (text: string) => void stream.write(text),
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 100,
  });
  return {
    runDir,
    log: startLog({ debug: false }),
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    color: wantsColor(process.stdout),
    json,
  };
}

/** Opens every reporter of the plan: a path that cannot be written fails here, before anything starts. */
export async function openReporters(
  { plan, storable }: { plan: Plan; storable: Plan },
  context: ReporterContext,
  { plugins }: Environment,
): Promise<OpenReporter[]> {
  const reporters: OpenReporter[] = [];
  for (const use of plan.reporters) {
    const reporter = (await plugins.load(use)) as Reporter;
    const handle = await reporter.open(use.options, storable, context);
    reporters.push({ name: use.name, handle });
  }
  return reporters;
}
