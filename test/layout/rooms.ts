/**
 * The rooms of the house: every folder of the program, its floor, and whether it is pure. A file
 * imports its own room and lower floors, type-only imports too. The architecture page prints this
 * table, and `layout.test.ts` holds the sources to it.
 */

export interface Room {
  /** Higher floors import lower ones, never the other way round and never their own floor's rooms. */
  readonly floor: number;
  /** The folder; a last part `*` stands for each of its folders. */
  readonly folder: string;
  readonly holds: string;
  /**
   * A pure room touches no clock, file, socket, environment or chance. Of a mixed room, a list names
   * the pure files, or with `!` those that are not.
   */
  readonly pure: boolean | readonly string[];
}

/** The mocker as a model: the virtual clock runs these. */
const MODELS = [
  "scheduler.ts",
  "kv-cache.ts",
  "timing.ts",
  "gpus.ts",
  "batch.ts",
  "sequence.ts",
  "step-span.ts",
  "block-timetable.ts",
  "fifo.ts",
  "handoffs.ts",
  "priority-queue.ts",
  "admission.ts",
  "cache-changes.ts",
];
/** Routers that start or find a program; the others are policies. */
const PROGRAMS = [
  "!attach.ts",
  "!direct.ts",
  "!dynamo.ts",
  "!haproxy.ts",
  "!nginx.ts",
  "!sglang-router.ts",
  "!smg.ts",
  "!vllm-router.ts",
];

export const ROOMS: readonly Room[] = [
  room(1, "core/base", true, "errors, random numbers, portable mathematics"),
  room(2, "core/system", false, "the clock, files, timers"),
  room(2, "core/contract", true, "what plugins, plans, records and results are"),
  room(3, "core/routing/kv", true, "blocks, their hashes, KV events, the prefix index"),
  room(
    3,
    "core/prompt",
    ["tokens.ts", "body.ts", "word-table.ts"],
    "tokens, text and request bodies",
  ),
  room(3, "core/wire/http", ["byte-range.ts"], "HTTP client, server-sent events"),
  room(3, "core/wire/zmq", false, "ZMTP sockets for KV events"),
  room(3, "core/process", false, "child processes, the keeper, messages between processes"),
  room(3, "core/metrics", true, "the definition of each metric"),
  room(3, "core/statistics", true, "quantiles, intervals, bootstrap"),
  room(3, "core/search", true, "settings that are worth a trial"),
  room(4, "core/trace", ["!read-trace.ts"], "rows of a trace, and what formats share"),
  room(5, "core/trace/analysis", true, "sharing and cache curves of a trace"),
  room(6, "core/trace/synthesis", true, "more rows of the same kind"),
  room(6, "core/metrics/tally", true, "sums over the records of a cell"),
  room(7, "core/metrics/verdict", true, "whether a result may be believed"),
  room(8, "core/metrics/compare", true, "differences between arms, with intervals"),
  room(9, "core/metrics/summary", true, "the results of a cell and of a run"),
  room(4, "core/workload", true, "drawing requests, tiers, arrivals, queue order"),
  room(4, "core/routing", true, "the host of a policy, loads, the life of a request"),
  room(7, "core/simulate", true, "a cell on the virtual clock"),
  room(7, "core/plan", true, "options to a frozen plan"),
  room(5, "core/load/null-server", false, "a server of known timing"),
  room(
    6,
    "core/load",
    ["completion.ts", "plain-event.ts", "usage.ts", "nvext.ts", "error-words.ts"],
    "the load generator and its process",
  ),
  room(6, "core/gateway", false, "HTTP around a hosted policy"),
  room(8, "core/plugin-folder", false, "loading and installing plugins"),
  room(4, "core/run/sampling", false, "metrics of workers, GPUs and the machine during a cell"),
  room(8, "core/run/folder", false, "the files of a run"),
  room(9, "core/run/setup", false, "routers up, and the proof that a set-up is what it claims"),
  room(10, "core/run", ["cell-findings.ts"], "the life of a run, live or simulated"),
  room(10, "core/doctor", false, "what this machine has for runs"),
  room(
    11,
    "core/decide",
    ["objective.ts", "over.ts", "scenarios.ts", "edge.ts"],
    "tuning: searched, judged",
  ),
  room(11, "core/doors", false, "what plugins may import: a module a door"),
  room(12, "reports/drawing", false, "colours and elements of the page"),
  room(12, "reports/data", true, "what the page shows, computed"),
  room(13, "reports/charts", false, "the charts"),
  room(14, "reports/sections", false, "the sections of the page"),
  room(15, "reports", false, "the pages, and their bundling"),
  room(12, "plugins/shared", true, "shapes of options, roles of workers"),
  room(12, "plugins/shared/dynamo", false, "Dynamo's plane: discovery, events, frontend"),
  room(13, "plugins/shared/external", false, "routers that are programs of their own"),
  room(13, "plugins/shared/model-servers", false, "what vLLM, SGLang and TensorRT-LLM share"),
  room(12, "plugins/trace-formats", true, "one file a trace format"),
  room(
    13,
    "plugins/shared/traces",
    true,
    "traces as input of workloads, and the list of their formats",
  ),
  room(12, "plugins/shared/reporters", false, "what reporters share"),
  room(14, "plugins/engines/*", MODELS, "parts of one engine"),
  room(15, "plugins/engines", false, "one file or folder an engine"),
  room(15, "plugins/routers", PROGRAMS, "one file a router"),
  room(14, "plugins/workloads/*", true, "parts of one workload"),
  room(15, "plugins/workloads", true, "one file a workload"),
  room(15, "plugins/reporters/*", false, "parts of one reporter"),
  room(16, "plugins/reporters", false, "one file a reporter"),
  room(12, "plugins/examples", false, "what `plugin new` copies"),
  room(17, "plugins", false, "the list of what is bundled"),
  room(12, "core/cli/options", false, "arguments, configuration files, options by plugin"),
  room(13, "core/cli/text", false, "help, faults and tables as text"),
  room(1, "core/cli/commands/shells", false, "completion scripts of the shells"),
  room(16, "core/cli/commands", false, "one file a command"),
  room(17, "core/cli", false, "the command line"),
  room(18, "core", false, "the composition root"),
  room(19, "release", false, "build, archives, packages"),
];

function room(floor: number, folder: string, pure: Room["pure"], holds: string): Room {
  return { floor, folder, pure, holds };
}
