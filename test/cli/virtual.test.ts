/** `--clock virtual` through the binary: the same plan, records, reports and faults, and no process. */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import type { Decision } from "../../core/routing/decision.ts";
import { dynbench, emptyFolder, startDynbench, until } from "./binary.ts";

const cwd = emptyFolder();
const VIRTUAL = ["run", "--clock", "virtual", "--json"] as const;
const SMALL = ["--workers", "3", "--isl", "500", "--osl", "20", "--requests", "120"] as const;

/** A workload whose fourth request is shorter than its stated length. */
const ODD_WORKLOAD = `import { defineWorkload, v } from "dynbench";
export default defineWorkload({
  name: "odd", summary: "one is odd", options: v.strictObject({}),
  load: { concurrency: 2, requests: 6 },
  *requests() {
    for (let index = 0; index < 6; index += 1) {
      yield { index, prompt: [{ content: 1, tokens: 64 }], isl: index === 3 ? 100 : 64, osl: 2 };
    }
  },
});
`;

/** Its thirtieth cell has an invalid request, so late that other threads work as well. */
const LATE_FAULT = `import { defineWorkload, v } from "dynbench";
export default defineWorkload({
  name: "late", summary: "invalid in one cell", options: v.strictObject({ at: v.optional(v.number(), 0) }),
  load: { concurrency: 2, requests: 600 },
  *requests({ at }) {
    for (let index = 0; index < 600; index += 1) {
      const isl = at === 30 && index === 500 ? 100 : 64;
      yield { index, prompt: [{ content: index, tokens: 64 }], isl, osl: 20 };
    }
  },
});
`;

const TWO = ["--router", "kv,round-robin", "--control", "off"];
const linesOf = (out: string): string => readFileSync(join(cwd, out, "records.jsonl"), "utf8");
const recordsOf = (out: string): RequestRecord[] => parseRecords(linesOf(out));

async function simulate(out: string, exitCode: number, ...args: string[]): Promise<Summary> {
  const end = await dynbench([...VIRTUAL, "--out", out, ...args], { cwd });
  if (end.exitCode !== exitCode) throw new Error(`exit code ${end.exitCode}: ${end.stderr}`);
  expect(end.left).toEqual([]);
  return JSON.parse(end.stdout) as Summary;
}

