/** The pages of `docs/reference/`: options of a run, metrics, exit codes, run folder, `summary.json`. */
import { EXIT_CODES } from "../core/base/errors.ts";
import { METRICS } from "../core/metrics/definitions.ts";
import { SUMMARY_SECTIONS } from "../core/metrics/summary-keys.ts";
import { optionSpecs } from "../core/plan/option-spec.ts";
import { PlaneOptions } from "../core/plan/plane-options.ts";
import { LoadOptions, RunOptions } from "../core/plan/run-options.ts";
import { SimOptions } from "../core/plan/sim-options.ts";
import { RUN_FILES } from "../core/run/run-files.ts";
import { code, generatedPage, table } from "./markdown.ts";
import { optionTable } from "./option-table.ts";

export function optionsReference(): string {
  return generatedPage(
    "Options of a run",
    "These options belong to `dynbench run` and `dynbench plan`, whatever plugins take part. Options of engines, routers, workloads and reporters are on the pages of the [plugins](plugins.md).",
    "Every option can be written with the part it belongs to: `--run.seed 1`, `--load.concurrency 8`, `--workload.isl 4000`. That is required where two parts of a run have an option of the same name. `--config FILE` reads the same names from a yaml, json or toml file.",
    "## Run",
    optionTable(optionSpecs(RunOptions)),
    "## Load",
    "A workload brings its own load; these options replace parts of it.",
    optionTable(optionSpecs(LoadOptions)),
    "## Virtual clock",
    "`--clock virtual` simulates the run. Delays that a live system has and a simulation does not know are options, and zero unless given.",
    optionTable(optionSpecs(SimOptions)),
    "## Plane dynamo",
    "How Dynamo's processes find each other. These options count for all arms of a run that has a router on plane `dynamo`.",
    optionTable(optionSpecs(PlaneOptions)),
  );
}

export function metricsReference(): string {
  return generatedPage(
    "Metrics",
    "`key` is the name in [summary.json](summary-json.md); `cachedShare` stands there under `cache`. Metrics of requests and gaps are distributions with `n`, `mean`, `std`, `min`, `p25`, `p50`, `p75`, `p90`, `p95`, `p99` and `max`. They are computed exactly, over all requests or gaps, and interpolated as numpy does.",
    "Warm-up requests count nowhere. Failed requests are counted and reported with the server's own words; they have no part in latencies and lengths.",
    table(
      ["key", "label", "unit", "of", "formula", "in other tools"],
      METRICS.map(({ key, name, unit, of, formula, elsewhere }) => [
        code(key),
        name,
        unit,
        `each ${of}`,
        formula,
        elsewhere ?? "",
      ]),
    ),
  );
}

export function exitCodesReference(): string {
  return generatedPage(
    "Exit codes",
    table(
      ["code", "meaning"],
      Object.values(EXIT_CODES).map(({ code: number, meaning }) => [String(number), meaning]),
    ),
    "`dynbench doctor` ends with 3 where something is in the way of every run, and `dynbench doctor --clean` where something could not be removed. `dynbench plugin test` ends with 2 where a test fails.",
  );
}

export function runFolderReference(): string {
  return generatedPage(
    "Files of a run folder",
    "A run writes into the folder of `--out`, else into `runs/` under the time and the workload's name. A record is written the moment its request ends, so a killed run loses no finished request. Values whose names contain TOKEN, KEY, SECRET or PASS are stored as `***`.",
    table(
      ["file", "what it holds", "when it is there"],
      RUN_FILES.map(({ name, holds, when, isRebuilt }) => [
        code(...name.split(", ")),
        holds,
        isRebuilt ? "always; `dynbench report DIR` writes it again" : (when ?? "always"),
      ]),
    ),
  );
}

export function summaryReference(): string {
  return generatedPage(
    "Keys of summary.json",
    "`summary.json` is for other programs. Within one `schemaVersion` keys are added and never change their meaning. A key whose value is not known is left out; `null` never stands for zero. Units end the names of keys.",
    ...SUMMARY_SECTIONS.flatMap(({ title, paths, keys }) => [
      `## ${title}`,
      ...(paths[0] === "" ? [] : [`At ${code(...paths)}.`]),
      table(
        ["key", "meaning"],
        Object.entries(keys).map(([key, meaning]) => [code(key), meaning]),
      ),
    ]),
  );
}
