#!/usr/bin/env node
// Starts the binary of the package for this platform, and ends as it ends.
"use strict";
const { spawn } = require("node:child_process");
const { readFileSync } = require("node:fs");

const manifest = JSON.parse(readFileSync(require.resolve("./package.json"), "utf8"));

/** Both names where the C library is unknown: the installed package is the right one. */
function candidates() {
  const name = `dynbench-${process.platform}-${process.arch}`;
  if (process.platform !== "linux") return [name];
  const { glibcVersionRuntime } = process.report.getReport().header;
  const ofGlibc = glibcVersionRuntime !== undefined;
  return ofGlibc ? [name, `${name}-musl`] : [`${name}-musl`, name];
}

function binary() {
  for (const name of candidates()) {
    try {
      return require.resolve(`${name}/dynbench`);
    } catch {
      // not installed
    }
  }
  const offered = Object.keys(manifest.optionalDependencies);
  const wanted = candidates()[0];
  console.error(
    offered.includes(wanted)
      ? `dynbench: the package ${wanted} is not installed. Install again, without --omit=optional.`
      : `dynbench: there is no binary for ${process.platform} on ${process.arch}. Packages: ${offered.join(", ")}`,
  );
  process.exit(1);
}

// Before the child starts, so that no signal finds nobody: it is passed on once the child is there.
// Ctrl-C in a terminal reaches the child by itself; it decides how to end. A signal to us alone is passed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => {
  console.error(`dynbench: cannot start the binary: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
