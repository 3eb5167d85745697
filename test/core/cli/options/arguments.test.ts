import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { parseArguments, valuesOf } from "../../../../core/cli/options/arguments.ts";
import { faultText } from "../../../../core/cli/text/fault-text.ts";
import { DynbenchError, PlanFaults } from "../../../../core/base/errors.ts";
import { optionSpecs } from "../../../../core/plan/option-spec.ts";

const specs = optionSpecs(
  v.strictObject({
    isl: v.number(),
    router: v.array(v.string()),
    json: v.pipe(v.optional(v.boolean(), false), v.metadata({ aliases: ["as-json"] })),
  }),
);
const read = (...argv: string[]) => {
  const { options, ...rest } = parseArguments(argv, specs);
  return { ...rest, options: options.map(({ name, value }) => [name, value]) };
};

describe("arguments", () => {
  test("flags take their value either way, switches none", () => {
    expect(read("--isl", "5", "--router=a=b", "--json", "word", "--no-as-json").options).toEqual([
      ["isl", "5"],
      ["router", "a=b"],
      ["json", true],
      ["as-json", false],
    ]);
    expect(read("--json", "word").positionals).toEqual(["word"]);
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
    expect(options).toEqual([["isl", "5"]]);
  });

  test("qualified switches are switches", () => {
    expect(read("--run.json", "word").positionals).toEqual(["word"]);
  });

  test("values of a flag are found before anything else is known", () => {
    const argv = ["--plugin", "a.ts", "--plugin=b.ts", "--plugin", "--", "--plugin", "c.ts"];
    expect(valuesOf(argv, "plugin")).toEqual(["a.ts", "b.ts"]);
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
    expect(ours.text).toContain("arguments.test.ts");
  });

  test("the first fault is reported, not the one of cleaning up after it", () => {
    const first = new DynbenchError("load", "Cannot go on");
    const both = new SuppressedError(new Error("cleaning up"), first);
    expect(faultText(both, QUIET).text).toBe("Cannot go on\n");
  });
});
