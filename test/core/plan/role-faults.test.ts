/** Prefill and decode on different workers: which plans are accepted. */
import { describe, expect, test } from "bun:test";
import { v, defineEngine } from "dynbench";
import type { Engine } from "dynbench/engine";
import { buildPlan } from "../../../core/plan/build.ts";
import { PlanFaults, type Fault } from "../../../core/base/errors.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { surveyPlan } from "../../../core/plan/survey.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";

const split = { "prefill-workers": "2", "decode-workers": "6" };

function planOf(options: Record<string, unknown>, more: readonly Engine[] = []) {
  const typed = Object.entries(options).map(([name, value]) => ({
    name,
    value,
    origin: `--${name}`,
  }));
  const plugins = new PluginSet([...BUNDLED, ...more]);
  return { plan: buildPlan({ options: typed, engineArgs: [] }, plugins).plan, plugins };
}

function faultsOf(...given: Parameters<typeof planOf>): readonly Fault[] {
  try {
    planOf(...given);
  } catch (error) {
    if (error instanceof PlanFaults) return error.faults;
    throw error;
  }
  return [];
}

describe("the mocker", () => {
  test("is split behind every policy", () => {
    for (const router of ["kv", "round-robin", "prefix-hash", "cache-aware"]) {
      expect(faultsOf({ ...split, router })).toEqual([]);
    }
  });

  test("needs both roles, and no other workers", () => {
    expect(faultsOf({ "prefill-workers": "2" })).toMatchObject([
      { path: "engine.prefillWorkers", hint: "Add --decode-workers 1" },
    ]);
    expect(faultsOf({ "decode-workers": "2" })).toMatchObject([
      { path: "engine.decodeWorkers", hint: "Add --prefill-workers 1" },
    ]);
    expect(faultsOf({ ...split, workers: "8" })).toMatchObject([{ path: "engine.workers" }]);
  });

  test("is not split behind a router without support for it", () => {
    const [fault, ...others] = faultsOf({ ...split, router: "direct" });
    expect(others).toEqual([]);
    expect(fault!.message).toBe(
      'router "direct" would not know which workers prefill and which decode',
    );
    expect(fault!.hint).toMatch(/^Routers that do: kv, /);
  });

  test("is split on Dynamo's plane too, where the workers are Dynamo's", () => {
    expect(faultsOf({ ...split, router: "kv,dynamo" })).toEqual([]);
  });

  test("computes prompts on the prefill workers, so round robin's share is computed over them", async () => {
    const share = async (options: Record<string, unknown>): Promise<number> => {
      const { plan, plugins } = planOf({ ...options, router: "kv", "prefix-ratio": "0.5" });
      const { points } = await surveyPlan(plan, plugins, { signal: new AbortController().signal });
      return points[0]!.roundRobinShare;
    };
    expect(await share(split)).toBe(await share({ workers: "2" }));
  });
});

test("an engine that splits only on another plane reports it; one that cannot split has no such options", () => {
  const other = defineEngine({
    name: "other",
    summary: "",
    options: v.strictObject({
      prefillWorkers: v.optional(v.number(), 1),
      decodeWorkers: v.optional(v.number(), 1),
    }),
    planes: ["http", "dynamo"],
    splitsOn: ["dynamo"],
    limits: ({ prefillWorkers, decodeWorkers }) => ({
      workers: prefillWorkers + decodeWorkers,
      prefillWorkers,
    }),
  });
  expect(faultsOf({ engine: "other", router: "kv" }, [other])).toMatchObject([
    {
      message: 'engine "other" does not split prefill and decode on plane "http"',
      hint: "It does on plane dynamo, with a router of it: dynamo",
    },
  ]);
  expect(faultsOf({ engine: "other", router: "dynamo" }, [other])).toEqual([]);
  expect(
    faultsOf({ engine: "attach", "worker-url": "http://h:1", "prefill-workers": "1" })[0],
  ).toMatchObject({
    path: "--prefill-workers",
    message: 'is an option of engine "mocker", which is not chosen',
  });
});
