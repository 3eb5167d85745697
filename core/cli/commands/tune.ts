/** `dynbench tune`: the best setting of some routers for a load, by simulation. */
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CommandLine, Token } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { judgeTokens } from "../options/arguments.ts";
import { possibleSpecs } from "../options/option-groups.ts";
import { tuneJson, tuneProgress, tuneText } from "../text/tune-text.ts";
import { planFromArguments } from "./plan-from-arguments.ts";
import { onInterrupt } from "./stop-signals.ts";
import { EXIT_CODES, PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { Workload } from "../../contract/workload.ts";
import { objectiveOf, parseLimits } from "../../decide/objective.ts";
import { parseOver, type Over } from "../../decide/over.ts";
import { slicesOf } from "../../decide/slices.ts";
import { tunableOf, type Tunable } from "../../decide/tunable.ts";
import { tune as tuned, type Tuned } from "../../decide/tune.ts";
import { metricTyped, NOT_FOR_TUNE, parseBudget, TuneOptions } from "../../decide/tune-options.ts";
import { optionNames, optionSpecs } from "../../plan/option-spec.ts";
import { defaultRunPath, writeAtomically } from "../../run/folder/run-folder.ts";
import { epochMs } from "../../system/clock.ts";

/** Slices of the load: tuned on, and held out. */
const SLICES = { tune: 16, judge: 10 };

export async function tune(line: CommandLine, environment: Environment): Promise<number> {
  const { own, rest } = parted(line.tokens);
  const { chosen, words } = readOwnOptions("tune", TuneOptions, {
    tokens: own,
    hasSeparator: false,
  });
  const objective = objectiveOf(metricTyped(chosen.objective));
  const faults: Fault[] = [];
  const limits = chosen.subjectTo === undefined ? [] : parseLimits(chosen.subjectTo, faults);
  const budget = parseBudget(chosen.budget, faults);
  const over = chosen.over.flatMap((text) => parseOver(text, faults) ?? []);
  faults.push(...unfit(rest));
  const planned = await planFromArguments("tune", virtual(line, [...rest, ...words]), environment);
  if (!planned) return EXIT_CODES.ok.code;
  const { plan: built, json, out, jobs = availableParallelism() } = planned;
  const plan: Plan = { ...built, primary: objective.metric, pooledBounds: false };
  faults.push(...pointFaults(plan));
  const { plugins } = environment;
  const tunables = await tunablesOf(plan, over, { plugins, faults });
  if (faults.length > 0) throw new PlanFaults(faults);
  const interrupt = new AbortController();
  using _ = onInterrupt(interrupt, "Stopping the search; the best so far is judged.");
  const [cell] = plan.cells as [Plan["cells"][number]];
  const workload = (await plugins.load(cell.workload)) as Workload;
  const { signal } = interrupt;
  const slices = await slicesOf(cell, workload, { counts: SLICES, signal });
  using shown = tuneProgress(process.stderr, { budget, slices });
  const result = await tuned(
    { plan, tunables, slices, objective, limits, budget },
    { plugins, jobs, signal, onProgress: shown.report },
  );
  shown.end();
  const folder = out ?? defaultRunPath("tune", epochMs());
  const asJson = `${JSON.stringify(tuneJson(result, objective), null, 2)}\n`;
  const config = configOf(result, rest, environment);
  mkdirSync(folder, { recursive: true });
  writeAtomically(join(folder, "tune.json"), asJson);
  if (config !== undefined) writeAtomically(join(folder, "tuned.yaml"), config);
  process.stdout.write(json ? asJson : tuneText(result, { objective, slices, folder }));
  return signal.aborted ? EXIT_CODES.interrupted.code : EXIT_CODES.ok.code;
}

/** The tuner's own flags, and everything else. */
function parted(tokens: readonly Token[]): { own: Token[]; rest: Token[] } {
  const names = new Set(optionSpecs(TuneOptions).flatMap(optionNames));
  const isOwn = (token: Token): boolean =>
    typeof token !== "string" && names.has(token.name.replace(/^tune\./, ""));
  return { own: tokens.filter(isOwn), rest: tokens.filter((token) => !isOwn(token)) };
}

function unfit(tokens: readonly Token[]): Fault[] {
  return tokens.flatMap((token): Fault[] => {
    if (typeof token === "string" || !NOT_FOR_TUNE.has(token.name.replace(/^(run|sim)\./, "")))
      return [];
    const message =
      "has no meaning for dynbench tune, which simulates, repeats and compares by itself";
    return [{ path: `--${token.name}`, message, hint: "Leave it out" }];
  });
}

/** The same line on the virtual clock, without a second measurement of a reference. */
function virtual(line: CommandLine, tokens: readonly Token[]): CommandLine {
  const set = (name: string, value: string): Token => ({ name, value, isAttached: true });
  const all = [...tokens, set("clock", "virtual"), set("control", "off")];
  return { ...line, tokens: all, flags: all.filter((token) => typeof token !== "string") };
}

/** Default sweeps of a workload make several points. */
function pointFaults({ cells }: Plan): Fault[] {
  const points = new Set(cells.map(({ parameters }) => JSON.stringify(parameters)));
  if (points.size <= 1) return [];
  const [key = "", values] = Object.entries(
    Object.groupBy(cells, ({ parameters }) => Object.keys(parameters).join(",")),
  )[0]!;
  const flag = key.split(",")[0]!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const one = String(Object.values(values!.at(-1)!.parameters)[0]);
  return [
    {
      path: `--${flag}`,
      message: `has ${points.size} values, and a setting is tuned for one load`,
      hint: `Name one: --${flag} ${one}`,
    },
  ];
}

async function tunablesOf(
  { arms }: Plan,
  over: readonly Over[],
  { plugins, faults }: { plugins: Environment["plugins"]; faults: Fault[] },
): Promise<Tunable[]> {
  const isUsed = new Set<Over>();
  const tunables: Tunable[] = [];
  for (const arm of arms) tunables.push(await tunableOf(arm, over, { plugins, isUsed }));
  for (const one of over.filter((asked) => !isUsed.has(asked))) {
    const message = `no ${one.part ?? "router"} of these has an option "${one.name}"`;
    faults.push({ path: "tune.over", message, hint: "Their options: dynbench plugin show NAME" });
  }
  if (tunables.every(({ subject }) => subject.knobs.length === 0)) {
    faults.push({
      path: "run.router",
      message: `${arms.map(({ label }) => label).join(", ")} has nothing to tune`,
      hint: "Name a router with ranges, such as kv or cache-aware, or an option: --over NAME=FROM..TO",
    });
  }
  return tunables;
}

/** The run with the tuned router, for `run --config`; undefined where the usual setting stays. */
function configOf(
  { ranked }: Tuned,
  rest: readonly Token[],
  { plugins }: Environment,
): string | undefined {
  const [first] = ranked;
  if (first === undefined || first.arm === first.usual) return undefined;
  const { options } = judgeTokens(rest, possibleSpecs(plugins));
  const isPlain = ({ name }: { name: string }): boolean =>
    !["router", "engine", "out", "json", "jobs", "config"].includes(name.replace(/^run\./, ""));
  const inline = (kind: "router" | "engine"): string => {
    const changed = Object.entries(first.arm[kind].options).filter(
      ([key, value]) =>
        value !== undefined && value !== optionDefault(plugins, first.arm[kind], key),
    );
    const texts = changed.map(([key, value]) => `${key}=${String(value)}`);
    return (
      [first.arm[kind].name, ...texts.slice(0, 1)].join(":") +
      texts
        .slice(1)
        .map((text) => `,${text}`)
        .join("")
    );
  };
  const entries: [string, unknown][] = [
    ["engine", inline("engine")],
    ["router", inline("router")],
    ...options.filter(isPlain).map(({ name, value }): [string, unknown] => [name, value]),
  ];
  return `# The best setting that dynbench tune found; its usual one is "${first.usual.label}".\n${Bun.YAML.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

function optionDefault(
  plugins: Environment["plugins"],
  { kind, name }: { kind: "router" | "engine" | "workload" | "reporter"; name: string },
  key: string,
): unknown {
  const loaded = plugins.find(kind, name);
  return loaded && optionSpecs(loaded.plugin.options).find((spec) => spec.key === key)?.default;
}
