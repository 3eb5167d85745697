/**
 * Registers `dynbench` and `dynbench/testing` in a test process: `dynbench plugin test` runs this
 * before a plugin's tests.
 */
import * as kit from "../../core/kit.ts";
import * as testing from "./testing.ts";

Bun.plugin({
  name: "dynbench",
  setup: (build) => {
    build.module("dynbench", () => ({ exports: { ...kit }, loader: "object" }));
    build.module("dynbench/testing", () => ({ exports: { ...testing }, loader: "object" }));
  },
});
