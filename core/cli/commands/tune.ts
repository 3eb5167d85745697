/** `dynbench tune`: the best setting of some routers for a load, by simulation. */
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { progressLines } from "../text/progress-lines.ts";
import { tuneJson, tuneProgress, tuneText } from "../text/tune-text.ts";
import { planOneLoad } from "./one-load.ts";
import { onInterrupt } from "./stop-signals.ts";
import { EXIT_CODES, PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Workload } from "../../contract/workload.ts";
import { objectiveOf, parseLimits } from "../../decide/objective.ts";
import { parseOver, type Over } from "../../decide/over.ts";
import { slicesOf } from "../../decide/slices.ts";
import { tunableOf, type Tunable } from "../../decide/tunable.ts";
import { tune as tuned, type Tuned } from "../../decide/tune.ts";
import { metricTyped, parseBudget, TuneOptions } from "../../decide/tune-options.ts";
import { optionSpecs } from "../../plan/option-spec.ts";
import type { RawOption } from "../../plan/raw-option.ts";
import { defaultRunPath, writeAtomically } from "../../run/folder/run-folder.ts";
import { epochMs } from "../../system/clock.ts";

/** Slices of the load: tuned on, and held out. */
const SLICES = { tune: 16, judge: 10 };

export async function tune(line: CommandLine, environment: Environment): Promise<number> {
  const { own, planned } = await planOneLoad("tune", TuneOptions, { line, environment });
  if (!planned) return EXIT_CODES.ok.code;
  const faults: Fault[] = [];
  const objective = objectiveOf(metricTyped(own.objective));
  const limits = own.subjectTo === undefined ? [] : parseLimits(own.subjectTo, faults);
  const budget = parseBudget(own.budget, faults);
  const over = own.over.flatMap((text) => parseOver(text, faults) ?? []);
  const { plan: built, json, out, jobs = availableParallelism() } = planned;
  const plan: Plan = { ...built, primary: objective.metric, pooledBounds: false };
  const { plugins } = environment;
  const tunables = await tunablesOf(plan, over, { plugins, faults });
  if (faults.length > 0) throw new PlanFaults(faults);
  const interrupt = new AbortController();
  using _ = onInterrupt(interrupt, "Stopping the search; the best so far is judged.");
  const [cell] = plan.cells as [Plan["cells"][number]];
  const workload = (await plugins.load(cell.workload)) as Workload;
  const { signal } = interrupt;
  const slices = await slicesOf(cell, workload, { counts: SLICES, signal });
  using shown = tuneProgress(progressLines(process.stderr), { budget, slices });
  const result = await tuned(
    { plan, tunables, slices, objective, limits, budget },
    { plugins, jobs, signal, onProgress: shown.report },
  );
  shown.end();
  const folder = out ?? defaultRunPath("tune", epochMs());
  const asJson = `${JSON.stringify(tuneJson(result, objective), null, 2)}\n`;
  const config = configOf(result, planned.options ?? [], plugins);
  mkdirSync(folder, { recursive: true });
  writeAtomically(join(folder, "tune.json"), asJson);
  if (config !== undefined) writeAtomically(join(folder, "tuned.yaml"), config);
  process.stdout.write(json ? asJson : tuneText(result, { objective, slices, folder }));
  return signal.aborted ? EXIT_CODES.interrupted.code : EXIT_CODES.ok.code;
}

async function tunablesOf(
  { arms }: Plan,
  over: readonly Over[],
  { plugins, faults }: { plugins: Environment["plugins"]; faults: Fault[] },
): Promise<Tunable[]> {
  const isUsed = new Set<Over>();
  const tunables: Tunable[] = [];
  for (const arm of arms) tunables.push(await tunableOf(arm, over, { plugins, isUsed, faults }));
  for (const one of over.filter((asked) => !isUsed.has(asked))) {
    const message = `no ${one.part ?? "router"} of these has an option "${one.name}"`;
    faults.push({ path: "tune.over", message, hint: "Their options: dynbench plugin show NAME" });
  }
  if (faults.length === 0 && tunables.every(({ subject }) => subject.knobs.length === 0)) {
    faults.push({
      path: "run.router",
      message: `${arms.map(({ label }) => label).join(", ")} has nothing to tune`,
      hint: "Name a router with ranges, such as kv or cache-aware, or an option: --over NAME=FROM..TO",
    });
  }
  return tunables;
}

/** Options that the config of the tuned run does not take over: what it replaces, and what belongs to this command. */
const NOT_TAKEN_OVER: ReadonlySet<string> = new Set([
  ...["router", "engine", "clock", "control"],
  ...["config", "out", "output-dir", "json", "jobs"],
]);

/** The run with the tuned router, for `run --config`; undefined where the usual setting stays. */
function configOf(
  { ranked }: Tuned,
  options: readonly RawOption[],
  plugins: Environment["plugins"],
): string | undefined {
  const [first] = ranked;
  if (first === undefined || first.arm === first.usual) return undefined;
  const inline = (kind: "router" | "engine"): string => {
    const { name, options: chosen } = first.arm[kind];
    const texts = Object.entries(chosen)
      .filter(([key, value]) => value !== optionDefault(plugins, first.arm[kind], key))
      .map(([key, value]) => `${key}=${String(value)}`);
    return texts.length === 0 ? name : `${name}:${texts.join(",")}`;
  };
  const kept = options.filter(({ name }) => !NOT_TAKEN_OVER.has(name.replace(/^run\./, "")));
  const table = {
    engine: inline("engine"),
    router: inline("router"),
    ...Object.fromEntries(kept.map(({ name, value }) => [name, value])),
  };
  const comment = `# The best setting that dynbench tune found; its usual one is "${first.usual.label}".`;
  return `${comment}\n${Bun.YAML.stringify(table, null, 2)}\n`;
}

function optionDefault(
  plugins: Environment["plugins"],
  { kind, name }: { kind: "router" | "engine" | "workload" | "reporter"; name: string },
  key: string,
): unknown {
  const loaded = plugins.find(kind, name);
  return loaded && optionSpecs(loaded.plugin.options).find((spec) => spec.key === key)?.default;
}
