/**
 * Dynamo's own offline replay (`dynamo.replay`, 1.6.1) as a function from a trace to the results of
 * each run: its report, and each pick of its KV router with the cost, from its log.
 */
import { join } from "node:path";
import { installed } from "./programs.ts";
import type { DynamoPick, DynamoRequest, Figures } from "../simulation/dynamo-run.ts";

export interface ReplayTask {
  /** Path of a Mooncake trace; a `session_id` in a row comes back with its request. */
  readonly trace: string;
  /** Tokens that a hash id of the trace stands for. */
  readonly traceBlockSize: number;
  readonly router: "kv_router" | "round_robin";
  readonly workers: number;
  readonly runs: number;
  readonly concurrency?: number;
  readonly arrivalSpeedup?: number;
  /** Engine options under Dynamo's names. */
  readonly engine?: Readonly<Record<string, number>>;
  /** Whether to return single requests and picks, which makes a run slower. */
  readonly capture: boolean;
}

export interface ReplayRun {
  /** Its own measurement of its duration, without start-up. */
  readonly wallMs: number;
  readonly figures: Figures;
  /** In no particular order. */
  readonly requests?: readonly DynamoRequest[];
}

/** Python of the environment that has it; undefined where it is not installed. */
export const dynamoPython = installed("dynamo/bin/python");

/** Runs it; `picks` of all runs in the order in which they were made, with `capture`. */
export async function dynamoReplay(
  task: ReplayTask,
): Promise<{ runs: ReplayRun[]; picks: DynamoPick[] }> {
  const child = Bun.spawn([dynamoPython!, join(import.meta.dir, "dynamo-replay.py")], {
    stdin: new Blob([JSON.stringify(task)]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, DYN_LOGGING_JSONL: "1", DYN_LOG: task.capture ? "info" : "error" },
  });
  const [out, log] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`Dynamo's replay failed: ${log.slice(-2_000)}`);
  const runs = out.trimEnd().split("\n");
  return { runs: runs.map((line) => JSON.parse(line) as ReplayRun), picks: picksOf(log) };
}

function picksOf(log: string): DynamoPick[] {
  const lines = log.split("\n").filter((line) => line.includes('"Selected worker"'));
  return lines.map((line) => {
    const { request_id, worker_id, logit, effective_cached_blocks } = JSON.parse(line) as LogLine;
    return {
      id: request_id,
      worker: worker_id,
      cost: logit,
      cachedBlocks: effective_cached_blocks,
    };
  });
}

interface LogLine {
  readonly request_id: string;
  readonly worker_id: number;
  readonly logit: number;
  readonly effective_cached_blocks: number;
}
