/** What `run`, `plan` and `up` share: command line, config files and saved plans → a plan. */
import { loadPlugins, pluginOptions } from "../options/added-plugins.ts";
import type { CommandLine } from "../options/command-line.ts";
import { readConfig } from "../options/config-file.ts";
import { judgeRun, loadFaults } from "../options/option-groups.ts";
import type { Environment } from "../options/environment.ts";
import { runHelp } from "../text/help.ts";
import { savedPlan } from "./saved-plan.ts";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Logger } from "../../contract/processes.ts";
import { buildPlan } from "../../plan/build.ts";
import type { RawOption } from "../../plan/raw-option.ts";
import { maskWords } from "../../plan/secret-words.ts";
import { wireHeaders } from "../../wire/http/wire-headers.ts";
import { RunFolder } from "../../run/folder/run-folder.ts";

export interface Planned {
  readonly plan: Plan;
  readonly out: string | undefined;
  /** Where the router of `dynbench up` listens; any free port when left out. */
  readonly port?: number | undefined;
  /** The folder of the run that is resumed. */
  readonly resumed?: RunFolder;
  /** Cells simulated at once; as many as there are cores when left out. */
  readonly jobs: number | undefined;
  readonly json: boolean;
  /** What the plan was made of, config files first; left out for a saved plan. */
  readonly options?: readonly RawOption[];
}

/** Undefined when help was asked for and printed. Throws `PlanFaults` and `DynbenchError`s. */
export async function planFromArguments(
  command: string,
  line: CommandLine,
  { plugins }: Environment,
): Promise<Planned | undefined> {
  const paths = line.flags.flatMap(({ name, value }) =>
    name === "config" && value !== undefined ? [value] : [],
  );
  const configs = paths.map(readConfig);
  const fromConfig = configs.flatMap((config) => ("options" in config ? config.options : []));
  await loadPlugins(plugins, pluginOptions(line, fromConfig));

  const read = judgeRun(line.tokens, plugins, fromConfig);
  if (line.wantsHelp) {
    process.stdout.write(runHelp(command, plugins, read.chosen));
    return undefined;
  }
  const options = [...fromConfig, ...read.options];
  const faults = [
    ...read.faults,
    ...read.words.map(strayWord),
    ...(command === "up" ? loadFaults(read.options, plugins) : []),
  ];
  const { engineArgs } = line;
  const beside = { options: read.options, engineArgs };
  const resume = read.options.findLast(({ name }) => /^(run\.)?resume$/.test(name))?.value;
  if (resume !== undefined) {
    const resumed = RunFolder.open(String(resume));
    const file = { value: resumed.storedPlan(), name: resumed.file("plan.json") };
    const read = await savedPlan(file, { ...beside, plugins }, faults);
    return { ...read, resumed, out: undefined };
  }
  const saved = configs.find((config) => "plan" in config);
  if (saved) {
    return savedPlan({ value: saved.plan, name: saved.path }, { ...beside, plugins }, faults);
  }
  const { plan, run } = buildPlan({ options, engineArgs, faults }, plugins);
  if (run.resume !== undefined) {
    throw new PlanFaults([{ path: "run.resume", message: "must be a flag of the command line" }]);
  }
  if (run.port !== undefined && command !== "up") {
    const message = `has no meaning for dynbench ${command}: a run takes whatever ports are free`;
    const hint = "Leave it out; dynbench up is what others connect to";
    throw new PlanFaults([{ path: "run.port", message, hint }]);
  }
  return { plan, out: run.out, port: run.port, jobs: run.jobs, json: run.json, options };
}

function strayWord(word: string): Fault {
  return {
    path: word,
    message: "is not an option",
    hint: "Options start with --, a list has commas (1,8,64), arguments for the engine come after a lone --",
  };
}

/** A secret that was typed is on the screen of everyone who asks for the processes of this machine. */
export function warnOfShownSecrets({ typed }: CommandLine, log: Logger): void {
  const own = typed.includes("--") ? typed.slice(0, typed.indexOf("--")) : typed;
  if (maskWords(own).every((word, i) => word === own[i])) return;
  log.warn(
    "The command line holds a secret, and ps shows it to all users of this machine. " +
      "--header-env NAME=VARIABLE and --header NAME=@FILE keep it out",
  );
}

/** Before anything starts: without its token every request would fail. */
export function checkHeaders({ wire }: Plan): void {
  void wireHeaders(wire, process.env);
}
