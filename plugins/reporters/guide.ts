/**
 * `results_summary.json` as the scripts of Dynamo's router benchmarking guide write it, one per arm,
 * so that their plots read our results.
 */
import { defineReporter, v } from "dynbench";
import {
  formatGuideSummary,
  guideSummary,
  type CellResult,
  type Plan,
  type RunResult,
} from "dynbench/report";
import { claimFile } from "../shared/reporters/atomic-write.ts";
import { rewriting } from "../shared/reporters/rewriting.ts";

export const guide = defineReporter({
  name: "guide",
  summary: "results_summary.json per arm, as the Dynamo router benchmarking guide has it",
  options: v.strictObject({
    path: v.pipe(
      v.optional(v.pipe(v.string(), v.nonEmpty("must name a folder")), "guide"),
      v.description("folder to write, relative to the run folder; one folder per arm in it"),
    ),
  }),
  open: async (options, plan, context) => {
    const folders = folderNames(plan.arms.map(({ label }) => label));
    const files = await Promise.all(
      folders.map((folder) =>
        claimFile(context.runDir, `${options.path}/${folder}/results_summary.json`),
      ),
    );
    const measured = new Map<number, CellResult[]>();
    const write = async (
      arm: number,
      own: readonly CellResult[],
      facts: RunResult["facts"] = {},
    ): Promise<void> => {
      const config = guideConfig(plan, arm, facts);
      await files[arm]!.write(formatGuideSummary(guideSummary(own, config)));
    };
    const mayWrite = rewriting();
    return {
      cell: async (result) => {
        const { arm } = result.cell;
        const own = measured.get(arm) ?? [];
        measured.set(arm, own);
        own.push(result);
        await mayWrite(() => write(arm, own));
      },
      end: async (run) => {
        const byArm = Map.groupBy(run.cells, ({ cell }) => cell.arm);
        for (const arm of files.keys()) {
          const own = byArm.get(arm);
          if (own !== undefined) await write(arm, own, run.facts);
        }
      },
    };
  },
});

/** The fields that the guide records of a run. Options that a workload does not have are 0. */
function guideConfig(
  plan: Plan,
  arm: number,
  facts: RunResult["facts"],
): Parameters<typeof guideSummary>[1] {
  const cell = plan.cells.find((one) => one.arm === arm)!;
  const { label, engine } = plan.arms[arm]!;
  const options = ["servedModelName", "modelPath", "model"].map((key) => engine.options[key]);
  // What was attached is asked for its model, which no option names.
  const served = v.safeParse(Served, facts);
  const found = served.success
    ? [served.output.routers[label], served.output.engines[engine.name]]
    : [];
  const names = [...options, ...found.map((one) => one?.servedModelName)];
  const model = names.find((name): name is string => typeof name === "string" && name !== "");
  const own = engine.options["tokenizer"];
  const length = (key: string): number => Number(cell.workload.options[key] ?? 0);
  return {
    model,
    tokenizer: typeof own === "string" ? own : model,
    isl: length("isl"),
    osl: length("osl"),
    requests: cell.load.requests ?? 0,
    concurrency: cell.load.concurrency ?? 0,
    initialSeed: plan.seed,
  };
}

const Named = v.record(v.string(), v.looseObject({ servedModelName: v.optional(v.string()) }));
const Served = v.looseObject({ engines: v.optional(Named, {}), routers: v.optional(Named, {}) });

/** A folder name per label: characters that file systems allow, and a number where two labels would give one name. */
function folderNames(labels: readonly string[]): string[] {
  const names: string[] = [];
  for (const label of labels) {
    const base =
      label
        .replace(/[^\w.=,()-]+/g, "-")
        .replace(/^\.+/, "")
        .slice(0, 80) || "arm";
    let name = base;
    for (let k = 2; names.includes(name); k += 1) name = `${base}-${k}`;
    names.push(name);
  }
  return names;
}
