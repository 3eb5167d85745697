/**
 * What runs that are compared were not given alike: lengths, load, engine, seed. Figures of such runs
 * stand beside each other in one table, so the table needs a sentence about it. Pure.
 */
import type { Finding, RunResult } from "../../contract/result.ts";
import { optionWords } from "./sweep.ts";

/** The id of the finding, for those who show it where they compare. */
export const RUNS_DIFFER = "runs-differ";

/** More are counted: all are in the plans. */
const NAMED = 8;
/** More values of one run are counted. */
const VALUES_NAMED = 4;

/** `shown`: parameters that the tables have a column for. Undefined where all else is alike. */
export function runDifferences(
  runs: readonly RunResult[],
  names: readonly string[],
  shown: readonly string[],
): Finding | undefined {
  const settings = runs.map((run) => settingsOf(run, new Set(shown)));
  const keys = [...new Set(settings.flatMap((own) => [...own.keys()]))];
  const differing = keys.flatMap((key) => {
    const texts = settings.map((own) => textOf(own.get(key)));
    if (new Set(texts).size === 1) return [];
    return [`${optionWords(key)} ${texts.map((text, i) => `${text} (${names[i]!})`).join(", ")}`];
  });
  if (differing.length === 0) return undefined;
  const more = differing.length - NAMED;
  const rest = more > 0 ? `; and ${more} more` : "";
  return {
    id: RUNS_DIFFER,
    severity: "note",
    message: `The runs were not given the same: ${differing.slice(0, NAMED).join("; ")}${rest}`,
    hint: "Compare arms within a run; to compare runs, give both the same settings",
  };
}

/** All values that a run has of each setting, as JSON. */
function settingsOf({ plan }: RunResult, shown: ReadonlySet<string>): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  const add = (key: string, value: unknown): void => {
    if (shown.has(key) || value === undefined) return;
    values.set(key, (values.get(key) ?? new Set()).add(JSON.stringify(value)));
  };
  const addAll = (options: object): void =>
    Object.entries(options).forEach(([key, value]) => add(key, value));
  for (const { workload, load } of plan.cells) {
    add("workload", workload.name);
    addAll(workload.options);
    addAll(load);
  }
  for (const { engine } of plan.arms) {
    add("engine", engine.name);
    addAll(engine.options);
  }
  add("seed", plan.seed);
  add("wireForm", plan.wire.form);
  add("connection", plan.wire.connection);
  add("gatewayReplicas", plan.replicas);
  return values;
}

function textOf(values: ReadonlySet<string> | undefined): string {
  if (values === undefined) return "–";
  const texts = Array.from(values, (json) => json.replace(/^"(.*)"$/, "$1"));
  const more = texts.length - VALUES_NAMED;
  return `${texts.slice(0, VALUES_NAMED).join("/")}${more > 0 ? `/… (${texts.length} values)` : ""}`;
}
