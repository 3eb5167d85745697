/** `dynbench size`: how many workers a load needs, by simulation. */
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { sizeJson, sizeText } from "../text/size-text.ts";
import { progressLines } from "../text/progress-lines.ts";
import { planOneLoad } from "./one-load.ts";
import { onInterrupt } from "./stop-signals.ts";
import { EXIT_CODES, PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import { size as sized } from "../../decide/size.ts";
import { isNamed, optionSpecs } from "../../plan/option-spec.ts";
import { parsePrices, SizeOptions } from "../../decide/size-options.ts";
import { defaultRunPath, writeAtomically } from "../../run/folder/run-folder.ts";
import { epochMs } from "../../system/clock.ts";

export async function size(line: CommandLine, environment: Environment): Promise<number> {
  const { own, planned } = await planOneLoad("size", SizeOptions, { line, environment });
  if (!planned) return EXIT_CODES.ok.code;
  const faults: Fault[] = [];
  const { json, out, jobs = availableParallelism() } = planned;
  const plan: Plan = { ...planned.plan, pooledBounds: false };
  const prices = parsePrices(own.price, faults);
  faults.push(...loadFaults(plan, own), ...engineFaults(plan, own, environment));
  if (faults.length > 0) throw new PlanFaults(faults);
  const interrupt = new AbortController();
  using _ = onInterrupt(interrupt, "Stopping.");
  using shown = progressLines(process.stderr);
  const result = await sized(
    {
      ...{ plan, share: own.share, find: own.find, most: own.mostWorkers, prices },
      gpus: own.gpu.length === 0 ? [undefined] : own.gpu,
    },
    {
      ...{ plugins: environment.plugins, jobs, signal: interrupt.signal },
      onProgress: ({ router, at, cells }) =>
        shown.show(`Trying ${router} with ${at}: ${cells} cells so far`),
    },
  );
  shown.end();
  const folder = out ?? defaultRunPath("size", epochMs());
  const asJson = `${JSON.stringify(sizeJson(result, own), null, 2)}\n`;
  mkdirSync(folder, { recursive: true });
  writeAtomically(join(folder, "size.json"), asJson);
  process.stdout.write(json ? asJson : sizeText(result, { ...own, folder }));
  return EXIT_CODES.ok.code;
}

function loadFaults({ cells }: Plan, own: SizeOptions): Fault[] {
  const faults: Fault[] = [];
  const { load, workload } = cells[0]!;
  if (load.slo === undefined) {
    const message = "is needed: what must the requests keep?";
    faults.push({ path: "--slo", message, hint: "--slo ttft=500,tpot=50 in milliseconds" });
  }
  if (own.find !== "rate") return faults;
  if (load.rateRps === undefined && load.arrival !== "trace") {
    const message = "rate has no meaning for a closed loop, whose rate follows from the answers";
    faults.push({ path: "size.find", message, hint: "Give --rate 10 to start from, or a trace" });
  } else if (load.arrival === "trace" && !("arrivalSpeedup" in workload.options)) {
    const message = `workload "${workload.name}" cannot be sent faster`;
    faults.push({ path: "size.find", message, hint: "Take --workload mooncake" });
  }
  return faults;
}

/** Engines whose workers cannot be counted, or that have no GPU type. */
function engineFaults({ arms }: Plan, own: SizeOptions, { plugins }: Environment): Fault[] {
  return [...new Set(arms.map(({ engine }) => engine.name))].flatMap((name): Fault[] => {
    const { options } = plugins.find("engine", name)!.plugin;
    const specs = optionSpecs(options);
    const gpu = specs.find((spec) => isNamed(spec, "gpu"));
    const unknown = own.gpu.filter((type) => gpu?.choices?.includes(type) === false);
    const split = arms.some(
      ({ engine }) => engine.name === name && "prefillWorkers" in engine.options,
    );
    return [
      ...(specs.some(({ key }) => key === "workers") && !split
        ? []
        : [
            {
              path: "run.engine",
              message: `the workers of engine "${name}" have no number to size${split ? ", prefill and decode are split" : ""}`,
              hint: split
                ? "Leave --prefill-workers and --decode-workers out"
                : "Take --engine mocker",
            },
          ]),
      ...(own.gpu.length > 0 && gpu === undefined
        ? [
            {
              path: "size.gpu",
              message: `engine "${name}" has no GPU types`,
              hint: "Take --engine mocker",
            },
          ]
        : []),
      ...unknown.map((type) => ({
        path: "size.gpu",
        message: `engine "${name}" has no GPU type "${type}"`,
        hint: `Types: ${gpu!.choices!.join(", ")}`,
      })),
    ];
  });
}
