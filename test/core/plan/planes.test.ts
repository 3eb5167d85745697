/** Arms on plane dynamo, and the requirements of the plane for the whole comparison. */
import { describe, expect, test } from "bun:test";
import { BUNDLED } from "../../../plugins/bundled.ts";
import { buildPlan } from "../../../core/plan/build.ts";
import { PlanFaults } from "../../../core/base/errors.ts";
import type { Plan } from "../../../core/contract/plan.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";

function planOf(options: Record<string, unknown>): Plan {
  const typed = Object.entries({ control: "off", ...options }).map(([name, value]) => ({
    name,
    value,
    origin: `--${name}`,
  }));
  return buildPlan({ options: typed, engineArgs: [] }, new PluginSet(BUNDLED)).plan;
}

function faultsOf(options: Record<string, unknown>): string[] {
  try {
    planOf(options);
  } catch (error) {
    if (error instanceof PlanFaults) {
      return error.faults.map(({ path, message }) => `${path}: ${message}`);
    }
    throw error;
  }
  return [];
}

const timings = (plan: Plan): unknown[] => plan.arms.map(({ engine }) => engine.options["timing"]);

describe("the mocker", () => {
  test("has Dynamo's timing on all arms when one is on Dynamo's plane", () => {
    expect(timings(planOf({ router: "kv" }))).toEqual(["l40s"]);
    const plan = planOf({ router: "kv,dynamo" });
    expect(timings(plan).every((timing) => timing === "dynamo")).toBe(true);
  });

  test("cannot have another timing there", () => {
    expect(faultsOf({ router: "dynamo", timing: "h100" })).toEqual([
      `engine.timing: Dynamo's mocker, which serves on plane dynamo, has no timing "h100"`,
    ]);
  });
});

test("the mocker schedules by priority only on HTTP workers", () => {
  expect(faultsOf({ router: "kv", schedulingPolicy: "priority" })).toEqual([]);
  expect(faultsOf({ router: "dynamo", schedulingPolicy: "priority" })).toEqual([
    "engine.schedulingPolicy: Dynamo's mocker, which serves on plane dynamo, serves first come, first served",
  ]);
});

describe("the control pair", () => {
  const arms = (router: string) =>
    planOf({ router }).arms.map(({ label, isControl = false }) => [label, isControl]);

  test("is added where arms are on two planes, one on each", () => {
    expect(arms("kv,dynamo")).toEqual([
      ["kv", false],
      ["dynamo", false],
      ["round-robin", true],
      ["dynamo(mode=round-robin)", true],
    ]);
  });

  test("is the given one, where one is given", () => {
    expect(arms("dynamo:mode=round-robin,round-robin,kv")).toEqual([
      ["dynamo", true],
      ["round-robin", true],
      ["kv", false],
    ]);
  });

  test("is not added on one plane, where others are still compared with round robin", () => {
    expect(arms("kv,round-robin")).toEqual([
      ["kv", false],
      ["round-robin", true],
    ]);
    expect(arms("dynamo")).toEqual([["dynamo", false]]);
  });
});

describe("the plane's settings", () => {
  test("are in the plan where an arm is on it, by default with files and without services", () => {
    expect(planOf({ router: "kv" }).planeSettings).toBeUndefined();
    expect(planOf({ router: "dynamo" }).planeSettings).toEqual({
      ...{ discovery: "file", requestPlane: "tcp", eventPlane: "zmq" },
    });
  });

  test("without effect are faults", () => {
    expect(faultsOf({ router: "kv", discovery: "etcd" })).toEqual([
      "--discovery: has no meaning without an arm on plane dynamo",
    ]);
    expect(faultsOf({ router: "dynamo", "etcd-url": "http://h:1" })).toEqual([
      "plane.etcd-url: nothing would use that etcd",
    ]);
    expect(faultsOf({ router: "dynamo", "nats-url": "nats://h:1" })).toEqual([
      "plane.nats-url: nothing would use that NATS",
    ]);
  });

  test("contain no password", () => {
    const [fault] = faultsOf({ router: "dynamo", "event-plane": "nats", nats: "nats://u:p@h:1" });
    expect(fault).toContain("plane.nats-url: expected nats://HOST:PORT without a password");
  });
});
