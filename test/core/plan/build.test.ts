import { describe, expect, test } from "bun:test";
import { buildPlan } from "../../../core/plan/build.ts";
import { PlanFaults } from "../../../core/base/errors.ts";
import { faultsBy, faultsOf, hintOf, planOf, samplePlugins, typed } from "./sample-plugins.ts";

describe("defaults", () => {
  const plan = planOf();

  test("every option of every plugin is filled in", () => {
    expect(plan.arms).toHaveLength(1);
    expect(plan.arms[0]!.engine).toEqual({
      kind: "engine",
      name: "mocker",
      source: "bundled",
      options: { workers: 8, gpu: "L40S" },
    });
    expect(plan.cells[0]!.workload.options).toEqual({
      isl: 1000,
      prefixRatio: 0.1,
      sampling: "shuffle",
      tags: [],
      temperature: 0,
    });
  });

  test("the workload sets the load shape and the sweep", () => {
    expect(plan.cells.map(({ id }) => id)).toEqual([
      "r0-prefixRatio=0.1-kv",
      "r0-prefixRatio=0.5-kv",
    ]);
    expect(plan.cells[0]!.load).toEqual({
      arrival: "closed",
      concurrency: 20,
      requests: 200,
      warmup: 0,
      timeoutS: 600,
    });
  });

  test("a router with a default engine is measured with that engine", () => {
    const engineWith = (routers: string): string[] =>
      planOf(["router", routers], ["control", "off"]).arms.map(({ engine }) => engine.name);
    expect(engineWith("outside")).toEqual(["other"]);
    expect(engineWith("outside,kv")).toEqual(["mocker", "mocker"]);
  });
});

describe("values", () => {
  test("aliases, keys and flags name the same option, the last one wins", () => {
    const workers = (...pairs: [string, unknown][]) =>
      planOf(...pairs).arms[0]!.engine.options.workers;
    expect(workers(["num-workers", "3"])).toBe(3);
    expect(workers(["engine.workers", "4"])).toBe(4);
    expect(workers(["mocker.workers", "5"])).toBe(5);
    expect(workers(["workers", "6"], ["num-workers", "7"])).toBe(7);
    expect(planOf(["prefixRatio", "0.3"]).cells[0]!.parameters).toEqual({ prefixRatio: 0.3 });
  });

  test("burstiness makes the gaps gamma, a profile brings its own rates", () => {
    const loadOf = (...pairs: [string, unknown][]) => planOf(...pairs).cells[0]!.load;
    expect(loadOf(["rate", "4"], ["burstiness", "0.5"])).toMatchObject({
      arrival: "gamma",
      rateRps: 4,
      burstiness: 0.5,
    });
    expect(loadOf(["rateProfile", "sine:min=5,max=10,period=60"])).toMatchObject({
      arrival: "poisson",
      rateRps: 7.5,
      rateProfile: { kind: "sine", minRps: 5, maxRps: 10, periodS: 60 },
    });
  });

  test("a rate makes the loop open and removes the default concurrency", () => {
    expect(planOf(["rate", "2.5"]).cells[0]!.load).toEqual({
      arrival: "poisson",
      rateRps: 2.5,
      requests: 200,
      warmup: 0,
      timeoutS: 600,
    });
  });

  test("numbers out of range, not finite or not decimal are faults", () => {
    const isl = (value: unknown) => faultsOf(["isl", value], ["prefix-ratio", "0.5"]);
    expect(isl("0x10")).toEqual(['workload.isl: expected a number, got "0x10"']);
    expect(isl("NaN")).toEqual(['workload.isl: expected a number, got "NaN"']);
    expect(isl("Infinity")).toEqual(['workload.isl: expected a number, got "Infinity"']);
    expect(isl("1e999")).toEqual(['workload.isl: expected a number, got "1e999"']);
    expect(isl("")).toEqual(['workload.isl: expected a number, got ""']);
    expect(isl(Number.NaN)).toEqual(["workload.isl: expected a number, got NaN"]);
    expect(isl(null)).toEqual(["workload.isl: expected a number, got null"]);
    expect(isl("-5")).toEqual(["workload.isl: expected at least 1, got -5"]);
    expect(isl("1e30")).toEqual(["workload.isl: expected at most 1000000000, got 1e+30"]);
    expect(isl("1.5")).toEqual(["workload.isl: expected a whole number, got 1.5"]);
    expect(isl("1_000")).toEqual([]);
    expect(isl("1e3")).toEqual([]);
  });

  test("a ratio outside 0 to 1 is a fault of that option, once", () => {
    expect(faultsOf(["prefix-ratio", "0.5,1.5,-1"])).toEqual([
      "workload.prefix-ratio: expected at most 1, got 1.5",
      "workload.prefix-ratio: expected at least 0, got -1",
    ]);
    expect(faultsOf(["prefix-ratio", "0.5,x"])).toEqual([
      'workload.prefix-ratio: expected a number, got "x"',
    ]);
  });

  test("faults from a plugin's own check are reported with their place", () => {
    expect(faultsOf(["isl", "13"])).toEqual(["workload.isl: brings bad luck"]);
  });
});

