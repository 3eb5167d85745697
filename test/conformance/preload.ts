/**
 * Registers the doors for plugins and `dynbench/testing` in a test process: `dynbench plugin test`
 * runs this before a plugin's tests.
 */
import * as dynbench from "../../core/doors/dynbench.ts";
import * as engine from "../../core/doors/engine.ts";
import * as report from "../../core/doors/report.ts";
import * as trace from "../../core/doors/trace.ts";
import * as traceFormats from "../../plugins/shared/traces/trace-formats.ts";
import * as testing from "./testing.ts";

// What a test starts is this program, and no longer Bun.
delete process.env.BUN_BE_BUN;
delete process.env.BUN_FEATURE_FLAG_NO_ORPHANS;

const modules = {
  dynbench,
  "dynbench/engine": engine,
  "dynbench/report": report,
  "dynbench/trace": trace,
  "dynbench/trace-formats": traceFormats,
  "dynbench/testing": testing,
};

Bun.plugin({
  name: "dynbench",
  setup: (build) => {
    for (const [name, exports] of Object.entries(modules)) {
      build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
    }
  },
});
