/** `dynbench plan`: prints everything that a run would start and send; starts nothing. */
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { startLog } from "../text/log.ts";
import { planFromArguments } from "./plan-from-arguments.ts";
import { settledPlan } from "./settled-plan.ts";
import { counted } from "../../base/counted.ts";
import { EXIT_CODES, PlanFaults } from "../../base/errors.ts";
import type { InputFile, Plan, PlannedCell } from "../../contract/plan.ts";
import { masked, maskWords } from "../../plan/secret-words.ts";
import { maskPlan, secretOptions } from "../../plan/secrets.ts";
import { designOf } from "../../metrics/summary/design.ts";
import type { Design } from "../../contract/result.ts";
import { surveyPlan, type PlanSurvey, type PointSurvey } from "../../plan/survey.ts";
import { pointLabel } from "../../plan/sweep.ts";
import type { Engine } from "../../contract/engine.ts";
import type { PlannedProcess } from "../../contract/foreign-programs.ts";
import type { Router } from "../../contract/router.ts";
import { repeatsNeeded, type RepeatsNeeded } from "../../run/repeats-needed.ts";
import { metricWords } from "../../metrics/definitions.ts";
import {
  amountOf,
  estimateRun,
  startCells,
  type Amount,
  type Estimate,
} from "../../run/estimate.ts";
import { bytesText, holdStdin } from "../../run/folder/input-files.ts";

/** `--json` prints the plan itself, which `dynbench run --config plan.json` runs unchanged. */
export async function plan(line: CommandLine, environment: Environment): Promise<number> {
  const planned = await planFromArguments("plan", line, environment);
  if (!planned) return EXIT_CODES.ok.code;
  const { plugins } = environment;
  const log = startLog({ debug: false });
  using held = await holdStdin(planned.plan, plugins, log.info);
  const settled = await settledPlan(planned, { plugins, stdin: held?.path, log });
  const survey = await surveyPlan(settled.runnable, plugins, {
    signal: new AbortController().signal,
  });
  if (survey.faults.length > 0) throw new PlanFaults(survey.faults);
  const processes = await processesOf(settled.plan, environment);
  const pointOf = ({ parameters }: PlannedCell): PointSurvey =>
    survey.points.find((one) => Bun.deepEquals(one.parameters, parameters))!;
  const estimate = await estimateRun(settled.runnable, {
    plugins,
    requestsOf: (cell) => pointOf(cell).requests + cell.load.warmup,
  });
  const amount = amountOf(settled.plan, pointOf);
  const needed = await repeatsNeeded(settled.runnable, plugins);
  const shown = maskPlan(settled.plan, secretOptions(plugins));
  const design = designOf(settled.plan);
  const starts = (await startCells(settled.plan, plugins)).length;
  const text = planned.json
    ? JSON.stringify(
        { ...shown, design, survey: survey.points, amount, estimate, needed, processes },
        null,
        2,
      )
    : describe(shown, { processes, survey, amount, estimate, design, starts, needed });
  process.stdout.write(`${text}\n`);
  return EXIT_CODES.ok.code;
}

/** The processes of each engine and each arm, in the order in which they start. */
async function processesOf(planned: Plan, { plugins }: Environment): Promise<PlannedProcess[]> {
  const processes: PlannedProcess[] = [];
  if (planned.clock === "virtual") return processes;
  const engines = new Map(planned.arms.map((arm) => [arm.engineKey, arm]));
  for (const [engineKey, { engine, plane }] of engines) {
    const plugin = (await plugins.load(engine)) as Engine;
    processes.push(...(plugin.processes?.(engine.options, plane) ?? []));
    const workers = plugin.limits?.(engine.options).workers ?? 0;
    for (const arm of planned.arms.filter((one) => one.engineKey === engineKey)) {
      const router = (await plugins.load(arm.router)) as Router;
      if (router.policy) {
        processes.push({
          name: `router-${arm.label}`,
          command: ["dynbench", "(gateway)"],
          count: planned.replicas,
          note: `hosts the policy "${router.name}"; port chosen by the system`,
        });
      } else processes.push(...(router.processes?.(arm.router.options, workers) ?? []));
    }
  }
  const { apiKeyEnv, headersFrom = {} } = planned.wire;
  const variables = Object.values(headersFrom).flatMap((of) => ("env" in of ? [of.env] : []));
  const read = [...(apiKeyEnv === undefined ? [] : [apiKeyEnv]), ...variables];
  const note = read.length === 0 ? "" : `; sends the value of ${read.join(", ")}`;
  processes.push({
    name: "load",
    command: ["dynbench", "(load)"],
    note: `one for each cell${note}`,
  });
  processes.push({
    name: "keeper",
    command: ["dynbench", "(keeper)"],
    note: "ends the processes of a run that was killed",
  });
  return processes.map(storable);
}

