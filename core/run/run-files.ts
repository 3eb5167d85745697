/** The files of a run folder and what each holds: the reference page is made from this table. */

export interface RunFile {
  /** Relative to the run folder; a folder ends in `/`. */
  readonly name: string;
  readonly holds: string;
  /** When it is written, where that is not always. */
  readonly when?: string;
  /** `dynbench report` writes it again from the other files. */
  readonly isRebuilt?: boolean;
}

export const RUN_FILES: readonly RunFile[] = [
  {
    name: "plan.json",
    holds: "the frozen plan with every default and seed; `--config plan.json` runs it again",
  },
  {
    name: "facts.json",
    holds: "versions, machine, and the commands with which engines and routers were started",
  },
  {
    name: "records.jsonl",
    holds:
      "one line a request, written as the request ends: time stamps, tokens, worker, error in the server's words. `phase` is `measured`, `warmup`, or `settling` for the throw-away load after a start; only measured requests count",
  },
  {
    name: "cells.jsonl",
    holds:
      "one line a cell: its state, the settling load before it, the health of the load generator, the cost of the router",
  },
  {
    name: "decisions.jsonl",
    holds: "one line a decision of a router that dynbench hosts: scores, overlaps, microseconds",
    when: "on the wall clock; on the virtual clock with `--decisions`",
  },
  {
    name: "events.jsonl",
    holds:
      "every event that such a router received, in order; enough to repeat its decisions offline",
    when: "on the wall clock",
  },
  {
    name: "metrics.jsonl",
    holds:
      "once a second: `/metrics` of the workers and of Dynamo's frontend, and utilisation, memory, power and clocks of the GPUs",
    when: "on the wall clock, where there is something to sample",
  },
  {
    name: "summary.json",
    holds: "the results for other programs",
    isRebuilt: true,
  },
  {
    name: "results.md",
    holds: "the terminal's tables as Markdown, with command, versions and verdict",
    isRebuilt: true,
  },
  {
    name: "guide/",
    holds: "`results_summary.json` for each arm, in the form of Dynamo's benchmark scripts",
    isRebuilt: true,
  },
  {
    name: "report.html",
    holds: "the report: one file that opens from disk and fetches nothing",
    isRebuilt: true,
  },
  {
    name: "stdin",
    holds: "what came on standard input",
    when: "where the workload read it, `--trace -`",
  },
  { name: "logs/", holds: "one log file a process", when: "filled on the wall clock" },
  {
    name: "engine/",
    holds: "configuration files with which an engine was started",
    when: "with `--engine trtllm`",
  },
  {
    name: "haproxy/, nginx/",
    holds: "configuration of these routers",
    when: "with such an arm",
  },
  {
    name: "discovery/",
    holds: "where Dynamo's processes register",
    when: "with an arm on plane `dynamo`, while it is up",
  },
  {
    name: "compare/",
    holds: "the report of several runs, in the folder of the first one",
    when: "after `dynbench report DIR DIR…`",
  },
];
