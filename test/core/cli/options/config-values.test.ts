/** Values that no option can have, in a config file: each message shows what was written. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PlanFaults } from "../../../../core/base/errors.ts";
import { readConfig } from "../../../../core/cli/options/config-file.ts";
import { buildPlan } from "../../../../core/plan/build.ts";
import { optionSpecs } from "../../../../core/plan/option-spec.ts";
import { PlaneOptions } from "../../../../core/plan/plane-options.ts";
import { LoadOptions, RunOptions } from "../../../../core/plan/run-options.ts";
import { SimOptions } from "../../../../core/plan/sim-options.ts";
import { PluginSet } from "../../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../../plugins/bundled.ts";

const plugins = new PluginSet(BUNDLED);

/** The faults of a config file, as they are printed. */
function messages(config: unknown): string[] {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-config-"));
  const path = join(folder, "c.json");
  try {
    writeFileSync(path, JSON.stringify(config));
    const read = readConfig(path);
    buildPlan({ options: "options" in read ? read.options : [], engineArgs: [] }, plugins);
  } catch (error) {
    if (!(error instanceof PlanFaults)) throw error;
    return error.faults.map((fault) => `${fault.path}: ${fault.message} ${fault.hint ?? ""}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [];
}

const ODD = [[], null, [[]], [null], [{ a: 1 }], [[1], [2]], "", [""], " , "];

test("no message shows undefined or an object that JSON does not know", () => {
  const chosen = ["prefix", "mocker", "kv", "json", "html"];
  const specs = [
    ...[RunOptions, LoadOptions, SimOptions, PlaneOptions].flatMap(optionSpecs),
    ...plugins.all.flatMap(({ plugin }) =>
      chosen.includes(plugin.name)
        ? optionSpecs(plugin.options).map((spec) => ({
            ...spec,
            flag: plugin.kind === "reporter" ? `${plugin.name}.${spec.flag}` : spec.flag,
          }))
        : [],
    ),
  ];
  const bad = specs.flatMap(({ flag }) =>
    ODD.flatMap((value) =>
      messages({ [flag]: value }).filter((text) => /undefined|\[object|NaN/.test(text)),
    ),
  );
  expect(bad).toEqual([]);
  expect(specs.length).toBeGreaterThan(80);
});

test("a swept value that is no value is shown as it was written", () => {
  expect(messages({ sweep: { concurrency: { a: 1 } } })[0]).toContain('{"a":1}');
  expect(messages({ sweep: [{ concurrency: [1, 2] }] })[0]).toContain('{"concurrency":[1,2]}');
  expect(messages({ sweep: { concurrency: [] } })[0]).toContain("has no values");
});