test("a sweep over an option of arms makes an arm of each value, where arms have the option", () => {
  const labelsOf = (router: string, ...sweep: string[]): string[] =>
    planOf(["router", router], ["control", "off"], ["sweep", sweep]).arms.map(({ label }) => label);
  expect(labelsOf("kv,outside", "router.temperature=0,0.5")).toEqual([
    "kv(temperature=0)",
    "kv(temperature=0.5)",
    "outside",
  ]);
  expect(labelsOf("kv", "workers=2,4", "router.temperature=0,1")).toEqual([
    "mocker(workers=2)/kv(temperature=0)",
    "mocker(workers=2)/kv(temperature=1)",
    "mocker(workers=4)/kv(temperature=0)",
    "mocker(workers=4)/kv(temperature=1)",
  ]);
});

describe("faults", () => {
  test("all are reported together", () => {
    expect(
      faultsOf(["foo", "1"], ["isl", "x"], ["gpu", "H1000"], ["rate", "0"], ["seed", "-1"]),
    ).toEqual([
      "--foo: there is no such option for the chosen plugins",
      "run.seed: expected at least 0, got -1",
      'engine.gpu: expected one of L40S, H100, got "H1000"',
      'workload.isl: expected a number, got "x"',
      "load.rate: expected at least 0.001, got 0",
    ]);
  });

  test("a list in place of one value gets a hint how to measure them all", () => {
    expect(hintOf(["workers", "2,4"])).toBe(
      "To compare them as arms: --engine mocker:workers=2 --engine mocker:workers=4",
    );
    expect(hintOf(["gpu", "L40S,H100"])).toBe(
      "To compare them as arms: --engine mocker:gpu=L40S --engine mocker:gpu=H100",
    );
    expect(hintOf(["concurrency", "1,8"])).toBe("To sweep it: --sweep concurrency=1,8");
  });

  test("a sweep that means no option, or has no values, is named", () => {
    expect(faultsOf(["sweep", ["router.depth=1,2"]])[0]).toStartWith(
      "--sweep router.depth=1,2: expected NAME=VALUE,VALUE with an option of",
    );
    expect(faultsOf(["sweep", ["temperature="]])).toEqual(["--sweep temperature=: has no values"]);
    expect(faultsOf(["sweep", ["workers=2,x"]])).toEqual([
      'engine.workers: expected a number, got "x"',
    ]);
  });

  test("a list of nothing names nothing, and an inline option without a value needs one", () => {
    expect(faultsOf(["router", ","])).toEqual(["run.router: names no router"]);
    expect(faultsOf(["router", "kv:temperature"])).toEqual(["router.temperature: needs a value"]);
  });

  test("a share given in per cent is recognised", () => {
    expect(hintOf(["prefix-ratio", "50"])).toBe("It is a share from 0 to 1: for 50 % say 0.5");
    expect(hintOf(["prefix-ratio", "500"])).toBeUndefined();
    expect(hintOf(["prefix-ratio", "1.5"])).toBeUndefined();
  });

  test("a missing option is named as it is typed", () => {
    expect(hintOf(["router", "needy"])).toBe("Add --url VALUE");
  });

  test("an option of a plugin that was not chosen is reported as such", () => {
    expect(faultsOf(["url", "x"])).toEqual([
      '--url: is an option of router "needy", which is not chosen',
    ]);
  });

  test("reporters' options are named behind the reporter", () => {
    const plan = planOf(["page.path", "x.html"], ["table.workers", true], ["workers", "3"]);
    expect(plan.reporters.map(({ options }) => options)).toEqual([
      { path: "x.html", workers: false },
      { path: "table", workers: true },
    ]);
    expect(plan.arms[0]!.engine.options.workers).toBe(3);
    expect(hintOf(["path", "x"])).toBe("Say --page.path or --table.path");
    expect(hintOf(["reporter.path", "x"])).toBe("Say --page.path or --table.path");
    expect(hintOf(["page.pth", "x"])).toBe("Did you mean --page.path?");
    expect(faultsOf(["page.path", ""])).toEqual(["page.path: must name a file"]);
  });

  test("an engine can refuse a router", () => {
    expect(faultsOf(["engine", "other"], ["router", "kv"], ["gpu", "H100"])).toEqual([
      "engine.gpu: does not go with kv",
    ]);
    expect(faultsOf(["engine", "other"], ["router", "outside"], ["gpu", "H100"])).toEqual([]);
  });

  test("those of the command line are reported with those of the plan", () => {
    const faults = [{ path: "--router", message: "needs a value" }];
    const make = () =>
      buildPlan({ options: typed(["isl", "x"]), engineArgs: [], faults }, samplePlugins());
    expect(faultsBy(make)).toEqual([
      "--router: needs a value",
      'workload.isl: expected a number, got "x"',
    ]);
  });

  test("all unknown plugins are reported, with suggestions", () => {
    try {
      planOf(["router", "kvv,round-robbin"], ["engine", "moker"]);
      throw new Error("made a plan");
    } catch (error) {
      expect((error as PlanFaults).faults).toEqual([
        {
          path: "router",
          message: 'there is no router "kvv"',
          hint: 'Did you mean "kv"? Known routers: kv, round-robin, chatty, texty, outside, namesake, needy, dynamo',
        },
        {
          path: "router",
          message: 'there is no router "round-robbin"',
          hint: 'Did you mean "round-robin"? Known routers: kv, round-robin, chatty, texty, outside, namesake, needy, dynamo',
        },
        {
          path: "engine",
          message: 'there is no engine "moker"',
          hint: 'Did you mean "mocker"? Known engines: mocker, other',
        },
      ]);
    }
  });

  test("a name that two parts share must be qualified", () => {
    expect(faultsOf(["temperature", "0.5"])).toEqual([
      "--temperature: is an option of several parts: workload, router",
    ]);
    expect(planOf(["router.temperature", "0.5"]).arms[0]!.router.options.temperature).toBe(0.5);
    expect(planOf(["workload.temperature", "2"]).cells[0]!.workload.options.temperature).toBe(2);
  });

  test("a name of the run is the run's, also where a plugin has it; qualified it is the plugin's", () => {
    const plan = planOf(["router", "namesake"], ["warmup", "10"], ["router.warmup", true]);
    expect(plan.cells[0]!.load.warmup).toBe(10);
    expect(plan.arms[0]!.router.options).toEqual({ warmup: true });
  });

  test("a name that two parts have beside their own is answered with their own", () => {
    const of = [
      ["router", "namesake"],
      ["workload", "prefix"],
      ["shared-name", "2"],
    ] as const;
    expect(faultsOf(...of)).toEqual([
      "--shared-name: is an option of several parts: workload, engine",
    ]);
    expect(hintOf(...of)).toBe("Say which: --isl (workload prefix) or --workers (engine mocker)");
  });

  test("words of Dynamo's guide are answered with what they are here", () => {
    expect(faultsOf(["mockers", true], ["decode", true])).toEqual([
      "--mockers: simulated workers are an engine here",
      "--decode: workers of both roles are started by one command here",
    ]);
    expect(hintOf(["mockers", true])).toBe("Say --engine mocker");
    expect(hintOf(["no-kv-events", true])).toContain("--router dynamo:mode=kv-approx");
    expect(hintOf(["router-reset-states", true])).toBe("Leave it out");
    expect(hintOf(["constructor", true])).not.toContain("Leave it out");
  });

  test("the same arm twice is one fault", () => {
    expect(faultsOf(["router", "kv,kv-router"])).toEqual([
      'run.router: the arm "kv" is there twice',
    ]);
  });

  test("no name at all is a fault, not the default", () => {
    expect(faultsOf(["router", ""])).toEqual(["run.router: names no router"]);
    expect(faultsOf(["workload", ""])).toEqual(["run.workload: names no workload"]);
  });

  test("an engine that cannot serve on the router's plane is refused", () => {
    expect(faultsOf(["router", "dynamo"])).toContain(
      'run.engine: engine "mocker" cannot serve on plane "dynamo", which router "dynamo" needs',
    );
  });

  test("a rate needs an open loop, and an open loop a rate", () => {
    expect(faultsOf(["burstiness", "2"], ["arrival", "poisson"], ["rate", "1"])).toEqual([
      "load.burstiness: has no meaning with --arrival poisson",
    ]);
    expect(faultsOf(["rateProfile", "ramp:5"], ["arrival", "closed"])).toEqual([
      "load.rateProfile: has no meaning with --arrival closed",
    ]);
    expect(faultsOf(["rateProfile", "ramp:5"])).toEqual(['load.arrival: "poisson" needs a rate']);
    expect(faultsOf(["rateProfile", "steps:0=5"], ["rate", "3"])).toEqual([
      'load.rate: the profile "steps" has rates of its own',
    ]);
    expect(faultsOf(["arrival", "poisson"])).toEqual(['load.arrival: "poisson" needs a rate']);
    expect(faultsOf(["arrival", "closed"], ["rate", "1"])).toEqual([
      "load.rate: has no meaning with --arrival closed",
    ]);
  });

  test("the virtual clock refuses what has no model", () => {
    expect(faultsOf(["clock", "virtual"])).toEqual([
      'run.clock: engine "mocker" has no model and cannot run on the virtual clock',
    ]);
  });

  test("a sweep of a billion cells is refused at once", () => {
    const many = Array.from({ length: 32_000 }, (_, i) => i + 1).join(",");
    expect(faultsOf(["isl", many], ["sweep", [`concurrency=${many}`]])).toEqual([
      "run.sweep: makes 2048000000 cells, more than 10000",
    ]);
  });
});

