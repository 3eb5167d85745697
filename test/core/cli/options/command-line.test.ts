import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { pluginOptions } from "../../../../core/cli/options/added-plugins.ts";
import { judgeTokens } from "../../../../core/cli/options/arguments.ts";
import { readCommandLine } from "../../../../core/cli/options/command-line.ts";
import { faultText } from "../../../../core/cli/text/fault-text.ts";
import { DynbenchError, PlanFaults } from "../../../../core/base/errors.ts";
import { optionSpecs } from "../../../../core/plan/option-spec.ts";

const specs = optionSpecs(
  v.strictObject({
    isl: v.number(),
    router: v.array(v.string()),
    out: v.optional(v.string()),
    json: v.pipe(v.optional(v.boolean(), false), v.metadata({ aliases: ["as-json"] })),
  }),
);
const RUN = { kind: "run", specs };

const judged = (
  argv: readonly string[],
  scopes: Parameters<typeof judgeTokens>[1],
  how?: Parameters<typeof judgeTokens>[2],
) => {
  const line = readCommandLine(["run", ...argv]);
  const { options, ...rest } = judgeTokens(line.tokens, scopes, how);
  return { ...line, ...rest, options: options.map(({ name, value }) => [name, value]) };
};
const read = (...argv: string[]) => judged(argv, [RUN]);

describe("the command line", () => {
  test("flags take their value either way, switches none", () => {
    expect(read("--isl", "5", "--router=a=b", "--json", "word", "--no-as-json").options).toEqual([
      ["isl", "5"],
      ["router", "a=b"],
      ["json", true],
      ["as-json", false],
    ]);
    expect(read("--json", "word").words).toEqual(["word"]);
  });

  test("a negative number is a value, another flag is not", () => {
    expect(read("--isl", "-5").options).toEqual([["isl", "-5"]]);
    expect(read("--isl", "--json").faults).toEqual([
      { path: "--isl", message: "needs a value", hint: "--isl VALUE or --isl=VALUE" },
    ]);
  });

  test("an unknown flag without a value is reported as unknown, not as lacking a value", () => {
    expect(read("--foo")).toMatchObject({ options: [["foo", true]], faults: [] });
  });

  test("everything after -- goes to the engine unchanged", () => {
    const { engineArgs, options } = read("--isl", "5", "--", "--isl", "6", "--", "-x");
    expect(engineArgs).toEqual(["--isl", "6", "--", "-x"]);
    expect(read("--isl", "5").hasSeparator).toBe(false);
    expect(read("--").hasSeparator).toBe(true);
    expect(options).toEqual([["isl", "5"]]);
  });

  test("qualified switches are switches", () => {
    expect(read("--run.json", "word").words).toEqual(["word"]);
  });

  test("a list with spaces is a list with commas, where no word stands by itself", () => {
    const spaced = (...argv: string[]) => judged(argv, [RUN], { spaced: true });
    expect(spaced("--router", "kv", "round-robin", "--isl", "1,", "2", "3").options).toEqual([
      ["router", "kv,round-robin"],
      ["isl", "1,,2,3"],
    ]);
    expect(spaced("--out", "a", "b", "--json", "c")).toMatchObject({
      options: [
        ["out", "a"],
        ["json", true],
      ],
      words: ["b", "c"],
    });
    expect(read("--router", "kv", "round-robin").words).toEqual(["round-robin"]);
  });

  test("of two options of one name the first counts, or the one that is qualified", () => {
    const own = optionSpecs(v.strictObject({ isl: v.boolean() }));
    const scopes = [RUN, { kind: "router", plugin: "x", specs: own }];
    expect(judged(["--isl", "10"], scopes)).toMatchObject({ options: [["isl", "10"]], words: [] });
    for (const name of ["router.isl", "x.isl"]) {
      expect(judged([`--${name}`, "10"], scopes)).toMatchObject({
        options: [[name, true]],
        words: ["10"],
      });
    }
  });

  test("options of plugins are read before it is known which options there are", () => {
    const argv = ["--plugin", "a.ts", "--plugin=b.ts", "--plugin", "--", "--plugin", "c.ts"];
    expect(pluginOptions(readCommandLine(["run", ...argv]), [])).toEqual({
      plugin: ["a.ts", "b.ts"],
      pluginFolder: undefined,
      noPlugins: false,
    });
    const line = readCommandLine(["run", "--no-plugins", "word", "--run.plugin-folder", "here"]);
    const fromConfig = [{ name: "plugin", value: ["c.ts"], origin: "a.yaml: plugin" }];
    expect(pluginOptions(line, fromConfig)).toEqual({
      plugin: ["c.ts"],
      pluginFolder: "here",
      noPlugins: true,
    });
    const config = [{ name: "run.no-plugins", value: true, origin: "a.yaml: run.no-plugins" }];
    expect(pluginOptions(readCommandLine(["run"]), config).noPlugins).toBe(true);
  });

  test("--help and --debug are the program's own, before a lone -- alone", () => {
    const line = readCommandLine(["--debug", "run", "--isl", "--help", "5", "--", "--debug", "-h"]);
    expect(line).toMatchObject({ command: "run", wantsHelp: true, debug: true });
    expect(line.tokens).toEqual([{ name: "isl", value: undefined, isAttached: false }, "5"]);
    expect(line.typed).toEqual(["--isl", "--help", "5", "--", "--debug", "-h"]);
    const engine = readCommandLine(["run", "--", "--debug", "--help"]);
    expect(engine).toMatchObject({ wantsHelp: false, debug: false, tokens: [] });
  });
});

const QUIET = { debug: false, plugins: { all: [] } };

describe("faults on the terminal", () => {
  test("one fault is one, several are counted, hints are set in", () => {
    const one = faultText(
      new PlanFaults([{ path: "a", message: "is bad", hint: "mend it" }]),
      QUIET,
    );
    expect(one).toEqual({
      text: "The command has a fault:\n  a: is bad\n    mend it\n",
      exitCode: 2,
    });
    const two = faultText(
      new PlanFaults([
        { path: "a", message: "x" },
        { path: "b", message: "y" },
      ]),
      QUIET,
    );
    expect(two.text).toBe("The command has 2 faults:\n  a: x\n  b: y\n");
  });

  test("faults that a user can act on have no stack, dynbench's own faults have one", () => {
    const theirs = faultText(
      new DynbenchError("start", "Cannot start x", { hint: "try y" }),
      QUIET,
    );
    expect(theirs).toEqual({ text: "Cannot start x\ntry y\n", exitCode: 3 });
    const ours = faultText(new TypeError("x is undefined"), QUIET);
    expect(ours.exitCode).toBe(1);
    expect(ours.text).toContain("command-line.test.ts");
  });

  test("the first fault is reported, not the one of cleaning up after it", () => {
    const first = new DynbenchError("load", "Cannot go on");
    const both = new SuppressedError(new Error("cleaning up"), first);
    expect(faultText(both, QUIET).text).toBe("Cannot go on\n");
  });
});
