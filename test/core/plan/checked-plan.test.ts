/** A saved plan is foreign input: each change of one field is a fault that names it. */
import { describe, expect, test } from "bun:test";
import { PlanFaults } from "../../../core/base/errors.ts";
import { checkedPlan } from "../../../core/plan/checked-plan.ts";
import type { Plan } from "../../../core/contract/plan.ts";
import { buildPlan } from "../../../core/plan/build.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";
import { planOf, samplePlugins, typed } from "./sample-plugins.ts";

/** Two routers and a control, two points, two repeats, on the virtual clock's like of an open loop. */
const plan = planOf(
  ["router", "kv,round-robin"],
  ["rate", 20],
  ["slo", "ttft=500"],
  ["tiers", "low=0.5:0,high=0.5:1"],
  ["sweep", ["burstiness=0.5,2"]],
  ["prefix-ratio", "0.5"],
  ["repeat", 3],
);

/** The faults of the plan after a change; a value is put in the file as JSON has it. */
async function faultsAfter(
  change: (copy: any) => void,
  { of = plan, infinite = false } = {},
): Promise<string[]> {
  const copy: unknown = JSON.parse(JSON.stringify(of)); // parts of it are shared
  change(copy);
  const text = JSON.stringify(copy).replaceAll('"Infinity"', "1e999");
  const value: unknown = JSON.parse(infinite ? text : JSON.stringify(copy));
  try {
    await checkedPlan(value, "p.json", samplePlugins());
  } catch (error) {
    if (!(error instanceof PlanFaults)) throw error;
    expect(error.of).toBe("The plan p.json");
    return error.faults.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("a saved plan", () => {
  test("is read as it was, also as plan --json prints it", async () => {
    const printed = { ...plan, design: {}, survey: [], estimate: {}, needed: {}, processes: [] };
    const text = JSON.stringify(printed);
    expect<Plan>(await checkedPlan(JSON.parse(text), "p.json", samplePlugins())).toEqual(plan);
  });

  test("has no field at its top that may be left out in silence", async () => {
    for (const key of Object.keys(plan)) {
      expect(await faultsAfter((copy) => delete copy[key])).toContain(`${key}: is missing`);
    }
  });

  test("of another version is refused", async () => {
    expect(await faultsAfter((copy) => (copy.schemaVersion = 2))).toEqual([
      "schemaVersion: expected 1, got 2",
    ]);
  });

  test("has all its faults named at once, whatever their kind", async () => {
    const faults = await faultsAfter((copy) => {
      copy.seed = -1;
      copy.arms[0].engine.options.workers = "2";
      delete copy.arms[1].router.options.temperature;
      copy.cells[0].load.warmup = 2 ** 63;
      copy.extra = 1;
    });
    expect(faults).toEqual([
      "seed: expected at least 0, got -1",
      "cells[0].load.warmup: expected at most 1000000, got 9223372036854776000",
      "extra: is not known there",
      'arms[0].engine.options.workers: expected number, got "2"',
      "arms[1].router.options.temperature: is missing",
    ]);
  });
});

describe("the options of a plugin", () => {
  test("have no default that a plan may leave to them", async () => {
    const change = (copy: any) => delete copy.arms[0].router.options.overlapCredit;
    expect(await faultsAfter(change)).toEqual(["arms[0].router.options.overlapCredit: is missing"]);
  });

  test("have no other names", async () => {
    const faults = await faultsAfter((copy) => {
      const { options } = copy.arms[0].router;
      options.overlapCredits = options.overlapCredit;
      delete options.overlapCredit;
    });
    expect(faults).toEqual([
      "arms[0].router.options.overlapCredits: is not known there; did you mean overlapCredit?",
      "arms[0].router.options.overlapCredit: is missing",
    ]);
  });

  test("are judged by their schema and by their plugin", async () => {
    const on = (change: (options: any) => void) =>
      faultsAfter((copy) => {
        for (const cell of copy.cells) change(cell.workload.options);
      });
    expect((await on((options) => (options.isl = 1e308)))[0]).toBe(
      "cells[0].workload.options.isl: expected at most 1000000000, got 1e+308",
    );
    expect((await on((options) => (options.sampling = "h1000")))[0]).toBe(
      'cells[0].workload.options.sampling: expected ("shuffle" | "replace"), got "h1000"',
    );
    expect(await on((options) => (options.isl = 13))).toContain(
      "cells[0].workload.options.isl: brings bad luck",
    );
  });

  test("are named by the option where the engine's key repeats them", async () => {
    const change = (copy: any) => (copy.arms[0].engine.options.workers = 4);
    expect((await faultsAfter(change))[0]).toBe(
      "arms[0].engine.options.workers: is 4 and must be 8 by the arm's engineKey",
    );
  });

  test("that are secret are not repeated", async () => {
    const faults = await faultsAfter((copy) => (copy.arms[0].engine.options.apiKey = ["s3cret"]));
    expect(faults).toContain(
      "arms[0].engine.options.apiKey: does not have the form that it must have",
    );
    expect(faults.join("\n")).not.toContain("s3cret");
  });

  test("of a plugin that is not there are not looked at", async () => {
    expect(await faultsAfter((copy) => (copy.arms[0].router.name = "kvv"))).toEqual([
      "arms[0].router.name: is kvv, and this dynbench has no such router",
    ]);
  });
});

describe("what follows from other fields", () => {
  const one = async (change: (copy: any) => void) => (await faultsAfter(change))[0];

  test("is planned again and compared", async () => {
    expect(await one((copy) => (copy.cells[0].seed = 7))).toMatch(
      /^cells\[0\]\.seed: is 7 and must be \d+ by the plan's seed/,
    );
    expect(await one((copy) => (copy.seed = 7))).toMatch(/^cells\[0\]\.seed: .*the plan's seed/);
    expect(await one((copy) => (copy.cells[0].id = "r7-kv"))).toMatch(
      /^cells\[0\]\.id: is "r7-kv"/,
    );
    expect(await one((copy) => (copy.cells[0].arm = 9))).toBe(
      "cells[0].arm: is 9, and the plan has 3 arms",
    );
    expect(await one((copy) => (copy.arms[0].plane = "dynamo"))).toBe(
      'arms[0].plane: is "dynamo" and must be "http" by its engine and router',
    );
    expect(await one((copy) => (copy.arms[1].label = "kv"))).toBe(
      "arms[1].label: is that of arms[0]",
    );
  });

  test("a control is its arm again", async () => {
    const twin = plan.arms.findIndex(({ twinOf }) => twinOf !== undefined);
    expect(twin).toBeGreaterThan(0);
    expect(await one((copy) => (copy.arms[twin].router.options.temperature = 1))).toMatch(
      /^arms\[2\]\.router\.options\.temperature: is 1 and must be 0 as in arms\[\d\], which it/,
    );
    expect(await one((copy) => delete copy.arms[twin].twinOf)).toMatch(/routerSeed.*twinOf/);
  });

  test("every arm is measured at every point of every repeat, once", async () => {
    expect(await one((copy) => copy.cells.splice(3, 1))).toMatch(/^cells: has no cell "r0-/);
    expect(await one((copy) => (copy.cells[1] = copy.cells[0]))).toMatch(
      /^cells\[1\]\.id: is that of cells\[0\] too/,
    );
    expect(await one((copy) => (copy.repeats = 4))).toMatch(/^cells: has no cell "r3-.*repeats/);
    expect(await one((copy) => (copy.repeats = 2 ** 63))).toMatch(/^repeats: expected at most/);
  });

  test("cells of a point have one workload, one load, and what the point says", async () => {
    const last = plan.cells.length - 1;
    expect(await one((copy) => (copy.cells[last].workload.options.isl = 7))).toMatch(
      /workload\.options\.isl: is 7 and must be 1000 as in cells\[\d\], which is of the same point/,
    );
    expect(await one((copy) => (copy.cells[0].load.burstiness = 7))).toBe(
      "cells[0].load.burstiness: is 7 and must be 0.5 by the rest of the plan",
    );
  });

  test("a load has all that its arrivals need, and nothing else", async () => {
    expect(await one((copy) => delete copy.cells[0].load.requests)).toBe(
      "cells[0].load.requests: is missing",
    );
    expect(await one((copy) => delete copy.cells[0].load.rateRps)).toBe(
      'cells[0].load.arrival: "gamma" needs a rate',
    );
    expect(await one((copy) => (copy.cells[0].load.tiers[0].share = 0.4))).toBe(
      "cells[0].load.tiers: has shares that do not add up to 1",
    );
    const change = (copy: any) => (copy.cells[0].load.slo.ttftMs = "Infinity");
    expect(await faultsAfter(change, { infinite: true })).toContain(
      "cells[0].load.slo.ttftMs: expected at most 86400000, got Infinity",
    );
  });

  test("a plan whose cells all have one fault has it named a few times", async () => {
    const many = planOf(["repeat", 30]);
    const faults = await faultsAfter(
      (copy) => {
        for (const cell of copy.cells) cell.seed = 1;
      },
      { of: many },
    );
    expect(faults).toHaveLength(21);
    expect(faults.at(-1)).toBe("…: and 40 more");
  });

  test("values of headers are not repeated", async () => {
    const faults = await faultsAfter((copy) => (copy.wire.headers["X-Key"] = "s3cret\r\n"));
    expect(faults).toEqual(["wire.headers.X-Key: is no header in lower case with a value"]);
  });
});

describe("a plan of every bundled plugin", () => {
  const plugins = new PluginSet(BUNDLED);
  const required: Record<string, [string, unknown][]> = {
    "router attach": [["url", ["http://127.0.0.1:1"]]],
    "engine attach": [["worker-url", ["http://127.0.0.1:1"]]],
    "workload mooncake": [
      ["trace", "t.jsonl"],
      ["sweep", ["prefix-root-multiplier=1,3"]],
    ],
    "workload sessions": [["sweep", ["concurrency=1,2", "turns=2,3"]]],
  };
  const named = plugins.all.filter(({ plugin }) => plugin.kind !== "reporter");
  test.each(named.map(({ plugin }) => [plugin.kind, plugin.name] as const))(
    "%s %s is read back as it was",
    async (kind, name) => {
      const options = typed([kind, name], ...(required[`${kind} ${name}`] ?? []));
      const made = buildPlan({ options, engineArgs: [] }, plugins).plan;
      const file = { path: "t.jsonl", bytes: 1, sha256: "0".repeat(64) };
      const stored: Plan = name === "mooncake" ? { ...made, files: [file] } : made;
      const value: unknown = JSON.parse(JSON.stringify(stored));
      expect<Plan>(await checkedPlan(value, "p.json", plugins)).toEqual(stored);
    },
  );
});
