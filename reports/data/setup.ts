/** The set-up section: what ran, with which options, versions and seeds, as rows of label and text. */
import type { PlannedArm } from "../../core/contract/plan.ts";
import type { RunResult } from "../../core/contract/result.ts";
import { masked } from "../../core/plan/secret-words.ts";

export interface SetupSection {
  title: string;
  rows: [label: string, value: string][];
  /** Facts that are long and seldom read: shown on request. */
  folded?: boolean;
}

/** Facts come from engines and routers and may be of any size. */
const MAX_ROWS_PER_SECTION = 60;
const MAX_VALUE_LENGTH = 600;

export function describeSetup(run: RunResult): SetupSection[] {
  const { plan } = run;
  const workloads = Map.groupBy(plan.cells, (cell) => cell.workload.name);
  return [
    section("Run", {
      tool: `${plan.tool.name} ${plan.tool.version}`,
      started: run.summary.startedAt,
      clock: plan.clock,
      seed: plan.seed,
      repeats: plan.repeats,
      cells: plan.cells.length,
      preflight: plan.preflight ? "on" : "off",
      gatewayReplicas: plan.replicas,
      wireForm: plan.wire.form,
      connection: plan.wire.connection,
      headers: Object.keys(plan.wire.headers),
      body: plan.wire.body,
      engineArguments: plan.engineArgs,
    }),
    section("Load", mergeOptions(plan.cells.map((cell) => ({ ...cell.load })))),
    ...[...workloads].map(([name, cells]) =>
      section(`Workload ${name}`, mergeOptions(cells.map((cell) => cell.workload.options))),
    ),
    section(
      "Files",
      Object.fromEntries(
        (plan.files ?? []).map(({ path, bytes, sha256 }) => [
          path === "-" ? "standard input" : path,
          `${bytes.toLocaleString("en-US")} bytes, SHA-256 ${sha256}`,
        ]),
      ),
    ),
    ...engineSections(plan.arms),
    ...routerSections(plan.arms),
    ...factSections(run.facts, ""),
  ].filter(({ rows }) => rows.length > 0);
}

/** More engines or routers than this share a section by their names, with all values of each option. */
const SECTIONS_MOST = 12;

function engineSections(arms: readonly PlannedArm[]): SetupSection[] {
  const engines = [...new Map(arms.map((arm) => [arm.engineKey, arm])).values()];
  if (engines.length <= SECTIONS_MOST) {
    return engines.map(({ engine, plane }) =>
      section(`Engine ${engine.name} (${plane})`, engine.options),
    );
  }
  return [...Map.groupBy(engines, ({ engine, plane }) => `${engine.name} (${plane})`)].map(
    ([name, alike]) =>
      section(
        `Engine ${name}, ${alike.length} of it`,
        mergeOptions(alike.map(({ engine }) => engine.options)),
      ),
  );
}

function routerSections(arms: readonly PlannedArm[]): SetupSection[] {
  if (arms.length <= SECTIONS_MOST) {
    return arms.map(({ label, router }) =>
      section(`Router ${label}`, { router: router.name, ...router.options }),
    );
  }
  return [...Map.groupBy(arms, ({ router }) => router.name)].map(([name, alike]) =>
    section(
      `Router ${name}${alike.length === 1 ? "" : `, ${alike.length} arms`}`,
      mergeOptions(alike.map(({ router }) => router.options)),
    ),
  );
}

type Group = Readonly<Record<string, unknown>>;

/** Facts that the page shows at its top and above the set-up. */
const SHOWN_ABOVE = new Set(["startedAt", "command"]);

/**
 * One section for single facts, one per group (engines, routers), one for the processes. With
 * several runs, each run's facts have its name.
 */
function factSections(facts: Group, run: string): SetupSection[] {
  const of = run === "" ? "" : ` of ${run}`;
  const entries = Object.entries(facts).filter(([name]) => !SHOWN_ABOVE.has(name));
  return [
    section(`Machine${of}`, Object.fromEntries(entries.filter(([, value]) => !isGroup(value)))),
    ...entries.flatMap(([name, value]) => {
      if (!isGroup(value)) return [];
      if ("startedAt" in value) return factSections(value, name);
      if (name === "processes") return [processSection(value, of)];
      return [section(`${name.charAt(0).toUpperCase()}${name.slice(1)}${of}, as found`, value)];
    }),
  ];
}

function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Left out: variables that only mark a process as one of this run. */
const OWN_VARIABLE = /^DYNBENCH_/;

/** One line per process: its command without the folder of the program. Equal commands share a line. */
function processSection(processes: Group, of: string): SetupSection {
  const lines = Object.entries(processes).map(([name, value]): [string, string] => {
    const { command, env } = isGroup(value) ? value : {};
    const words = Array.isArray(command) ? command.map(String) : [];
    const variables = Object.entries(isGroup(env) ? env : {})
      .filter(([key]) => !OWN_VARIABLE.test(key))
      .map(([key, set]) => `${key}=${masked(key, String(set))}`);
    const program = words[0]?.slice(words[0].lastIndexOf("/") + 1) ?? "";
    return [name, [...variables, program, ...words.slice(1)].join(" ")];
  });
  const names = Map.groupBy(lines, ([, line]) => line);
  const rows = [...names].map(([line, same]): [string, string] => [
    same.length > NAMED_TOGETHER
      ? `${same[0]![0]} … ${same.at(-1)![0]} (${same.length})`
      : same.map(([name]) => name).join(", "),
    line,
  ]);
  return { ...rowsOf(`Processes${of}`, rows), folded: true };
}

/** Up to this many processes of one command are named one by one. */
const NAMED_TOGETHER = 3;

/** Swept options with all their values. */
function mergeOptions(all: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const keys = [...new Set(all.flatMap((options) => Object.keys(options)))];
  return Object.fromEntries(
    keys.map((key) => {
      const values = new Map(all.map((options) => [JSON.stringify(options[key]), options[key]]));
      return [key, values.size === 1 ? [...values.values()][0] : [...values.keys()].join(", ")];
    }),
  );
}

function section(title: string, values: Group): SetupSection {
  const rows: SetupSection["rows"] = [];
  flatten(values, "", rows);
  return rowsOf(title, rows);
}

function rowsOf(title: string, rows: SetupSection["rows"]): SetupSection {
  const left = rows.length - MAX_ROWS_PER_SECTION;
  const kept = rows
    .slice(0, MAX_ROWS_PER_SECTION)
    .map(([label, value]): [string, string] => [label, clip(value)]);
  if (left > 0) kept.push(["…", `${left} more in facts.json`]);
  return { title, rows: kept };
}

function flatten(value: unknown, path: string, rows: SetupSection["rows"]): void {
  if (value === undefined || value === null) return;
  if (typeof value === "string") {
    rows.push([path, masked(path.slice(path.lastIndexOf(".") + 1), value)]);
  } else if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    if (value.length > 0) rows.push([path, value.join(path.endsWith("ommand") ? " " : ", ")]);
  } else if (Array.isArray(value)) {
    rows.push([path, `${value.length}, listed in facts.json`]);
  } else if (typeof value === "object") {
    for (const [key, item] of Object.entries(value)) {
      flatten(item, path === "" ? key : `${path}.${key}`, rows);
    }
  } else {
    rows.push([path, String(value)]);
  }
}

function clip(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
