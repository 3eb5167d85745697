/** What `run`, `plan` and `up` share: argv, config and saved plans → a plan. */
import { loadPlugins, type PluginOptions } from "../options/added-plugins.ts";
import type { Arguments } from "../options/arguments.ts";
import { parseArguments, valuesOf } from "../options/arguments.ts";
import { readConfig } from "../options/config-file.ts";
import { runHelp } from "../text/help.ts";
import { chosenPlugins, loadFaults } from "../options/option-groups.ts";
import type { Environment } from "../options/environment.ts";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import { buildPlan } from "../../plan/build.ts";
import { optionSpecs } from "../../plan/option-spec.ts";
import type { Plan } from "../../contract/plan.ts";
import type { RawOption } from "../../plan/raw-option.ts";
import { LoadOptions, RunOptions } from "../../plan/run-options.ts";
import { PlaneOptions } from "../../plan/plane-options.ts";
import { SimOptions } from "../../plan/sim-options.ts";
import { withSecrets } from "../../plan/secrets.ts";
import { parseHeaders } from "../../plan/wire.ts";
import { RunFolder } from "../../run/folder/run-folder.ts";

export interface Planned {
  readonly plan: Plan;
  readonly out: string | undefined;
  /** Where the router of `dynbench up` listens; any free port when left out. */
  readonly port?: number | undefined;
  /** The folder of the run that is gone on with. */
  readonly resumed: RunFolder | undefined;
  readonly json: boolean;
}

/** Undefined when help was asked for and printed. Throws `PlanFaults` and `DynbenchError`s. */
export async function planFromArguments(
  command: string,
  argv: readonly string[],
  { plugins }: Environment,
): Promise<Planned | undefined> {
  const configs = valuesOf(argv, "config").map(readConfig);
  const fromConfig = configs.flatMap((config) => ("options" in config ? config.options : []));
  await loadPlugins(plugins, pluginOptions(argv, fromConfig));

  const specs = [
    ...optionSpecs(RunOptions),
    ...optionSpecs(LoadOptions),
    ...optionSpecs(SimOptions),
    ...optionSpecs(PlaneOptions),
    ...plugins.all.flatMap(({ plugin }) => optionSpecs(plugin.options)),
  ];
  const parsed = parseArguments(argv, specs);
  const options = [...fromConfig, ...parsed.options];
  if (parsed.wantsHelp) {
    process.stdout.write(runHelp(command, plugins, chosenPlugins(options, plugins)));
    return undefined;
  }
  const faults = [
    ...parsed.faults,
    ...parsed.positionals.map(strayWord),
    ...(command === "up" ? loadFaults(parsed.options, plugins) : []),
  ];
  const resume = lastText(parsed.options, "resume");
  const saved = configs.find((config) => "plan" in config);
  if (resume !== undefined) {
    const resumed = RunFolder.open(resume);
    return { ...savedPlan(resumed.readPlan(), parsed, faults), resumed, out: undefined };
  }
  if (saved && "plan" in saved) return savedPlan(saved.plan, parsed, faults);
  const built = buildPlan({ options, engineArgs: parsed.engineArgs, faults }, plugins);
  const { out, json, port, resume: elsewhere } = built.run;
  if (elsewhere !== undefined) {
    throw new PlanFaults([{ path: "run.resume", message: "must be a flag of the command line" }]);
  }
  if (port !== undefined && command !== "up") throw new PlanFaults([portFault(command)]);
  return { plan: built.plan, out, port, resumed: undefined, json };
}

function portFault(command: string): Fault {
  return {
    path: "run.port",
    message: `has no meaning for dynbench ${command}: a run takes whatever ports are free`,
    hint: "Leave it out; dynbench up is what others connect to",
  };
}

/** Read before everything else: plugins decide what flags there are. Their faults are told later. */
function pluginOptions(argv: readonly string[], fromConfig: readonly RawOption[]): PluginOptions {
  const own = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  const valuesIn = (...names: string[]): unknown[] => [
    ...fromConfig
      .filter(({ name }) => names.includes(name.replace(/^run\./, "")))
      .flatMap(({ value }) => [value].flat()),
    ...names.flatMap((name) => valuesOf(own, name)),
  ];
  const folder = valuesIn("plugin-folder", "pluginFolder").at(-1);
  const none = valuesIn("no-plugins", "noPlugins").at(-1);
  return {
    plugin: valuesIn("plugin").map(String),
    pluginFolder: folder === undefined ? undefined : String(folder),
    noPlugins: own.includes("--no-plugins") || String(none) === "true",
  };
}

function strayWord(word: string): Fault {
  return {
    path: word,
    message: "is not an option",
    hint: "Options start with --; arguments for the engine come after a lone --",
  };
}

/** What may stand beside a saved plan: where results go, and secrets that it does not hold. */
const BESIDE_A_PLAN = new Set([
  ...[
    "config",
    "plugin",
    "plugin-folder",
    "no-plugins",
    "out",
    "output-dir",
    "outputDir",
    "resume",
    "json",
    "header",
  ],
]);

/** A saved plan runs unchanged. */
function savedPlan(plan: Plan, parsed: Arguments, before: readonly Fault[]): Planned {
  const faults = [...before];
  const bare = (name: string): string => name.replace(/^run\./, "");
  for (const { name, origin } of parsed.options) {
    if (BESIDE_A_PLAN.has(bare(name))) continue;
    faults.push({
      path: origin,
      message: "cannot change a saved plan",
      hint: "Leave it out, or make a new plan with it",
    });
  }
  const typed = parsed.options.filter(({ name }) => bare(name) === "header");
  const headers = parseHeaders(
    typed.map(({ value }) => String(value)),
    faults,
  );
  const complete = withSecrets(plan, { headers, engineArgs: parsed.engineArgs }, faults);
  if (faults.length > 0) throw new PlanFaults(faults);
  return {
    plan: complete,
    out: lastText(parsed.options, "out", "output-dir", "outputDir"),
    resumed: undefined,
    json: parsed.options.findLast(({ name }) => bare(name) === "json")?.value === true,
  };
}

function lastText(options: readonly RawOption[], ...names: string[]): string | undefined {
  const value = options.findLast(({ name }) => names.includes(name.replace(/^run\./, "")))?.value;
  return value === undefined ? undefined : String(value);
}

/** Before anything starts: a bearer token that is not there is found out by every request else. */
export function checkApiKey({ wire: { apiKeyEnv } }: Plan): void {
  if (apiKeyEnv === undefined || process.env[apiKeyEnv]) return;
  const message = `environment variable "${apiKeyEnv}" is not set`;
  throw new PlanFaults([{ path: "run.api-key-env", message, hint: "Set it, or leave it out" }]);
}
