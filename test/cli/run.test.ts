/** Whole runs through the binary: what starts, in which order, and which files are kept. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import type { Plan } from "../../core/contract/plan.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import { dynbench, emptyFolder, startDynbench, TINY, until } from "./binary.ts";

const cwd = emptyFolder();
const FINISHED = [0, 5]; // 5: so short a run is untrusted

const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(cwd, path), "utf8")) as T;
const readRecords = (out: string): RequestRecord[] =>
  parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));

async function measure(out: string, ...args: string[]): Promise<{ plan: Plan; summary: Summary }> {
  const end = await dynbench(["run", ...TINY, "--out", out, "--json", ...args], { cwd });
  expect(FINISHED).toContain(end.exitCode!);
  expect(end.left).toEqual([]);
  return { plan: readJson(`${out}/plan.json`), summary: JSON.parse(end.stdout) as Summary };
}

/** A record without its times. */
const asked = ({ index, isl, oslRequested, group, promptTokens }: RequestRecord) => ({
  ...{ index, isl, oslRequested, group, promptTokens },
});
const byIndex = (a: { index: number }, b: { index: number }): number => a.index - b.index;

describe("one run", () => {
  test("two arms share one engine and run in balanced order on the same requests", async () => {
    const { plan, summary } = await measure(
      ...(["shared", "--router", "kv,round-robin", "--repeat", "2"] as const),
    );
    expect(summary.cells.map(({ repeat, arm }) => `${repeat} ${arm}`)).toEqual([
      ...["0 kv", "0 round-robin", "1 round-robin", "1 kv"],
    ]);
    expect(plan.cells.map(({ id }) => id)).toEqual(summary.cells.map(({ id }) => id));
    // The cells ran in that order, and each was over before the next began.
    const lines = readFileSync(join(cwd, "shared/cells.jsonl"), "utf8").trim().split("\n");
    const outcomes = lines.map((line) => JSON.parse(line) as { id: string; startedAt: string });
    expect(outcomes.map(({ id }) => id)).toEqual(plan.cells.map(({ id }) => id));

    const { processes } = readJson<{ processes: Record<string, { starts: number }> }>(
      "shared/facts.json",
    );
    // The second cell of round-robin follows its first, so that router stays up in between.
    expect(Object.entries(processes).map(([name, { starts }]) => `${name} ${starts}`)).toEqual([
      ...["keeper 1", "worker-0 1", "worker-1 1", "router-kv 2", "load 4", "router-round-robin 1"],
    ]);
    const records = Map.groupBy(readRecords("shared"), ({ cell }) => cell);
    const requests = plan.cells.map(({ id }) => records.get(id)!.map(asked).toSorted(byIndex));
    expect(requests[0]).toEqual(requests[1]);
    expect(requests[2]).toEqual(requests[3]);
    expect(requests[0]).not.toEqual(requests[2]!);
  });

  test("a cell finds nothing of the previous cell in the caches", async () => {
    // The same prompts for both arms, one after the other: warm caches would hit nearly all.
    const { summary } = await measure("reset", "--router", "round-robin,random", "--workers", "1");
    for (const { cache } of summary.cells) {
      expect(cache.cachedShare!).toBeLessThanOrEqual(cache.idealShare + 0.001);
      expect(cache.idealShare).toBeLessThan(0.5);
    }
    expect(
      summary.cells.flatMap(({ verdict }) => verdict.reasons.map(({ id }) => id)),
    ).not.toContain("reset-not-proved");
  });

  test("engines with different options are started one after the other", async () => {
    const { summary } = await measure(
      ...([
        "engines",
        "--engine",
        "mocker:timing=l40s,mocker:timing=h100",
        "--router",
        "kv",
      ] as const),
    );
    expect(summary.cells.map(({ arm }) => arm)).toEqual([
      ...["mocker(timing=l40s)/kv", "mocker(timing=h100)/kv"],
    ]);
  });

  test("--json prints the summary to stdout and nothing else", async () => {
    const end = await dynbench(["run", ...TINY, "--out", "json", "--json"], { cwd });
    expect(JSON.parse(end.stdout)).toEqual(readJson("json/summary.json"));
  });

  test("no file of the run contains a secret", async () => {
    await measure("secret", "--header", "authorization: Bearer s3cret", "--header", "x-team=blue");
    const grep = Bun.spawnSync(["grep", "-r", "s3cret", join(cwd, "secret")]);
    expect(grep.stdout.toString()).toBe("");
    expect(readJson<Plan>("secret/plan.json").wire.headers).toEqual({
      authorization: "***",
      "x-team": "blue",
    });
    const without = await dynbench(["run", "--resume", "secret"], { cwd });
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain("Give it again: --header-env authorization=VARIABLE");
    const header = ["--header", "authorization: Bearer s3cret"];
    const given = await dynbench(["run", "--resume", "secret", ...header], { cwd });
    expect(FINISHED).toContain(given.exitCode!);
  });
});