function describe(
  planned: Plan,
  {
    processes,
    survey: { points, notes },
    amount,
    estimate,
    design,
    starts,
    needed,
  }: {
    processes: readonly PlannedProcess[];
    survey: PlanSurvey;
    amount: Amount;
    estimate: Estimate;
    design: Design;
    starts: number;
    needed: RepeatsNeeded | undefined;
  },
): string {
  const isVirtual = planned.clock === "virtual";
  const isCrossing = new Set(planned.arms.map(({ plane }) => plane)).size > 1;
  const engines = isVirtual ? 0 : new Set(planned.arms.map(({ engineKey }) => engineKey)).size;
  const { wire, cells, arms } = planned;
  return [
    `Plan: ${armsText(arms)} x ${counted(points.length, "point")} x ${repeatsText(planned)} = ${counted(cells.length, "cell")}, clock ${planned.clock}, seed ${planned.seed}`,
    isVirtual
      ? "      simulated: no engine is started and nothing is sent"
      : `      ${counted(engines, "engine start")}, ${counted(cells.length, "reset")} of caches and index, prompts as ${wire.form}, connections ${wire.connection}`,
    `      ${durationText(planned, estimate)}`,
    `      ${amountText(amount)}`,
    ...settlingLines(design, { starts, estimate }),
    ...neededLines(needed, planned),
    ...headerLines(wire),
    ...(planned.engineArgs.length === 0
      ? []
      : [`      engine arguments: ${planned.engineArgs.join(" ")}`]),
    "",
    "Arms",
    ...arms.map(
      ({ label, engine, router, plane, isControl, twinOf }) =>
        `  ${label}: router ${router.name} on engine ${engine.name}, plane ${plane}${isControl && isCrossing ? ", of the control pair" : ""}${twinOf === undefined ? "" : `, the control: ${arms[twinOf]!.label} measured again`}`,
    ),
    "",
    ...orderLines(design, arms.length),
    "Processes",
    ...(processes.length === 0 ? ["  none: the run is simulated"] : processes.map(processLine)),
    "",
    `Requests of one cell (${loadText(planned)})`,
    table(points),
    ...(planned.files ?? []).map(fileLine),
    ...notes.map((note) => `  ${note}`),
    "",
    "Cells, in order",
    ...cells.map((cell, i) => `  ${String(i + 1).padStart(3)}  ${cell.id}  seed ${cell.seed}`),
  ].join("\n");
}

/** `2 arms and a control`. */
function armsText(arms: Plan["arms"]): string {
  const own = arms.filter(({ twinOf }) => twinOf === undefined).length;
  return `${counted(own, "arm")}${own === arms.length ? "" : " and a control"}`;
}

/** `3 repeats`; `up to 30 repeats, until decided`. */
function repeatsText({ repeats, until }: Plan): string {
  if (until === undefined) return counted(repeats, "repeat");
  const { halfWidth, first, block } = until;
  const end = halfWidth === undefined ? "decided" : `known within ${100 * halfWidth} %`;
  return `${first} repeats and then ${block} at a time until ${end}, at most ${repeats},`;
}

/** How many repeats differences of some sizes need before they are claimed. */
function neededLines(needed: RepeatsNeeded | undefined, { primary }: Plan): string[] {
  if (needed === undefined) return [];
  const [first, ...rest] = needed.repeats
    .toReversed()
    .map(({ difference, repeats }) => `${100 * difference} % ${repeats ?? "more than 1,000"}`);
  const all = [first!.replace(" % ", " % takes "), ...rest].join(", ");
  return [
    `      to claim a difference in ${metricWords(primary)}: ${all} repeats (simulated; a live run may need more)`,
  ];
}

function durationText({ clock }: Plan, { wallS, loadS, atLeastS, how }: Estimate): string {
  if (wallS === undefined || loadS === undefined) {
    const least = atLeastS ? `; at least ${duration(atLeastS)} by the timetable` : "";
    return `duration unknown: ${how}${least}`;
  }
  return clock === "virtual"
    ? `duration about ${duration(wallS)}, for ${duration(loadS)} on the virtual clock (${how})`
    : `duration about ${duration(wallS)}, of which ${duration(loadS)} is load (${how})`;
}

