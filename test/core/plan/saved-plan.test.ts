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
  ["header", ["authorization=Bearer s3cret", "x-auth=s3cret", "x-team=blue"]],
  ["body", ['apiKey="s3cret"', "top_k=5"]],
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
  const nothing = { headers: {}, headersFrom: {}, body: {}, engineArgs: [] };

  test("are not in the stored plan", () => {
    expect(JSON.stringify(plan)).toContain("s3cret");
    expect(JSON.stringify(stored)).not.toContain("s3cret");
    expect(stored.wire.headers).toEqual({
      authorization: MASK,
      "x-auth": MASK,
      "x-team": "blue",
    });
    expect(stored.wire.body).toEqual({ apiKey: MASK, top_k: 5 });
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
      'wire.headers: the plan does not hold the value of header "x-auth", which is secret',
      'engine.apiKey: the plan does not hold this option of "mocker", which is secret',
      'engine.apiKey: the plan does not hold this option of "mocker", which is secret',
      'wire.body: the plan does not hold all of body field "apiKey", which is secret',
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

  test("a header or body field that the plan lacks cannot be added, and none can change", () => {
    const faults: Fault[] = [];
    const given = { headers: { "x-other": "1" }, body: { top_k: 6, more: 1 } };
    withSecrets(planOf(["body", ["top_k=5"]]), { ...nothing, ...given }, faults);
    expect(faults.map(({ path }) => path)).toEqual([
      "--header x-other",
      "--body top_k",
      "--body more",
    ]);
  });

  test("that are named by their place stay in the plan, which runs again as it is", () => {
    const named = planOf(
      ["header", ["x-auth=@token.txt"]],
      ["header-env", ["authorization=AUTH_TOKEN"]],
    );
    const again = parsePlan(JSON.parse(JSON.stringify(maskPlan(named, () => []))), "p.json");
    expect(again).toEqual(named);
    expect(again.wire.headersFrom).toEqual({
      "x-auth": { file: "token.txt" },
      authorization: { env: "AUTH_TOKEN" },
    });
    const faults: Fault[] = [];
    expect(withSecrets(again, nothing, faults)).toEqual(named);
    expect(faults).toEqual([]);
  });

  test("body fields are restored, and a header's value may come from a variable instead", () => {
    const open = planOf(["header", ["x-auth=s3cret"]], ["body", ['apiKey="s3cret"']]);
    const faults: Fault[] = [];
    const { wire } = withSecrets(
      maskPlan(open, () => []),
      { ...nothing, headersFrom: { "x-auth": { env: "AUTH" } }, body: { apiKey: "s3cret" } },
      faults,
    );
    expect(faults).toEqual([]);
    expect(wire).toMatchObject({
      headers: {},
      headersFrom: { "x-auth": { env: "AUTH" } },
      body: { apiKey: "s3cret" },
    });
  });
});

describe("secret engine arguments", () => {
  const engineArgs = ["--seed", "1", "--api-key", "s3cret", "--hf-token=s3cret"];
  const saved = maskPlan(buildPlan({ options: [], engineArgs }, samplePlugins()).plan, () => []);
  const again = (given: readonly string[]) => {
    const faults: Fault[] = [];
    const nothing = { headers: {}, headersFrom: {}, body: {} };
    return { plan: withSecrets(saved, { ...nothing, engineArgs: given }, faults), faults };
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

  test("settings of whole numbers are not among them", () => {
    const settings = ["--long-prefill-token-threshold", "512"];
    const { plan } = buildPlan({ options: [], engineArgs: settings }, samplePlugins());
    expect(maskPlan(plan, () => [])).toEqual(plan);
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
