/** Names of the run, which plugins cannot have for themselves. */
import { expect, test } from "bun:test";
import * as v from "valibot";
import { clashingNames } from "../../../core/plan/run-scopes.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";

test("a plugin's flags and aliases that a run has are found, in any spelling", () => {
  const options = v.strictObject({
    warmup: v.boolean(),
    own: v.pipe(v.number(), v.metadata({ aliases: ["num-requests", "theirs"] })),
    promptForm: v.optional(v.string()),
  });
  expect(clashingNames({ kind: "router", options } as never)).toEqual([
    ...["warmup", "num-requests", "prompt-form"],
  ]);
  expect(clashingNames({ kind: "reporter", options } as never)).toEqual([]);
});

test("no bundled plugin has one", () => {
  expect(BUNDLED.flatMap(clashingNames)).toEqual([]);
});