describe("prompt form", () => {
  const form = (routers: string) => planOf(["router", routers]).wire.form;

  test("is the widest form that all arms accept", () => {
    expect(form("kv")).toBe("ids");
    expect(form("kv,texty")).toBe("text");
    expect(form("kv,chatty")).toBe("chat");
  });

  test("is refused where the arms have none in common, or not the requested one", () => {
    expect(faultsOf(["router", "texty,chatty"])).toEqual([
      "run.prompt-form: no prompt form is taken by all arms",
    ]);
    expect(faultsOf(["router", "kv,texty"], ["prompt-form", "ids"])).toEqual([
      'run.prompt-form: not all arms take "ids"',
    ]);
  });
});

describe("wire", () => {
  test("headers are typed either way, names in lower case", () => {
    const { headers } = planOf(["header", ["X-One=1", "x-two: a=b,c"]]).wire;
    expect(headers).toEqual({ "x-one": "1", "x-two": "a=b,c" });
  });

  test("a header that could break the request is refused without its value", () => {
    expect(faultsOf(["header", ["x-one=a\r\nx-two: b"]])).toEqual([
      'run.header: expected name=value, got "x-one…"',
    ]);
  });

  test("body fields are JSON", () => {
    expect(planOf(["body", ['stop=["a",1]', "n=1"]]).wire.body).toEqual({ stop: ["a", 1], n: 1 });
    expect(faultsOf(["body", ["user=me"]])).toEqual(['run.body: expected key=json, got "user=me"']);
  });
});

