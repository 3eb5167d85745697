/** `dynbench run`. */
import { availableParallelism } from "node:os";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { columnsOf, faultText } from "../text/fault-text.ts";
import { startLog } from "../text/log.ts";
import { openReporters, exitCodeOf, reporterContext } from "./open-reporters.ts";
import { checkHeaders, planFromArguments, warnOfShownSecrets } from "./plan-from-arguments.ts";
import { settledPlan } from "./settled-plan.ts";
import { epochMs } from "../../system/clock.ts";
import { onInterrupt } from "./stop-signals.ts";
import { EXIT_CODES, PlanFaults } from "../../base/errors.ts";
import { maskWords } from "../../plan/secret-words.ts";
import { maskPlan, secretOptions } from "../../plan/secrets.ts";
import { surveyForRun } from "../../plan/survey.ts";
import type { Plan, PlannedArm } from "../../contract/plan.ts";
import { openFileLimit } from "../../process/file-limit.ts";
import { mustReachItself } from "../../process/loopback.ts";
import { hostFaults, hostNotes } from "../../run/setup/host-faults.ts";
import { mustFind } from "../../run/setup/must-find.ts";
import { holdStdin, withStdinAt } from "../../run/folder/input-files.ts";
import { defaultRunPath, RunFolder } from "../../run/folder/run-folder.ts";

/** Returns the exit code. */
export async function run(line: CommandLine, environment: Environment): Promise<number> {
  const planned = await planFromArguments("run", line, environment);
  if (!planned) return EXIT_CODES.ok.code;
  const { resumed } = planned;
  const { plugins } = environment;
  checkHeaders(planned.plan);
  const log = startLog({ debug: false });
  warnOfShownSecrets(line, log);
  using held = resumed ? undefined : await holdStdin(planned.plan, plugins, log.info);
  const stdin = held?.path ?? resumed?.stdinFile;
  const { plan, runnable: surveyed } = await settledPlan(planned, { plugins, stdin, log });
  const interrupt = new AbortController();
  const survey = await surveyForRun(surveyed, plugins, interrupt.signal);
  const host = { fileLimit: openFileLimit(), env: process.env };
  const refused = [...survey.faults, ...hostFaults(plan, plugins, host)];
  if (refused.length > 0) throw new PlanFaults(refused);
  if (plan.clock === "wall") await mustReachItself(plan.host);

  const outcomes = resumed?.readOutcomes() ?? [];
  const finished = outcomes.filter(({ state }) => state === "completed");
  if (plan.clock === "wall") await mustFind(openArms(plan, finished), plugins);

  const folder =
    resumed ??
    RunFolder.create(planned.out ?? defaultRunPath(plan.cells[0]!.workload.name, epochMs()));
  const kept = await held?.keepIn(folder);
  if (kept !== undefined) log.info(`standard input is kept in ${kept}`);
  const runnable = kept === undefined ? surveyed : await withStdinAt(plan, kept, plugins);
  const storable = maskPlan(plan, secretOptions(plugins));
  if (!resumed) folder.writeJson("plan.json", storable);
  const context = reporterContext(folder.path, planned.json);
  for (const note of survey.notes) log.info(`workload: ${note}`);
  for (const note of hostNotes(plan, plugins, host)) log.info(note);
  const reporters = await openReporters({ plan: runnable, storable }, context, environment);

  using _ = onInterrupt(interrupt, "Stopping; all measurements so far are kept.");
  const { executePlan } = await import("../../run/run.ts");
  const { result, fault, unwritten } = await executePlan(runnable, {
    storable,
    plugins,
    self: environment.self,
    folder,
    log: context.log,
    survey,
    signal: interrupt.signal,
    reporters,
    jobs: planned.jobs ?? availableParallelism(),
    isResumed: resumed !== undefined,
    finished,
    command: `dynbench run ${maskWords(line.typed).map(shellWord).join(" ")}`.trim(),
  });
  if (fault !== undefined) {
    const { text, exitCode } = faultText(fault, {
      debug: line.debug,
      plugins,
      isRunning: true,
      columns: columnsOf(process.stderr),
    });
    context.stderr.write(text);
    return exitCode;
  }
  return unwritten.length > 0 ? EXIT_CODES.load.code : exitCodeOf(result.summary);
}

/** The arms of the cells that are not finished. */
function openArms({ arms, cells }: Plan, finished: readonly { id: string }[]): PlannedArm[] {
  const done = new Set(finished.map(({ id }) => id));
  const open = new Set(cells.filter(({ id }) => !done.has(id)).map(({ arm }) => arm));
  return arms.filter((_, i) => open.has(i));
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