describe("a simulated run", () => {
  let summary: Summary;
  beforeAll(async () => {
    summary = await simulate("plain", 0, ...SMALL, ...TWO);
  });

  test("writes the files of a live one, and starts no process", () => {
    expect(summary.cells.length).toBe(10);
    for (const cell of summary.cells) {
      expect(cell).toMatchObject({ clock: "virtual", state: "completed" });
      expect(cell.requests).toEqual({ sent: 120, ok: 120, failed: 0, dropped: 0 });
      // 19 gaps of each answer of 20 tokens on average, all of them in the workers' spans.
      expect(cell.metrics.itlMs!.n).toBe(cell.metrics.osl!.mean * 120 - 120);
    }
    expect(recordsOf("plain").length).toBe(1_200);
    const facts = JSON.parse(readFileSync(join(cwd, "plain/facts.json"), "utf8"));
    expect(facts.processes).toEqual({});
    expect(readFileSync(join(cwd, "plain/report.html"), "utf8")).toContain("kv");
  });

  test("repeated, from the command or its saved plan, writes the same bytes", async () => {
    await simulate("again", 0, ...SMALL, ...TWO);
    expect(linesOf("again")).toBe(linesOf("plain"));
    const saved = ["run", "--config", "plain/plan.json", "--out", "saved", "--json"];
    expect((await dynbench(saved, { cwd })).exitCode).toBe(0);
    expect(linesOf("saved")).toBe(linesOf("plain"));
    await simulate("other", 0, ...SMALL, ...TWO, "--seed", "1");
    expect(linesOf("other")).not.toBe(linesOf("plain"));
  });

  test("writes its routers' decisions on request, one for each request", async () => {
    expect(existsSync(join(cwd, "plain/decisions.jsonl"))).toBe(false);
    const kv = ["--router", "kv", "--prefix-ratio", "0.5"];
    await simulate("decided", 0, ...SMALL, ...kv, "--decisions");
    const lines = readFileSync(join(cwd, "decided/decisions.jsonl"), "utf8").trimEnd().split("\n");
    const decisions = lines.map((line) => JSON.parse(line) as Decision & { cell: string });
    const records = new Map(recordsOf("decided").map((record) => [record.index, record]));
    expect(decisions.length).toBe(120);
    for (const { request, worker, cell, scores, inFlight } of decisions) {
      expect(records.get(request)).toMatchObject({ worker, cell });
      expect([scores!.length, inFlight.length]).toEqual([3, 3]);
    }
  });

  test("can be reported again from its folder, ITL included", async () => {
    const written = readFileSync(join(cwd, "plain/summary.json"), "utf8");
    const rebuilt = await dynbench(["report", "plain", "--json"], { cwd });
    expect(rebuilt.exitCode).toBe(0);
    expect(JSON.parse(rebuilt.stdout)).toEqual(JSON.parse(written));
  });

  test("that was interrupted keeps its results, and can be resumed", async () => {
    const long = [...SMALL, "--requests", "100", "--repeat", "20"];
    const run = startDynbench([...VIRTUAL, "--out", "long", ...long], { cwd });
    const begun = (): boolean => {
      try {
        return linesOf("long").length > 0;
      } catch {
        return false;
      }
    };
    expect(await until(begun, 20_000)).toBe(true);
    run.signal("SIGINT");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    const done = (JSON.parse(end.stdout) as Summary).cells.length;
    expect(done).toBeLessThan(100);
    const resumed = await dynbench(["run", "--resume", "long", "--json"], { cwd });
    expect((JSON.parse(resumed.stdout) as Summary).cells.length).toBe(100);
    expect(recordsOf("long").length).toBe(100 * 100);
  });

  test("that would take long ends on a signal, with its results so far", async () => {
    const days = ["--requests", "10000000", "--rate", "1000000", "--concurrency", "10"];
    const args = [...VIRTUAL, "--out", "days", "--workers", "1", "--prefix-ratio", "0.5", ...days];
    const run = startDynbench(args, { cwd });
    const begun = (): boolean => Bun.file(join(cwd, "days/records.jsonl")).size > 0;
    expect(await until(begun, 20_000)).toBe(true);
    run.signal("SIGTERM");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    const [cell] = (JSON.parse(end.stdout) as Summary).cells;
    expect(cell!.state).toBe("aborted");
    // Against what was sent, not against what was planned.
    expect(cell!.cache.idealShare).toBeGreaterThan(0);
    expect(cell!.cache.idealShare).toBeLessThan(1);
  });

  test("of a workload with an invalid request names it, and keeps the results before it", async () => {
    writeFileSync(join(cwd, "odd.ts"), ODD_WORKLOAD);
    const args = [...VIRTUAL, "--plugin", "./odd.ts", "--workload", "odd", "--out", "odd"];
    const { exitCode, stdout, stderr } = await dynbench(args, { cwd });
    expect(stderr).toContain(
      'Request 3 of workload "odd" has 100 prompt tokens, and segments of 64 together',
    );
    expect(exitCode).toBe(2);
    const [cell] = (JSON.parse(stdout) as Summary).cells;
    expect(cell!.verdict.reasons.map(({ id }) => id)).toContain("broken");
  });

  test("with delays, deaths and replicas has a record of each request", async () => {
    const summary = await simulate(
      ...(["hurt", 5] as const),
      ...[...SMALL, "--prefix-ratio", "0.5", "--router", "kv", "--replicas", "2"],
      ...["--event-delay-ms", "5", "--load-delay-ms", "2", "--routing-ms", "1", "--replica-sync"],
      ...["--network-ms", "0.5", "--worker-down", "1@0.3-0.8"],
    );
    const [cell] = summary.cells;
    expect(cell!.requests.sent).toBe(120);
    expect(cell!.requests.ok + cell!.requests.failed).toBe(120);
    expect(recordsOf("hurt").filter(({ state }) => state === "ok").length).toBe(cell!.requests.ok);
  });
});

