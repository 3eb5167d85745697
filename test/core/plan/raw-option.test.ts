import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { flagOf, keyOf, optionSpecs } from "../../../core/plan/option-spec.ts";
import { coerce, splitList } from "../../../core/plan/raw-option.ts";
import { didYouMean, editDistance } from "../../../core/base/suggest.ts";

const schema = v.strictObject({
  count: v.pipe(v.number(), v.description("how many")),
  isFast: v.optional(v.boolean(), false),
  gpu: v.pipe(v.optional(v.picklist(["L40S", "H100"]), "L40S"), v.description("which")),
  sizes: v.optional(v.array(v.number()), [1, 2]),
  tags: v.pipe(v.optional(v.array(v.string()), []), v.metadata({ verbatim: true })),
  extra: v.optional(v.record(v.string(), v.unknown())),
  key: v.pipe(v.optional(v.string()), v.metadata({ secret: true, aliases: ["api-key"] })),
});
const specs = optionSpecs(schema);
const spec = (key: string) => specs.find((one) => one.key === key)!;

describe("specs", () => {
  test("have the fields of the schema", () => {
    expect(specs.map(({ key, flag, type }) => [key, flag, type])).toEqual([
      ["count", "count", "number"],
      ["isFast", "is-fast", "boolean"],
      ["gpu", "gpu", "string"],
      ["sizes", "sizes", "list"],
      ["tags", "tags", "list"],
      ["extra", "extra", "record"],
      ["key", "key", "string"],
    ]);
    expect(spec("count")).toMatchObject({ isRequired: true, description: "how many" });
    expect(spec("gpu")).toMatchObject({ choices: ["L40S", "H100"], default: "L40S" });
    expect(spec("sizes")).toMatchObject({ itemType: "number", default: [1, 2], isRequired: false });
    expect(spec("key")).toMatchObject({ isSecret: true, aliases: ["api-key"] });
  });

  test("a type that no flag can hold is a fault of the plugin's author", () => {
    expect(() => optionSpecs(v.strictObject({ when: v.date() }))).toThrow(
      'option "when": a date schema cannot be given as a flag',
    );
  });

  test("have the range over which a number may be tuned", () => {
    const tune = { from: 0.1, to: 10, scale: "log" } as const;
    const tuned = v.strictObject({
      weight: v.pipe(v.optional(v.number(), 1), v.metadata({ tune })),
      inside: v.optional(v.pipe(v.number(), v.metadata({ tune })), 1),
      fixed: v.optional(v.number(), 1),
    });
    expect(optionSpecs(tuned).map((one) => one.tune)).toEqual([tune, tune, undefined]);
  });

  test.each([
    [v.string(), { from: 1, to: 2, scale: "linear" }, "it refuses 1"],
    [v.array(v.number()), { from: 1, to: 2, scale: "linear" }, "it refuses 1"],
    [v.number(), { from: 2, to: 2, scale: "linear" }, "from 2 to 2 is no range"],
    [v.number(), { from: NaN, to: 2, scale: "linear" }, "from NaN to 2 is no range"],
    [v.number(), { from: 0, to: 2, scale: "log" }, "a log scale cannot begin at 0"],
    [v.number(), { from: 1, to: 2, scale: "square" }, 'its scale is "square"'],
    [v.pipe(v.number(), v.maxValue(9)), { from: 1, to: 10, scale: "log" }, "it refuses 10"],
    [v.pipe(v.number(), v.integer()), { from: 0.5, to: 10, scale: "log" }, "it refuses 0.5"],
  ])("refuse a range that cannot be tuned over (%#)", (schema, tune, fault) => {
    const option = v.pipe(schema as v.GenericSchema, v.metadata({ tune }));
    expect(() => optionSpecs(v.strictObject({ knob: option }))).toThrow(
      `option "knob" cannot be tuned: ${fault}`,
    );
  });

  test("flags and keys convert into each other", () => {
    expect(flagOf("numPrefixPrompts")).toBe("num-prefix-prompts");
    expect(keyOf("num-prefix-prompts")).toBe("numPrefixPrompts");
    expect(keyOf("top-5")).toBe("top5");
  });
});

describe("typed values", () => {
  test("numbers are decimal and finite", () => {
    const number = (value: unknown) => coerce(spec("count"), value);
    expect(number(" 1.5e3 ")).toEqual({ value: 1500 });
    expect(number("-.5")).toEqual({ value: -0.5 });
    expect(number("1_000_000")).toEqual({ value: 1_000_000 });
    expect(number(["1", "2"])).toEqual({ value: 2 });
    for (const text of ["", "_", "_1", "0x1", "1,5", "1 2", "1e", "NaN", "-Infinity", "1e999"]) {
      expect(number(text)).toEqual({ fault: `expected a number, got "${text}"` });
    }
    expect(number(true)).toEqual({ fault: "expected a number, got true" });
  });

  test("switches accept only their words", () => {
    const isFast = (value: unknown) => coerce(spec("isFast"), value);
    expect(["true", "yes", "on", true].map(isFast)).toEqual(
      Array.from({ length: 4 }, () => ({ value: true })),
    );
    expect(["false", "no", "off", false].map(isFast)).toEqual(
      Array.from({ length: 4 }, () => ({ value: false })),
    );
    expect(isFast("1")).toEqual({ fault: 'expected true or false, got "1"' });
  });

  test("lists split at commas, unless they are kept as typed", () => {
    expect(coerce(spec("sizes"), ["1,2", 3])).toEqual({ value: [1, 2, 3] });
    expect(coerce(spec("sizes"), "1,x")).toEqual({ fault: 'expected a number, got "x"' });
    expect(coerce(spec("tags"), "a,b")).toEqual({ value: ["a,b"] });
    expect(coerce(spec("tags"), [{}])).toEqual({ fault: "expected a list of texts, got {} in it" });
  });

  test("tables are tables, texts are scalars", () => {
    expect(coerce(spec("extra"), { a: 1 })).toEqual({ value: { a: 1 } });
    expect(coerce(spec("extra"), [1])).toEqual({ fault: "expected a table, got [1]" });
    expect(coerce(spec("key"), 5)).toEqual({ value: "5" });
    expect(coerce(spec("key"), null)).toEqual({ fault: "expected text, got null" });
  });

  test("commas in brackets and quotes do not split", () => {
    expect(splitList('a, b ,,{"x":[1,2]},"c,d",(e,f)')).toEqual([
      ...["a", "b", '{"x":[1,2]}', '"c,d"', "(e,f)"],
    ]);
  });
});

describe("suggestions", () => {
  test("count edits, a swap of neighbours as one", () => {
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("ruoter", "router")).toBe(1);
    expect(editDistance("same", "same")).toBe(0);
  });

  test("are made only for similar names", () => {
    const known = ["router", "round-robin", "isl", "osl"];
    expect(didYouMean("ruoter", known)).toBe("router");
    expect(didYouMean("round", known)).toBe("round-robin");
    expect(didYouMean("isk", known)).toBe("isl");
    expect(didYouMean("completely-else", known)).toBeUndefined();
    expect(didYouMean("", [])).toBeUndefined();
  });
});