describe("a saved plan", () => {
  test("runs unchanged, with the same requests; other options beside it are refused", async () => {
    const printed = await dynbench(["plan", ...TINY, "--json", "--seed", "7"], { cwd });
    writeFileSync(join(cwd, "p.json"), printed.stdout);
    const first = await dynbench(["run", ...TINY, "--seed", "7", "--out", "direct"], { cwd });
    const second = await dynbench(["run", "--config", "p.json", "--out", "planned"], { cwd });
    expect(FINISHED).toContain(first.exitCode!);
    expect(FINISHED).toContain(second.exitCode!);
    expect(readJson<Plan>("planned/plan.json")).toEqual(readJson<Plan>("direct/plan.json"));
    expect(readRecords("planned").map(asked).toSorted(byIndex)).toEqual(
      readRecords("direct").map(asked).toSorted(byIndex),
    );
    const changed = await dynbench(["run", "--config", "p.json", "--isl", "9"], { cwd });
    expect(changed).toMatchObject({ exitCode: 2, stdout: "" });
    expect(changed.stderr).toContain("--isl: cannot change a saved plan");
  });

  test("that was changed is refused by the field, from a file and from a run folder", async () => {
    const printed = await dynbench(["plan", ...TINY, "--json"], { cwd });
    const plan = JSON.parse(printed.stdout) as Record<string, any>;
    delete plan["arms"][0].router.options.temperature;
    plan["cells"][0].load.warmup = 2 ** 63;
    mkdirSync(join(cwd, "changed"));
    writeFileSync(join(cwd, "changed/plan.json"), JSON.stringify(plan));
    for (const from of [
      ["--config", "changed/plan.json"],
      ["--resume", "changed"],
    ]) {
      const refused = await dynbench(["run", ...from], { cwd });
      expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
      expect(refused.stderr).toContain("plan.json has 2 faults:");
      expect(refused.stderr).toContain("cells[0].load.warmup: expected at most 1000000, got 9223");
      expect(refused.stderr).toContain("arms[0].router.options.temperature: is missing");
    }
  });

  test("flags win over a config file", async () => {
    writeFileSync(join(cwd, "c.yaml"), "isl: 400\nosl: 3\nrouter: [kv, random]\nworkers: 1\n");
    const args = ["plan", "--config", "c.yaml", "--isl", "600", "--router", "kv", "--json"];
    const { stdout } = await dynbench(args, { cwd });
    const plan = JSON.parse(stdout) as Plan;
    expect(plan.arms.map(({ label }) => label)).toEqual(["kv"]);
    expect(plan.cells[0]!.workload.options).toMatchObject({ isl: 600, osl: 3 });
  });
});

describe("--resume", () => {
  test("keeps the finished cells of a killed run and measures the others", async () => {
    const args = ["run", ...TINY, "--requests", "60", "--concurrency", "2", "--router"];
    const out = join(cwd, "killed");
    const killed = startDynbench([...args, "kv,round-robin", "--repeat", "2", "--out", out], {
      cwd,
    });
    const lines = (name: string): number => {
      try {
        return readFileSync(join(out, name), "utf8").split("\n").length - 1;
      } catch {
        return 0;
      }
    };
    expect(
      await until(() => lines("cells.jsonl") === 1 && lines("records.jsonl") > 70, 20_000),
    ).toBe(true);
    killed.signal("SIGKILL");
    expect((await killed.end()).left).toEqual([]);
    appendFileSync(join(out, "records.jsonl"), '{"cell":"r0-cut'); // as after a kill while writing
    const before = readRecords("killed");
    const plan = readJson<Plan>("killed/plan.json");
    const first = before.filter(({ cell }) => cell === plan.cells[0]!.id);
    expect(first).toHaveLength(60);

    const resumed = await dynbench(["run", "--resume", "killed", "--json"], { cwd });
    expect(FINISHED).toContain(resumed.exitCode!);
    const summary = JSON.parse(resumed.stdout) as Summary;
    expect(summary.cells.map(({ id }) => id)).toEqual(plan.cells.map(({ id }) => id));
    expect(summary.cells.map(({ requests }) => requests.ok)).toEqual([60, 60, 60, 60]);
    const after = Map.groupBy(readRecords("killed"), ({ cell }) => cell);
    expect(after.get(plan.cells[0]!.id)).toEqual(first);
    expect([...after.values()].map((records) => records.length)).toEqual([60, 60, 60, 60]);
    const rebuilt = await dynbench(["report", "killed", "--json"], { cwd });
    expect(rebuilt.stdout).toBe(resumed.stdout);

    // A complete run starts nothing and reports again.
    const again = await dynbench(["run", "--resume", "killed", "--json"], { cwd });
    expect(JSON.parse(again.stdout)).toEqual(readJson("killed/summary.json"));
    const flags = await dynbench(["run", "--resume", "killed", "--router", "kv"], { cwd });
    expect(flags).toMatchObject({ exitCode: 2, stdout: "" });
    expect(flags.stderr).toContain("--router: cannot change a saved plan");
  });
});