describe("bad input on the virtual clock", () => {
  const refused: [why: string, args: string[], ...says: string[]][] = [
    [
      "an engine without a model",
      ["--engine", "attach", "--worker-url", "http://127.0.0.1:1"],
      'engine "attach" has no model',
      "Engines with a model: mocker",
    ],
    [
      "an outside router",
      ["--router", "attach", "--url", "http://127.0.0.1:1"],
      'router "attach" is an outside program',
      "Routers that can: kv",
    ],
    [
      "Dynamo's router",
      ["--router", "dynamo"],
      'router "dynamo" is an outside program',
      "Simulate what does about the same: --router kv --timing dynamo",
    ],
    ["a worker that is not there", ["--worker-down", "8@1"], "there is no worker 8", "0 to 7"],
    ["a death without a time", ["--worker-down", "3"], "expected NUMBER@FROM-TO"],
    ["an end before the beginning", ["--worker-down", "3@5-4"], "expected NUMBER@FROM-TO"],
    [
      "a delay below zero",
      ["--event-delay-ms", "-1"],
      "sim.event-delay-ms: expected at least 0, got -1",
    ],
  ];
  test.each(refused)("%s is refused before anything starts", async (_why, args, ...says) => {
    const end = await dynbench(["run", "--clock", "virtual", ...args], { cwd });
    expect(end.exitCode).toBe(2);
    for (const text of says) expect(end.stderr).toContain(text);
  });

  test("its options have no meaning on the wall clock", async () => {
    const end = await dynbench(["run", "--event-delay-ms", "5"], { cwd });
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain("has no meaning on the wall clock");
  });

  test("a request larger than any cache fails as on the engine, and the run continues", async () => {
    const args = ["--isl", "600", "--prefix-ratio", "0.5", "--kv-blocks", "12", "--router", "kv"];
    const summary = await simulate("large", 5, ...SMALL, ...args);
    const [cell] = summary.cells;
    expect(cell!.requests.ok).toBeGreaterThan(0);
    expect(cell!.requests.failed).toBeGreaterThan(0);
    expect(cell!.errors[0]!.message).toContain("maximum context length is 768 tokens");
    expect(cell!.errors.every(({ status }) => status === 400)).toBe(true);
    expect(cell!.verdict.reasons.map(({ id }) => id)).toContain("errors");
  });

  test("a rate that no cluster can serve ends at a bound before memory is exhausted", async () => {
    const args = ["--rate", "100000", "--requests", "100000", "--prefix-ratio", "0.5"];
    const summary = await simulate("flood", 4, "--workers", "1", "--isl", "50", ...args);
    const [cell] = summary.cells;
    expect(cell!.state).toBe("failed");
    expect(cell!.verdict.reasons[0]).toMatchObject({ id: "overload", severity: "untrusted" });
    expect(cell!.verdict.reasons[0]!.message).toContain("16384 requests were in flight");
    expect(recordsOf("flood").length).toBeLessThan(20_000);
  });

  const policies: [what: string, pick: string, exitCode: number, says: string][] = [
    ["throws", "throw new Error('no idea')", 4, "threw Error: no idea"],
    ["answers nonsense", "return 99", 4, "returned 99, which is no candidate"],
    ["holds for ever", "return -1", 4, "held it for 60 s"],
  ];
  test.each(policies)("a policy that %s is named", async (what, pick, exitCode, says) => {
    const file = `${what.replaceAll(" ", "-")}.ts`;
    writeFileSync(
      join(cwd, file),
      `import { defineRouter, v } from "dynbench";
       export default defineRouter({
         name: "odd", summary: "odd", plane: "http", options: v.strictObject({}),
         traits: () => ({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false }),
         policy: () => ({ reads: [], pick() { ${pick}; } }),
       });`,
    );
    const args = ["--plugin", `./${file}`, "--router", "odd", "--prefix-ratio", "0.5"];
    const out = `policy-${what.replaceAll(" ", "-")}`;
    const summary = await simulate(out, exitCode, ...SMALL, ...args);
    const [cell] = summary.cells;
    expect(cell!.requests).toMatchObject({ sent: 120, ok: 0, failed: 120 });
    const reason = cell!.verdict.reasons.find(({ id }) => id === "policy-fault");
    expect(reason!.message).toContain(says);
  });
});

describe("several cells at once", () => {
  /** Long enough for threads to be worth their start, short enough for a test. */
  const many = [...SMALL, ...TWO, "--decisions", "--repeat", "6"];
  const FILES = ["records.jsonl", "decisions.jsonl"];
  const bytesOf = (out: string): string[] =>
    FILES.map((name) => readFileSync(join(cwd, out, name), "utf8"));

  test("leave the same bytes as one after another", async () => {
    const one = await simulate("jobs-1", 0, ...many, "--jobs", "1");
    const three = await simulate("jobs-3", 0, ...many, "--jobs", "3");
    expect(bytesOf("jobs-3")).toEqual(bytesOf("jobs-1"));
    expect({ ...three, startedAt: "" }).toEqual({ ...one, startedAt: "" });
    const left = readdirSync(join(cwd, "jobs-3")).filter((name) => name.endsWith(".part"));
    expect(left).toEqual([]);
  });

  test("end with the first fault in the plan's order, and keep the results before it", async () => {
    writeFileSync(join(cwd, "late.ts"), LATE_FAULT);
    const points = Array.from({ length: 60 }, (_, i) => i + 1).join(",");
    const late = ["--plugin", "./late.ts", "--workload", "late", "--sweep", `at=${points}`];
    for (const jobs of ["1", "3"]) {
      const args = [...VIRTUAL, ...late, "--workers", "2", "--jobs", jobs, "--out", `late-${jobs}`];
      const { exitCode, stderr, stdout } = await dynbench(args, { cwd });
      expect(stderr).toContain('Request 500 of workload "late" has 100 prompt tokens');
      expect(exitCode).toBe(2);
      const states = (JSON.parse(stdout) as Summary).cells.map(({ state }) => state);
      expect(states).toEqual([...Array<"completed">(29).fill("completed"), "failed"]);
    }
    expect(linesOf("late-3")).toBe(linesOf("late-1"));
  });

  test("are stopped together, and go on where they were", async () => {
    const run = startDynbench([...VIRTUAL, ...many, "--jobs", "3", "--out", "stopped"], { cwd });
    const isBegun = (): boolean => Bun.file(join(cwd, "stopped/cells.jsonl")).size > 5_000;
    expect(await until(isBegun, 20_000)).toBe(true);
    run.signal("SIGINT");
    expect((await run.end()).exitCode).toBe(130);
    const resume = ["run", "--resume", "stopped", "--json", "--jobs", "3"];
    expect((await dynbench(resume, { cwd })).exitCode).toBe(0);
    expect(bytesOf("stopped")).toEqual(bytesOf("jobs-1"));
  });
});
