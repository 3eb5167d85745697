/** Plugins with options and no behaviour, to make plans of known parts. */
import * as v from "valibot";
import { buildPlan, type BuiltPlan } from "../../../core/plan/build.ts";
import type { RawOption } from "../../../core/plan/raw-option.ts";
import { DynbenchError, PlanFaults } from "../../../core/base/errors.ts";
import { defineEngine } from "../../../core/contract/engine.ts";
import { defineReporter } from "../../../core/contract/reporter.ts";
import { defineRouter, type RouterTraits } from "../../../core/contract/router.ts";
import { defineWorkload } from "../../../core/contract/workload.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";

const whole = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e9));

const engine = (name: string) =>
  defineEngine({
    name,
    summary: "",
    options: v.strictObject({
      workers: v.pipe(
        v.optional(whole, 8),
        v.metadata({ aliases: ["num-workers", "shared-name"] }),
      ),
      gpu: v.optional(v.picklist(["L40S", "H100"]), "L40S"),
      apiKey: v.pipe(v.optional(v.string()), v.metadata({ secret: true })),
    }),
    planes: ["http"],
    takesArguments: name === "mocker",
    check: ({ gpu }, { name: router }) =>
      name === "other" && gpu === "H100" && router !== "outside"
        ? [{ path: "gpu", message: `does not go with ${router}` }]
        : [],
    start: () => Promise.reject(new Error("a plan starts nothing")),
  });

const router = (name: string, traits: Partial<RouterTraits> = {}) =>
  defineRouter({
    name,
    aliases: [`${name}-router`],
    summary: "",
    plane: "http",
    options: v.strictObject({
      temperature: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
      overlapCredit: v.optional(v.number(), 1),
    }),
    traits: () => ({
      accepts: ["ids", "text", "chat"],
      affinity: false,
      spreads: false,
      kvEvents: false,
      ...traits,
    }),
    policy: () => {
      throw new Error("a plan asks no policy");
    },
  });

const workload = defineWorkload({
  name: "prefix",
  summary: "",
  options: v.strictObject({
    isl: v.pipe(v.optional(whole, 1000), v.metadata({ aliases: ["shared-name"] })),
    prefixRatio: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.5),
      v.metadata({ aliases: ["prefix-ratios"], sweep: [0.1, 0.5] }),
    ),
    sampling: v.optional(v.picklist(["shuffle", "replace"]), "shuffle"),
    tags: v.optional(v.array(v.string()), []),
    // Also an option of every router here, so it must be qualified.
    temperature: v.optional(v.number(), 0),
  }),
  load: { arrival: "closed", concurrency: 20, requests: 200 },
  check: ({ isl }) => (isl === 13 ? [{ path: "isl", message: "brings bad luck" }] : []),
  requests: () => [],
});

const reporter = (name: string) =>
  defineReporter({
    name,
    summary: "",
    options: v.strictObject({
      path: v.optional(v.pipe(v.string(), v.nonEmpty("must name a file")), name),
      workers: v.optional(v.boolean(), false), // an engine's option too: options of reporters never conflict
      password: v.pipe(v.optional(v.string()), v.metadata({ secret: true })),
    }),
    open: () => ({}),
  });

export function samplePlugins(): PluginSet {
  return new PluginSet([
    engine("mocker"),
    engine("other"),
    router("kv"),
    router("round-robin"),
    router("chatty", { accepts: ["chat"] }),
    router("texty", { accepts: ["text"] }),
    defineRouter({
      name: "outside",
      summary: "",
      plane: "http",
      defaultEngine: "other",
      options: v.strictObject({}),
      traits: () => ({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false }),
      start: () => Promise.reject(new Error("a plan starts nothing")),
    }),
    defineRouter({
      name: "namesake",
      summary: "",
      plane: "http",
      options: v.strictObject({ warmup: v.optional(v.boolean(), false) }),
      traits: () => ({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false }),
      start: () => Promise.reject(new Error("a plan starts nothing")),
    }),
    defineRouter({
      name: "needy",
      summary: "",
      plane: "http",
      options: v.strictObject({ url: v.string() }),
      traits: () => ({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false }),
      start: () => Promise.reject(new Error("a plan starts nothing")),
    }),
    defineRouter({
      name: "dynamo",
      summary: "",
      plane: "dynamo",
      options: v.strictObject({}),
      traits: () => ({ accepts: ["chat"], affinity: false, spreads: false, kvEvents: false }),
      start: () => Promise.reject(new Error("a plan starts nothing")),
    }),
    workload,
    reporter("page"),
    reporter("table"),
  ]);
}

/** Options as typed: `--isl 5` is `["isl", "5"]`. */
export function typed(...pairs: readonly (readonly [string, unknown])[]): RawOption[] {
  return pairs.map(([name, value]) => ({ name, value, origin: `--${name}` }));
}

export function planOf(...pairs: readonly (readonly [string, unknown])[]): BuiltPlan["plan"] {
  return buildPlan({ options: typed(...pairs), engineArgs: [] }, samplePlugins()).plan;
}

/** `path: message` of every fault that the options make. */
export function faultsOf(...pairs: readonly (readonly [string, unknown])[]): string[] {
  return faultsBy(() => planOf(...pairs));
}

/** The hint of the first fault that the options make. */
export function hintOf(...pairs: readonly (readonly [string, unknown])[]): string | undefined {
  try {
    planOf(...pairs);
  } catch (error) {
    if (error instanceof PlanFaults) return error.faults[0]!.hint;
    throw error;
  }
  throw new Error("made a plan");
}

export function faultsBy(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (error instanceof PlanFaults) {
      return error.faults.map(({ path, message }) => `${path}: ${message}`);
    }
    if (error instanceof DynbenchError) return [error.message];
    throw error;
  }
  return [];
}
