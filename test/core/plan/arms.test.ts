import { describe, expect, test } from "bun:test";
import { armLabels, parseArmSpecs, repeatedArms, type ArmSpec } from "../../../core/plan/arms.ts";

/** `kv{temperature=0.5}`, for short. */
function shape(specs: readonly ArmSpec[]): string[] {
  return specs.map(
    ({ name, options }) => `${name}{${options.map((one) => `${one.name}=${one.value}`).join(";")}}`,
  );
}

const parse = (...values: string[]): string[] => shape(parseArmSpecs("router", values));

describe("arms as typed", () => {
  test("a piece with = belongs to the arm before it", () => {
    expect(parse("kv:temperature=0.5,overlapCredit=2,round-robin")).toEqual([
      "kv{temperature=0.5;overlapCredit=2}",
      "round-robin{}",
    ]);
  });

  test("a repeated flag adds arms", () => {
    expect(parse("kv", "kv:temperature=1")).toEqual(["kv{}", "kv{temperature=1}"]);
  });

  test("a value may hold =, : and, in brackets, commas", () => {
    expect(parse("attach:url=http://a:1/x?y=2")).toEqual(["attach{url=http://a:1/x?y=2}"]);
    expect(parse('a:list=[1,2],b={"c":1,"d":2},e')).toEqual([
      'a{list=[1,2];b={"c":1,"d":2}}',
      "e{}",
    ]);
  });

  test("a switch needs no value, an empty list of options has no options", () => {
    expect(parse("attach:affinity")).toEqual(["attach{affinity=true}"]);
    expect(parse("kv:")).toEqual(["kv{}"]);
    expect(parse(" kv , , round-robin ")).toEqual(["kv{}", "round-robin{}"]);
  });

  test("origins quote what was typed", () => {
    expect(parseArmSpecs("router", ["kv:x=1"])[0]!.options[0]!.origin).toBe("--router kv:x=1");
  });
});

describe("labels", () => {
  const labels = (engines: string, routers: string): string[] => {
    const specs = parseArmSpecs("router", [routers]);
    return armLabels(
      parseArmSpecs("engine", [engines]).flatMap((engine) =>
        specs.map((router) => ({ engine, router })),
      ),
    );
  };

  test("are as short as distinguishes the arms", () => {
    expect(labels("mocker", "kv:temperature=0.5,round-robin")).toEqual(["kv", "round-robin"]);
    expect(labels("mocker", "kv,kv:temperature=0.5")).toEqual(["kv", "kv(temperature=0.5)"]);
    expect(labels("mocker,vllm", "kv")).toEqual(["mocker/kv", "vllm/kv"]);
    expect(labels("mocker,mocker:gpu=H100", "kv:a=1")).toEqual([
      "mocker/kv(a=1)",
      "mocker(gpu=H100)/kv(a=1)",
    ]);
  });

  test("of arms that differ in a secret alone are numbered, and no arm is there twice for that", () => {
    expect(labels("mocker", "x:password=a,x:password=b")).toEqual(["x(password)", "x(password)#2"]);
    const repeated = (routers: string): string[] => {
      const [engine] = parseArmSpecs("engine", ["mocker"]);
      const specs = parseArmSpecs("router", [routers]);
      return repeatedArms(specs.map((router) => ({ engine: engine!, router })));
    };
    expect(repeated("x:key=a,x:key=b")).toEqual([]);
    expect(repeated("x:key=a,kv,x:key=a")).toEqual(["x(key)"]);
  });
});