describe("seeds", () => {
  test("are the same for all arms of a point and repeat, and differ otherwise", () => {
    const { cells } = planOf(["router", "kv,round-robin"], ["repeat", "2"]);
    const seeds = Map.groupBy(cells, ({ repeat, parameters }) =>
      JSON.stringify([repeat, parameters]),
    );
    expect([...seeds.values()].map((group) => new Set(group.map(({ seed }) => seed)).size)).toEqual(
      [...[1, 1, 1, 1]],
    );
    expect(new Set(cells.map(({ seed }) => seed)).size).toBe(4);
  });

  test("do not depend on the load's shape: a load sweep sends the same requests", () => {
    const swept = planOf(["prefix-ratio", "0.5"], ["sweep", ["concurrency=1,8"]]).cells;
    const alone = planOf(["prefix-ratio", "0.5"], ["concurrency", "99"]).cells;
    expect(new Set([...swept, ...alone].map(({ seed }) => seed)).size).toBe(1);
    expect(swept.map(({ load }) => load.concurrency)).toEqual([1, 8]);
  });

  test("follow the run's seed", () => {
    expect(planOf(["seed", "1"]).cells[0]!.seed).not.toBe(planOf().cells[0]!.seed);
  });
});

describe("the tree", () => {
  test("arms of one engine run together, and a rotation starts each point with another arm", () => {
    const { cells } = planOf(
      ["engine", ["mocker", "other"]],
      ["router", ["kv", "round-robin"]],
      ["repeat", "1"],
    );
    // Arms in order: mocker/kv, mocker/round-robin, other/kv, other/round-robin.
    expect(cells.map(({ arm, parameters }) => [arm, parameters.prefixRatio])).toEqual([
      [0, 0.1],
      [1, 0.1],
      [1, 0.5],
      [0, 0.5],
      [2, 0.1],
      [3, 0.1],
      [3, 0.5],
      [2, 0.5],
    ]);
  });

  test("engines with different options are different engines", () => {
    const { arms } = planOf(
      ["engine", "mocker:gpu=H100,mocker"],
      ["router", "kv,round-robin"],
      ["control", "off"],
    );
    expect(arms.map(({ label }) => label)).toEqual([
      "mocker(gpu=H100)/kv",
      "mocker(gpu=H100)/round-robin",
      "mocker/kv",
      "mocker/round-robin",
    ]);
    expect(arms[0]!.engineKey).toBe(arms[1]!.engineKey);
    expect(arms[0]!.engineKey).not.toBe(arms[2]!.engineKey);
  });

  test("cells have unique ids", () => {
    const { cells } = planOf(
      ["router", "kv,kv:temperature=0.5,round-robin"],
      ["repeat", "3"],
      ["sweep", ["concurrency=1,8"]],
    );
    // Three repeats of three arms and the control, at two ratios and two concurrencies.
    expect(cells).toHaveLength(3 * 4 * 2 * 2);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
  });
});

test("arguments after -- are kept unchanged", () => {
  const engineArgs = ["--enforce-eager", "--x=1", "a b"];
  expect(buildPlan({ options: [], engineArgs }, samplePlugins()).plan.engineArgs).toEqual(
    engineArgs,
  );
});

test("arguments after -- that no command gets are a fault", () => {
  const options = typed(["engine", "other"]);
  expect(() => buildPlan({ options, engineArgs: ["--x"] }, samplePlugins())).toThrow(
    '-- --x: engine "other" has no command that could take it',
  );
});