/** How much is sent, and the memory that it means. */
function amountText({ requests, promptTokens, promptBytes }: Amount): string {
  const shown = (count: number): string => count.toLocaleString("en-US");
  const all = `${shown(requests)} requests in all, with ${shown(promptTokens)} prompt tokens measured`;
  if (promptBytes === undefined) return all;
  return `${all}; prompts in flight and built ahead take at most ${bytesText(promptBytes)}`;
}

function settlingLines(
  { settling }: Design,
  { starts, estimate: { settlingS } }: { starts: number; estimate: Estimate },
): string[] {
  if (settling === undefined || starts === 0) return [];
  const time = settlingS === undefined ? "" : `, about ${duration(settlingS)} in all`;
  return [
    `      settling after ${counted(starts, "start")} of a router or engine: at most ` +
      `${settling.maxBatches} batches and ${settling.maxS} s each${time} (--settle off)`,
  ];
}

const TURNS_SHOWN = 12;

/** The order of arms of each repeat and point; nothing for one arm. */
function orderLines({ order }: Design, arms: number): string[] {
  if (arms === 1) return [];
  const rows = order.slice(0, TURNS_SHOWN).map(({ repeat, parameters, arms: labels }) => {
    const point = pointLabel(parameters);
    return `  repeat ${repeat + 1}${point === "" ? "" : `, ${point}`}: ${labels.join(", ")}`;
  });
  const left = order.length - rows.length;
  return [
    "Order of arms (each first as often as last, as far as the number of turns allows)",
    ...rows,
    ...(left === 0 ? [] : [`  … and ${left} more`]),
    "",
  ];
}

/** `1h 02m`, `3m 05s`, `12s`. */
function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m ${two(whole % 60)}s` : `${whole}s`;
}

function loadText({ cells }: Plan): string {
  const { arrival, concurrency, concurrencyOf, rateRps, rateProfile, timeoutS } = cells[0]!.load;
  return [
    arrival === "closed" ? "closed loop" : `${arrival} arrivals`,
    ...(rateRps === undefined ? [] : [`${rateRps} requests/s`]),
    ...(rateProfile === undefined ? [] : [`rate profile ${rateProfile.kind}`]),
    ...(concurrency === undefined
      ? []
      : [`concurrency ${concurrency}${concurrencyOf === "sessions" ? " sessions" : ""}`]),
    `time-out ${timeoutS} s`,
  ].join(", ");
}

function headerLines({ headers, headersFrom = {} }: Plan["wire"]): string[] {
  const each = [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...Object.entries(headersFrom).map(
      ([name, of]) =>
        `${name}: ${"env" in of ? `the value of ${of.env}` : `the text of ${of.file}`}`,
    ),
  ];
  return each.length === 0 ? [] : [`      extra headers: ${each.join(", ")}`];
}

function processLine({ name, command, env, count = 1, note }: PlannedProcess): string {
  const variables = Object.entries(env ?? {}).map(([key, value]) => `${key}=${value} `);
  const times = count > 1 ? `  x${count}` : "";
  return `  ${name}${times}: ${variables.join("")}${command.join(" ")}${note ? `  (${note})` : ""}`;
}

function fileLine({ path, bytes, sha256 }: InputFile): string {
  return `  ${path === "-" ? "standard input" : path}: ${bytesText(bytes)}, SHA-256 ${sha256.slice(0, 12)}…`;
}

function storable({ env = {}, ...planned }: PlannedProcess): PlannedProcess {
  const entries = Object.entries(env).map(([name, value]) => [name, masked(name, value)]);
  return {
    ...planned,
    command: maskWords(planned.command),
    ...(entries.length === 0 ? {} : { env: Object.fromEntries(entries) }),
  };
}

function table(points: readonly PointSurvey[]): string {
  const rows = [
    ["point", "requests", "prompt tokens", "output tokens", "longest", "ideal hits", "round robin"],
    ...points.map((point) => [
      pointLabel(point.parameters) || "-",
      point.warmup > 0 ? `${point.requests} (+${point.warmup})` : `${point.requests}`,
      `${point.promptTokens}`,
      `${point.outputTokens}`,
      `${point.longestPrompt}`,
      point.idealShare.toFixed(3),
      point.roundRobinShare.toFixed(3),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `  ${row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join("  ")}`,
    )
    .join("\n");
}
