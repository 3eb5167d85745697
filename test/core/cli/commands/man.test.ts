import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../../core/cli/options/command-list.ts";
import { escaped, manPage } from "../../../../core/cli/commands/man.ts";
import { optionSpecs } from "../../../../core/plan/option-spec.ts";
import { LoadOptions, RunOptions } from "../../../../core/plan/run-options.ts";
import { PluginSet } from "../../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../../plugins/bundled.ts";
import { TRACE_FORMATS } from "../../../../plugins/shared/traces/trace-formats.ts";

const page = manPage(
  { plugins: new PluginSet(BUNDLED), traceFormats: TRACE_FORMATS },
  { version: "1.2.3", date: "2026-01-02" },
);

/** The page as a reader sees it. */
function rendered(): string {
  const { stdout } = Bun.spawnSync(["mandoc", "-T", "utf8", "-O", "width=400"], {
    stdin: Buffer.from(page),
  });
  return stdout.toString().replaceAll(/.\x08/g, "");
}

describe("the manual page", () => {
  test.skipIf(Bun.which("mandoc") === null)(
    "shows every command, option of a run and plugin (skipped without mandoc)",
    () => {
      const shown = rendered();
      const options = [...optionSpecs(RunOptions), ...optionSpecs(LoadOptions)];
      const wanted = [
        ...Object.values(COMMANDS),
        ...options.map(({ flag }) => `--${flag}`),
        ...BUNDLED.flatMap(({ summary, options: own }) => [
          summary.replaceAll(/\s+/g, " "),
          ...optionSpecs(own).map(({ flag }) => flag),
        ]),
      ];
      expect(wanted.filter((words) => !shown.includes(words))).toEqual([]);
    },
  );

  test.skipIf(Bun.which("mandoc") === null)(
    "mandoc finds no error (skipped without mandoc)",
    () => {
      const lint = Bun.spawnSync(["mandoc", "-T", "lint", "-W", "warning"], {
        stdin: Buffer.from(page),
      });
      expect(lint.stdout.toString()).toBe("");
    },
  );

  test("text that roff would read as a command is escaped", () => {
    expect(escaped('a\\b "c" --d\ne')).toBe("a\\eb \\(dqc\\(dq \\-\\-d e");
    expect(page.split("\n").filter((line) => /^['.](?![A-Z]{1,2}( |$))/.test(line))).toEqual([]);
  });
});
