/**
 * The simulator against Dynamo's own offline replay, run in the test: the same requests for both, in a
 * closed loop of 20 on 8 workers, and both public traces. Needs DYNBENCH_REAL=1 and the environment
 * `dynamo` of `install.sh`.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomStream, v, type RequestSpec } from "dynbench";
import { prefix } from "../../plugins/workloads/prefix.ts";
import { differencesOf, followed, traceRows } from "../simulation/dynamo-run.ts";
import { disagreements } from "../simulation/mean-interval.ts";
import { simulate, type Simulated, type SimulateOptions } from "../simulation/simulate.ts";
import { traceFile, traceRequests } from "../simulation/trace-requests.ts";
import { dynamoPython, dynamoReplay, type ReplayTask } from "./dynamo-replay.ts";
import { isRealRun } from "./programs.ts";

const isHere = isRealRun() && dynamoPython !== undefined;

const WORKERS = 8;
const BLOCK_SIZE = 64;
/** Tokens that a hash id of the public traces stands for. */
const TRACE_BLOCK = 512;
const CLOSED_20 = { arrival: "closed", concurrency: 20 } as const;
const MOCKER = { timing: "dynamo", workers: WORKERS };
/** Runs of each side where Dynamo draws: then 2 % is four standard errors of the least steady mean. */
const DRAWN_RUNS = 60;

const folder = mkdtempSync(join(tmpdir(), "dynbench-replay-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The prefix workload as the guide draws it. */
function prefixRequests(prefixRatio: number): RequestSpec[] {
  const options = v.parse(prefix.options, { prefixRatio });
  const random = randomStream(17, "workload");
  return [...(prefix.requests(options, { rows: undefined, random, count: 200 }) as RequestSpec[])];
}

/** dynbench's requests as a trace for Dynamo. */
function written(requests: readonly RequestSpec[]) {
  const trace = join(folder, "requests.jsonl");
  writeFileSync(trace, traceRows(requests, BLOCK_SIZE));
  return { trace, traceBlockSize: BLOCK_SIZE, workers: WORKERS, concurrency: 20 };
}

describe.skipIf(!isHere)("Dynamo's replay (skipped without DYNBENCH_REAL=1 and Dynamo)", () => {
  describe.each([0.1, 0.5, 0.9])("prefix requests at ratio %f", (ratio) => {
    const requests = prefixRequests(ratio);
    const ours = (policy: string, seed = 0): Promise<Simulated> =>
      simulate({ requests, mocker: MOCKER, policy, load: CLOSED_20, seed });

    test("round robin: every request gets the same tokens at the same times", async () => {
      const task = { ...written(requests), router: "round_robin", runs: 1, capture: true } as const;
      const { runs } = await dynamoReplay(task);
      const served = new Map(runs[0]!.requests!.map((each) => [Number(each.session), each]));
      const { records } = await ours("round-robin");
      expect(records).toHaveLength(200);
      const differ = records.flatMap((record) => differencesOf(record, served.get(record.index)!));
      expect(differ).toEqual([]);
    });

    test("kv: with the same picks, dynbench's cost equals Dynamo's at every pick", async () => {
      const task = { ...written(requests), router: "kv_router", runs: 1, capture: true } as const;
      await expectFollowed(task, { requests, load: CLOSED_20 });
    });

    test("kv: the means of many runs are the same", async () => {
      const task = { ...written(requests), router: "kv_router", capture: false } as const;
      const theirs = await dynamoReplay({ ...task, runs: DRAWN_RUNS });
      const runs: Simulated[] = [];
      for (let seed = 0; seed < DRAWN_RUNS; seed += 1) runs.push(await ours("kv", seed));
      // 95 % intervals of equal means are disjoint in one of 180 comparisons: too often here.
      const options = { confidence: 0.999, tolerance: 0.02 };
      const figures = theirs.runs.map((run) => run.figures);
      expect(disagreements(runs, figures, options)).toEqual([]);
    });
  });

  describe.each([
    { name: "mooncake_1000.jsonl", load: { arrival: "trace" } as const },
    { name: "mooncake_1000.jsonl", load: CLOSED_20 },
    { name: "mooncake_conversation.jsonl", load: { arrival: "trace" } as const },
    { name: "mooncake_conversation.jsonl", load: CLOSED_20 },
  ])("$name, $load.arrival", ({ name, load }) => {
    const trace = traceFile(name);
    const isMissing = trace === undefined;
    const concurrency = load.arrival === "closed" ? { concurrency: 20 } : {};
    const task = { trace: trace!, traceBlockSize: TRACE_BLOCK, workers: WORKERS, ...concurrency };

    test.skipIf(isMissing)("round robin is the same to 0.01 % (needs ../shared)", async () => {
      const { runs } = await dynamoReplay({
        ...task,
        router: "round_robin",
        runs: 1,
        capture: false,
      });
      const requests = traceRequests(trace!);
      const ours = await simulate({ requests, mocker: MOCKER, policy: "round-robin", load });
      for (const [figure, theirs] of Object.entries(runs[0]!.figures)) {
        expect(Math.abs(ours[figure as "ttftMs"] / theirs - 1), figure).toBeLessThan(1e-4);
      }
    });

    test.skipIf(isMissing)(
      "kv: dynbench's cost equals Dynamo's at every pick (needs ../shared)",
      async () => {
        const requests = traceRequests(trace!);
        await expectFollowed(
          { ...task, router: "kv_router", runs: 1, capture: true },
          { requests, load },
        );
      },
    );
  });
});

async function expectFollowed(
  task: ReplayTask,
  options: { requests: readonly RequestSpec[]; load: SimulateOptions["load"] },
): Promise<void> {
  const { runs, picks } = await dynamoReplay(task);
  expect(picks).toHaveLength(options.requests.length);
  const led = { picks, requests: runs[0]!.requests! };
  const { costs, picks: others, requests } = await followed(led, { ...options, mocker: MOCKER });
  expect({ costs, others, requests }).toEqual({ costs: [], others: [], requests: [] });
}
