/**
 * Registers `dynbench` and `dynbench/testing` in a test process: `dynbench plugin test` runs this
 * before a plugin's tests.
 */
import * as kit from "../../core/doors/dynbench.ts";
import * as testing from "./testing.ts";

// What a test starts is this program, and no longer Bun.
delete process.env.BUN_BE_BUN;
delete process.env.BUN_FEATURE_FLAG_NO_ORPHANS;

Bun.plugin({
  name: "dynbench",
  setup: (build) => {
    build.module("dynbench", () => ({ exports: { ...kit }, loader: "object" }));
    build.module("dynbench/testing", () => ({ exports: { ...testing }, loader: "object" }));
  },
});
