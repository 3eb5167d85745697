import { describe, expect, test } from "bun:test";
import { buildPlan } from "../../../core/plan/build.ts";
import { parsePlan } from "../../../core/plan/saved-plan.ts";
import { MASK } from "../../../core/plan/secret-words.ts";
import { maskPlan, withSecrets } from "../../../core/plan/secrets.ts";
import type { Fault } from "../../../core/base/errors.ts";
import { planOf, samplePlugins, typed } from "./sample-plugins.ts";

const plan = planOf(
  ["router", "kv,round-robin"],
  ["control", "off"],
  ["header", ["authorization=Bearer s3cret", "x-team=blue"]],
  ["api-key", "s3cret"],
);
const stored = maskPlan(plan, ({ kind }) => (kind === "engine" ? ["apiKey"] : []));

describe("a saved plan", () => {
  test("is read back as it was", () => {
    const text = JSON.stringify({ ...plan, survey: [], processes: [] });
    expect(parsePlan(JSON.parse(text), "p.json")).toEqual(plan);
  });
});

describe("secrets", () => {
  const nothing = { headers: {}, engineArgs: [] };

  test("are not in the stored plan", () => {
    expect(JSON.stringify(plan)).toContain("s3cret");
    expect(JSON.stringify(stored)).not.toContain("s3cret");
    expect(stored.wire.headers).toEqual({ authorization: MASK, "x-team": "blue" });
  });

  test("a plan without secrets is stored unchanged", () => {
    const open = planOf();
    expect(maskPlan(open, () => [])).toEqual(open);
  });

  test("are required before the plan runs again, and restored", () => {
    const faults: Fault[] = [];
    withSecrets(stored, nothing, faults);
    expect(faults.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'wire.headers: the plan does not hold the value of header "authorization", which is secret',
      'engine.apiKey: the plan does not hold this option of "mocker", which is secret',
      'engine.apiKey: the plan does not hold this option of "mocker", which is secret',
    ]);
    const headersOnly = maskPlan(planOf(["header", ["authorization=Bearer s3cret"]]), () => []);
    const none: Fault[] = [];
    const complete = withSecrets(
      headersOnly,
      { ...nothing, headers: { authorization: "Bearer s3cret" } },
      none,
    );
    expect(none).toEqual([]);
    expect(complete.wire.headers).toEqual({ authorization: "Bearer s3cret" });
  });

  test("a header that the plan lacks cannot be added", () => {
    const faults: Fault[] = [];
    withSecrets(planOf(), { ...nothing, headers: { "x-other": "1" } }, faults);
    expect(faults).toEqual([{ path: "--header x-other", message: "cannot change a saved plan" }]);
  });
});

describe("secret engine arguments", () => {
  const engineArgs = ["--seed", "1", "--api-key", "s3cret", "--hf-token=s3cret"];
  const saved = maskPlan(buildPlan({ options: [], engineArgs }, samplePlugins()).plan, () => []);
  const again = (given: readonly string[]) => {
    const faults: Fault[] = [];
    return { plan: withSecrets(saved, { headers: {}, engineArgs: given }, faults), faults };
  };

  test("are masked in the plan, and required before it runs again", () => {
    expect(saved.engineArgs).toEqual(["--seed", "1", "--api-key", MASK, `--hf-token=${MASK}`]);
    expect(again([]).faults).toEqual([
      {
        path: "--",
        message: "the plan does not hold all of its engine arguments: some are secret",
        hint: "Give them again: -- --seed 1 --api-key VALUE --hf-token=VALUE",
      },
    ]);
  });

  test("complete the plan when given again, and nothing else may differ", () => {
    expect(again(engineArgs)).toMatchObject({ plan: { engineArgs }, faults: [] });
    const other = engineArgs.with(1, "2");
    expect(again(other).faults[0]!.message).toBe("engine arguments cannot change a saved plan");
  });
});

test("the same options give the same plan", () => {
  const make = () =>
    buildPlan({ options: typed(["isl", "5"]), engineArgs: [] }, samplePlugins()).plan;
  expect(make()).toEqual(make());
});
