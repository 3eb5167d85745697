/** Reporters of a file that each break one rule. `broken.test.ts` checks which test finds it. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defineReporter, DynbenchError, v } from "dynbench";
import type { ReporterContext, ReporterHandle } from "dynbench/report";
import { testReporter } from "../reporter.ts";
import { sampleRun } from "../sample-run.ts";

type Write = (path: string, rows: readonly string[]) => void;

const plainly: Write = (path, rows) => writeFileSync(path, rows.join(""));

function test(
  name: string,
  change: (
    handle: Required<Pick<ReporterHandle, "cell" | "end">>,
    context: ReporterContext,
  ) => ReporterHandle,
  { write = plainly, claims = true }: { write?: Write; claims?: boolean } = {},
): void {
  testReporter({
    reporter: defineReporter({
      name,
      summary: "x",
      options: v.strictObject({ path: v.optional(v.string(), "cells.txt") }),
      open: ({ path }, _plan, context) => {
        const target = resolve(context.runDir, path);
        const rows: string[] = [];
        if (claims) claim(target);
        const cell: ReporterHandle["cell"] = ({ summary }) => {
          rows.push(`${summary.id}\n`);
          write(target, rows);
        };
        return change({ cell, end: () => write(target, rows) }, context);
      },
    }),
    run: sampleRun(),
    file: { option: "path", written: "cells.txt", cellsIn: (text) => text.split("\n").length - 1 },
  });
}

function claim(path: string): void {
  try {
    writeFileSync(path, "");
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot write ${path}`, { cause, hint: "Name another" });
  }
}

test("whole", (handle) => handle);
test("claims-nothing", (handle) => handle, { claims: false });
test("swallows-faults", (handle) => handle, {
  write: (path, rows) => {
    try {
      plainly(path, rows);
    } catch {
      // the fault is swallowed
    }
  },
});
test("writes-at-the-end", ({ end }) => ({ end }));
test("appends", (handle) => ({ cell: handle.cell }), {
  write: (path, rows) => appendFileSync(path, rows.at(-1)!),
});
test("leaves-its-scraps", (handle) => handle, {
  write: (path, rows) => {
    mkdirSync(dirname(path), { recursive: true });
    plainly(`${path}.tmp`, rows);
    plainly(path, rows);
  },
});
test("talks", (handle, { stdout }) => ({
  ...handle,
  cell: (result) => {
    stdout.write(result.summary.id);
    return handle.cell(result);
  },
}));
test("dies-of-no-cells", (handle) => ({
  ...handle,
  end: (run) => {
    if (run.cells.length === 0) throw new Error("no cells");
    return handle.end(run, []);
  },
}));

testReporter({
  reporter: defineReporter({
    name: "wants-an-option",
    summary: "x",
    options: v.strictObject({ path: v.string() }),
    open: () => ({}),
  }),
  run: sampleRun(),
});
