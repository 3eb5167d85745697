/** `dynbench tune` through the binary. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dynbench, emptyFolder, startDynbench } from "./binary.ts";

const cwd = emptyFolder();
const SMALL = ["--prefix-ratio", "0.9", "--requests", "40", "--isl", "4000", "--workers", "4"];
const TUNE = ["tune", ...SMALL, "--json"] as const;

interface TuneJson {
  readonly router: string;
  readonly default: { readonly options: object; readonly heldOut: { readonly value: number } };
  readonly best: {
    readonly options: Record<string, unknown>;
    readonly heldOut: {
      value: number;
      ratioToDefault: { value: number; low: number; high: number };
    };
    readonly broken: readonly string[];
  };
  readonly cells: number;
  readonly ranked: readonly { readonly router: string }[];
}

async function tune(out: string, ...args: string[]): Promise<TuneJson> {
  const end = await dynbench([...TUNE, "--out", out, ...args], { cwd });
  if (end.exitCode !== 0) throw new Error(`exit code ${end.exitCode}: ${end.stderr}`);
  expect(end.left).toEqual([]);
  return JSON.parse(end.stdout) as TuneJson;
}

describe("tuning", () => {
  test("finds a setting that is better on requests held out, and repeats with a budget of cells", async () => {
    const args = ["--router", "kv,round-robin", "--budget", "250cells"];
    const found = await tune("one", ...args);
    expect(found.router).toBe("kv");
    const { value, high } = found.best.heldOut.ratioToDefault;
    expect(high).toBeLessThan(1);
    expect(found.best.heldOut.value / found.default.heldOut.value).toBeCloseTo(value, 2);
    expect(found.ranked.map(({ router }) => router)).toEqual(["kv", "round-robin"]);
    const { seconds: _, ...again } = (await tune("two", ...args, "--jobs", "1")) as TuneJson & {
      seconds: number;
    };
    expect(found).toMatchObject(again);
  });

  test("leaves a config that runs the same load with the tuned router", async () => {
    const path = join(cwd, "one/tuned.yaml");
    const { best } = JSON.parse(readFileSync(join(cwd, "one/tune.json"), "utf8")) as TuneJson;
    const args = ["plan", "--config", path, "--clock", "virtual", "--json"];
    const { stdout, exitCode } = await dynbench(args, { cwd });
    expect(exitCode).toBe(0);
    const plan = JSON.parse(stdout) as {
      arms: { router: { options: object } }[];
      cells: { load: { requests: number }; workload: { options: { prefixRatio: number } } }[];
    };
    expect(plan.arms[0]!.router.options).toEqual(best.options);
    expect(plan.cells[0]!.load.requests).toBe(40);
    expect(plan.cells[0]!.workload.options.prefixRatio).toBe(0.9);
  });

  test("keeps the load of a config file, and takes numbers of a list as numbers", async () => {
    writeFileSync(join(cwd, "base.yaml"), "isl: 2000\nrequests: 30\nprefixRatio: 0.9\n");
    const over = ["--router", "kv", "--over", "engine.workers=16,32", "--budget", "60cells"];
    const end = await dynbench(["tune", "--config", "base.yaml", ...over, "--out", "based"], {
      cwd,
    });
    expect(end.exitCode).toBe(0);
    const config = Bun.YAML.parse(readFileSync(join(cwd, "based/tuned.yaml"), "utf8"));
    expect(config).toMatchObject({ isl: 2000, requests: 30, prefixRatio: 0.9 });
    const { best } = JSON.parse(readFileSync(join(cwd, "based/tune.json"), "utf8")) as {
      best: { engine?: { workers: number } };
    };
    expect(best.engine!.workers).toBeNumber();
  });

  test("stopped, judges the best so far", async () => {
    const run = startDynbench([...TUNE, "--router", "kv", "--budget", "10m", "--out", "cut"], {
      cwd,
    });
    await run.shows("best so far");
    run.signal("SIGINT");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    expect((JSON.parse(end.stdout) as { isCutShort: boolean }).isCutShort).toBe(true);
    expect(end.left).toEqual([]);
  });
});

describe("bad input", () => {
  const faults: readonly (readonly [string, readonly string[], string])[] = [
    ["several points", ["--prefix-ratio", "0.1,0.9"], "--prefix-ratio: has several values"],
    ["a router without knobs", ["--router", "round-robin"], "round-robin has nothing to tune"],
    ["a limit that is none", ["--subject-to", "tpot"], "expected METRIC<VALUE"],
    ["a budget that is none", ["--budget", "soon"], "expected a time or a number of cells"],
    ["an axis without a range", ["--over", "engine.maxNumSeqs"], "expected NAME=FROM..TO"],
    ["an axis beyond its option", ["--over", "engine.workers=1..9999999"], "expected at most"],
    ["an axis of words", ["--over", "engine.workers=4,many"], "expected a number"],
    ["an option that nobody has", ["--over", "depth=1..9"], 'has an option "depth"'],
    ["an option of a run that compares", ["--repeat", "3"], "has no meaning for dynbench tune"],
  ];
  test.each(faults)("%s: refused by name, and no folder is left", async (_, args, message) => {
    const end = await dynbench([...TUNE, "--out", "bad", ...args], { cwd });
    expect(end.stderr).toContain(message);
    expect(end.exitCode).toBe(2);
    expect(existsSync(join(cwd, "bad"))).toBe(false);
  });
});
