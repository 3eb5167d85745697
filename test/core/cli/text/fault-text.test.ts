/** The text of a fault: whole lines in a file, lines of the terminal's width on a terminal. */
import { expect, test } from "bun:test";
import { faultText } from "../../../../core/cli/text/fault-text.ts";
import { DynbenchError, PlanFaults } from "../../../../core/base/errors.ts";

const plugins = { all: [] };
const textOf = (error: unknown, columns?: number): string =>
  faultText(error, { debug: false, plugins, columns }).text;

const death = new DynbenchError(
  "load",
  "worker-0 died during the run (exit code 1): out of memory",
  {
    hint: "Lower --max-model-len or take fewer sequences\nLast lines of /a/log:\n  one two three four five six seven",
  },
);

test("on a terminal lines break at spaces and stay indented", () => {
  expect(textOf(death, 30)).toBe(
    [
      "worker-0 died during the run",
      "(exit code 1): out of memory",
      "Lower --max-model-len or take",
      "fewer sequences",
      "Last lines of /a/log:",
      "  one two three four five six",
      "  seven",
      "",
    ].join("\n"),
  );
});

test("elsewhere they stay whole, so that they can be searched", () => {
  expect(textOf(death)).toBe(`${death.message}\n${death.hint}\n`);
});

test("faults of a plan and their hints too", () => {
  const faults = new PlanFaults([
    {
      path: "workload.isl",
      message: "expected at most 100000, got 1000000",
      hint: "Use a smaller one, please",
    },
  ]);
  expect(textOf(faults, 26)).toBe(
    [
      "The command has a fault:",
      "  workload.isl: expected",
      "  at most 100000, got",
      "  1000000",
      "    Use a smaller one,",
      "    please",
      "",
    ].join("\n"),
  );
});

test("control characters that were typed are printed as text", () => {
  const fault = new DynbenchError("plan", 'There is no command "\u001b[2Jrun\r\u009b"');
  expect(textOf(fault)).toBe('There is no command "\\x1b[2Jrun\\x0d\\x9b"\n');
});
