/** What `run`, `plan` and `up` share: argv and config → a plan. */
import type { Arguments } from "./arguments.ts";
import { parseArguments, valuesOf } from "./arguments.ts";
import { readConfig } from "./config-file.ts";
import { runHelp } from "./help.ts";
import type { Environment } from "./environment.ts";
import { PlanFaults } from "../errors.ts";
import { buildPlan } from "../plan/build.ts";
import { optionSpecs } from "../plan/option-spec.ts";
import type { Plan } from "../plan/plan.ts";
import type { RawOption } from "../plan/raw-option.ts";
import { LoadOptions, RunOptions } from "../plan/run-options.ts";
import { parseArmSpecs } from "../plan/arms.ts";
import type { AnyPlugin } from "../plugin.ts";

export interface Planned {
  readonly plan: Plan;
  readonly out: string | undefined;
  readonly resume: string | undefined;
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
  const pluginFiles = [
    ...fromConfig
      .filter(({ name }) => name === "plugin")
      .flatMap(({ value }) => [value].flat().map(String)),
    ...valuesOf(argv, "plugin"),
  ];
  for (const file of new Set(pluginFiles)) await plugins.addFile(file);

  const specs = [
    ...optionSpecs(RunOptions),
    ...optionSpecs(LoadOptions),
    ...plugins.all.flatMap(({ plugin }) => optionSpecs(plugin.options)),
  ];
  const parsed = parseArguments(argv, specs);
  if (parsed.wantsHelp) {
    process.stdout.write(runHelp(command, plugins, chosenPlugins(parsed, fromConfig, plugins)));
    return undefined;
  }
  if (parsed.positionals.length > 0) {
    throw new PlanFaults(
      parsed.positionals.map((word) => ({
        path: word,
        message: "is not an option",
        hint: `Options start with --; arguments for the engine come after a lone --`,
      })),
    );
  }
  const saved = configs.find((config) => "plan" in config);
  if (saved && "plan" in saved) return savedPlan(saved.plan, parsed);
  const built = buildPlan(
    { options: [...fromConfig, ...parsed.options], engineArgs: parsed.engineArgs },
    plugins,
  );
  const { out, resume, json } = built.run;
  return { plan: built.plan, out, resume, json };
}

/** A saved plan runs unchanged: only where results go may be said beside it. */
function savedPlan(plan: Plan, { options }: Arguments): Planned {
  const where = new Set(["config", "plugin", "out", "output-dir", "resume", "json"]);
  const others = options.filter(({ name }) => !where.has(name));
  if (others.length > 0) {
    throw new PlanFaults(
      others.map(({ origin }) => ({
        path: origin,
        message: "cannot change a saved plan",
        hint: "Leave it out, or make a new plan with it",
      })),
    );
  }
  const value = (...names: string[]): unknown =>
    options.findLast(({ name }) => names.includes(name))?.value;
  const text = (given: unknown): string | undefined =>
    given === undefined ? undefined : String(given);
  return {
    plan,
    out: text(value("out", "output-dir")),
    resume: text(value("resume")),
    json: value("json") === true,
  };
}

function chosenPlugins(
  parsed: Arguments,
  fromConfig: readonly RawOption[],
  plugins: Environment["plugins"],
): AnyPlugin[] {
  const defaults = { engine: "mocker", router: "kv", workload: "prefix" } as const;
  return (["engine", "router", "workload"] as const).flatMap((kind) => {
    const typed = [...fromConfig, ...parsed.options]
      .filter(({ name }) => name === kind)
      .flatMap(({ value }) => [value].flat().map(String));
    const specs = parseArmSpecs(kind, typed.length > 0 ? typed : [defaults[kind]]);
    return [...new Set(specs.map(({ name }) => plugins.find(kind, name)?.plugin))].filter(
      (plugin) => plugin !== undefined,
    );
  });
}
