#!/usr/bin/env bun
/**
 * The composition root: bundled plugins + argv → exit code. The only file in core/ that knows them.
 *
 * The same binary is also its own children (`core/process/child.ts`).
 */
import { BUNDLED } from "../plugins/bundled.ts";
import * as traceFormats from "../plugins/shared/traces/trace-formats.ts";
import { CELL_THREAD, CHILD_ARGUMENT } from "./process/child-argument.ts";
import { IS_COMPILED } from "./process/compiled.ts";
import * as dynbench from "./doors/dynbench.ts";
import * as engine from "./doors/engine.ts";
import * as report from "./doors/report.ts";
import * as trace from "./doors/trace.ts";
import { PluginSet } from "./plugin-folder/plugin-set.ts";

const plugins = new PluginSet(BUNDLED, {
  dynbench,
  "dynbench/engine": engine,
  "dynbench/report": report,
  "dynbench/trace": trace,
  "dynbench/trace-formats": traceFormats,
});
const self = IS_COMPILED ? [process.execPath] : [process.execPath, Bun.main];

if (!Bun.isMainThread && process.argv[2] === CELL_THREAD) {
  (await import("./run/cell-thread.ts")).serveCells(plugins);
} else if (!Bun.isMainThread) {
  await import("./gateway/tokenise-thread.ts");
} else if (process.argv[2] === CHILD_ARGUMENT) {
  const { runChild } = await import("./process/child.ts");
  const roles = {
    gateway: async () => (await import("./gateway/gateway.ts")).startGateway,
    load: async () => (await import("./load/load-child.ts")).runLoad,
  };
  process.exit(await runChild(plugins, roles));
} else {
  const { runCli } = await import("./cli/cli.ts");
  const examples = async () => (await import("../plugins/examples.ts")).EXAMPLES;
  const environment = { plugins, traceFormats: traceFormats.TRACE_FORMATS, self, examples };
  process.exitCode = await runCli(process.argv.slice(2), environment);
}
