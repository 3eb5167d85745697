/** The requirement on the names of options that all kinds share. */
import { expect, test } from "bun:test";
import type { AnyPlugin } from "dynbench";
import { clashingNames } from "../../core/plan/run-scopes.ts";

/** An option with a name of the run is reached behind the plugin's kind alone: `--router.warmup`. */
export function testOwnNames(plugin: AnyPlugin): void {
  test("has no option with a name of the run", () => {
    expect(clashingNames(plugin)).toEqual([]);
  });
}
