/** The set-up section: what ran, with which options, versions and seeds, as labelled rows of text. */
import type { RunResult } from "../core/metrics/result.ts";

export interface SetupSection {
  title: string;
  rows: [label: string, value: string][];
}

/** Facts come from engines and routers and may be of any size. */
const MAX_ROWS_PER_SECTION = 60;
const MAX_VALUE_LENGTH = 600;

export function describeSetup(run: RunResult): SetupSection[] {
  const { plan } = run;
  const workloads = Map.groupBy(plan.cells, (cell) => cell.workload.name);
  const engines = new Map(plan.arms.map((arm) => [arm.engineKey, arm]));
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
    ...[...engines.values()].map((arm) =>
      section(`Engine ${arm.engine.name} (${arm.plane})`, arm.engine.options),
    ),
    ...plan.arms.map((arm) =>
      section(`Router ${arm.label}`, { router: arm.router.name, ...arm.router.options }),
    ),
    ...factSections(run.facts),
  ].filter(({ rows }) => rows.length > 0);
}

/** One per group of facts (host, engines, routers), and one for what stands alone. */
function factSections(facts: RunResult["facts"]): SetupSection[] {
  const isGroup = ([, value]: [string, unknown]): boolean =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = Object.entries(facts);
  return [
    section("Facts", Object.fromEntries(entries.filter((entry) => !isGroup(entry)))),
    ...entries
      .filter(isGroup)
      .map(([name, group]) => section(`Facts: ${name}`, group as Record<string, unknown>)),
  ];
}

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

function section(title: string, values: Readonly<Record<string, unknown>>): SetupSection {
  const rows: SetupSection["rows"] = [];
  flatten(values, "", rows);
  const left = rows.length - MAX_ROWS_PER_SECTION;
  const kept = rows.slice(0, MAX_ROWS_PER_SECTION);
  if (left > 0) kept.push(["…", `${left} more in facts.json`]);
  return { title, rows: kept };
}

function flatten(value: unknown, path: string, rows: SetupSection["rows"]): void {
  if (value === undefined || value === null) return;
  if (isSecret(path) && typeof value === "string") {
    rows.push([path, "•••"]);
  } else if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    if (value.length > 0) rows.push([path, clip(value.join(path.endsWith("ommand") ? " " : ", "))]);
  } else if (Array.isArray(value)) {
    rows.push([path, `${value.length}, listed in facts.json`]);
  } else if (typeof value === "object") {
    for (const [key, item] of Object.entries(value)) {
      flatten(item, path === "" ? key : `${path}.${key}`, rows);
    }
  } else {
    rows.push([path, clip(String(value))]);
  }
}

/** Names that the run folder masks too (TOKEN, KEY, SECRET, PASS); `…Tokens` are counts, `…Header` and `…Env` names. */
function isSecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf(".") + 1);
  return /token(?!s|i)|key|secret|pass/i.test(name) && !/(header|env)$/i.test(name);
}

function clip(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
