/** What a survey finds in a trace before anything starts: requests that are too large, and too few of them. */
import { describe, expect, test } from "bun:test";
import { buildPlan } from "../../../core/plan/build.ts";
import { surveyForRun, surveyPlan } from "../../../core/plan/survey.ts";
import type { Plan } from "../../../core/contract/plan.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";
import { scratchFile } from "../../plugins/workloads/scratch-file.ts";
import { typed } from "./sample-plugins.ts";

const plugins = new PluginSet(BUNDLED);
const { signal } = new AbortController();

/** Ten rows, of which two have 40,000 prompt tokens. */
const rows = Array.from({ length: 10 }, (_, i) => ({
  ...{ timestamp: i, input_length: i < 2 ? 40_000 : 500, output_length: 5 },
  hash_ids: Array.from({ length: i < 2 ? 79 : 1 }, (_block, k) => 100 * i + k),
}));
const trace = scratchFile("survey.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const planOf = (...pairs: readonly (readonly [string, unknown])[]): Plan =>
  buildPlan(
    { options: typed(["workload", "mooncake"], ["trace", trace], ...pairs), engineArgs: [] },
    plugins,
  ).plan;

const TOO_LARGE =
  'a request of 40000 prompt and 5 output tokens exceeds the context of "mocker", 32768 tokens; ' +
  "2 of 10 requests are too large";
const HELP =
  "Raise the limit with --max-model-len 40005 (a larger --gpu holds more), or leave long prompts out " +
  "with --max-isl 32763";

describe("requests that are too large for the model", () => {
  test("are counted, with the options that help, before a live run", async () => {
    for (const survey of [
      surveyPlan(planOf(), plugins, { signal }),
      surveyForRun(planOf(), plugins, signal),
    ]) {
      expect((await survey).faults).toEqual([
        expect.objectContaining({ path: "workload", message: TOO_LARGE, hint: HELP }),
      ]);
    }
    const raised = planOf(["max-model-len", "40005"]);
    expect((await surveyForRun(raised, plugins, signal)).faults).toEqual([]);
  });

  test("are a note before a simulation, in which they fail as on the engine", async () => {
    const plan = planOf(["clock", "virtual"]);
    const survey = await surveyForRun(plan, plugins, signal);
    expect([survey.faults, survey.notes]).toEqual([[], [`${TOO_LARGE}. ${HELP}`]]);
  });
});

test("a load that asks for more requests than the trace has is noted, on both clocks", async () => {
  const asked = [
    ["requests", "30"],
    ["max-model-len", "50000"],
  ] as const;
  const note =
    "mooncake has 10 of the 30 requests that --requests asks for, and no more are sent; " +
    "--synthesize draws as many as are asked for";
  for (const clock of ["wall", "virtual"]) {
    const survey = await surveyForRun(planOf(["clock", clock], ...asked), plugins, signal);
    expect(survey.notes).toEqual([note]);
  }
  const drawn = planOf(["clock", "virtual"], ["synthesize", true], ...asked);
  expect((await surveyForRun(drawn, plugins, signal)).notes).not.toContain(note);
  const fewer = planOf(["requests", "10"], ["max-model-len", "50000"]);
  expect((await surveyForRun(fewer, plugins, signal)).notes).toEqual([]);
});
