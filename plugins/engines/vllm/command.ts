/**
 * The command and environment of one vLLM server. Pure.
 *
 * Flags that the vLLM at hand does not know are left out, and so are ours where the user gave the
 * same one after `--`. Checked against vLLM 0.31 to 0.33 (`vllm serve --help=all`).
 */
import { DynbenchError } from "dynbench";
import { flagNames, isLoopback } from "./flags.ts";
import type { VllmOptions } from "./vllm-options.ts";

/** Topic of the KV events: none, as by default; vllm-router takes no others. */
export const KV_EVENTS_TOPIC = "";

/** How a server is started: `vllm serve`, or the module where the command is broken. */
export type Program = "serve" | "api_server";

export const PROGRAM_MODULES: Readonly<Record<Program, readonly string[]>> = {
  // What the `vllm` command runs; named so, it is the vLLM of this Python for certain.
  serve: ["-m", "vllm.entrypoints.cli.main", "serve"],
  api_server: ["-m", "vllm.entrypoints.openai.api_server"],
};

export interface ServerPorts {
  readonly http: number | string;
  /** The first rank's; each further rank adds one. */
  readonly kvEvents: number | string;
  readonly replay: number | string;
}

export interface ServerCommand {
  readonly options: VllmOptions;
  readonly program: Program;
  /** Flags that this vLLM knows; none when it was not asked, then all are taken for known. */
  readonly flags: ReadonlySet<string>;
  readonly ports: ServerPorts;
  readonly engineArgs: readonly string[];
}

/** Flags that dynbench sets for each server and nobody may set for all. */
const OWN_FLAGS = ["--model", "--host", "--port", "--kv-events-config", "--served-model-name"];

export function serverCommand(server: ServerCommand): string[] {
  const { options, program, engineArgs } = server;
  refuseOwn(OWN_FLAGS, engineArgs);
  const model = program === "serve" ? [options.modelPath] : ["--model", options.modelPath];
  const flags = flagsFor(wantedFlags(server), server);
  return [options.python, ...PROGRAM_MODULES[program], ...model, ...flags, ...engineArgs];
}

/** Throws when what follows `--` names a flag that is each server's own. */
export function refuseOwn(own: readonly string[], engineArgs: readonly string[]): void {
  const given = flagNames(engineArgs);
  const clash = own.find((flag) => given.has(flag));
  if (clash === undefined) return;
  throw new DynbenchError("plan", `${clash} after -- is set by dynbench for each server`, {
    hint: "Leave it out; there are --model-path, --served-model-name, --first-port, --worker-host",
  });
}

/** Of the flags that are wanted those that this vLLM knows, and that nobody gave after `--`. */
export function flagsFor(
  wanted: readonly (readonly string[])[],
  { flags, engineArgs }: Pick<ServerCommand, "flags" | "engineArgs">,
): string[] {
  const given = flagNames(engineArgs);
  const isKnown = (flag: string): boolean => flags.size === 0 || flags.has(flag);
  const isOurs = ([flag]: readonly string[]): boolean =>
    isKnown(flag!) && !given.has(flag!) && !given.has(flag!.replace(/^--(no-)?/, "--no-"));
  return wanted.filter(isOurs).flat();
}

/** Whether the server will tell what it stores and evicts. */
export function publishesEvents({
  options,
  flags,
}: Pick<ServerCommand, "options" | "flags">): boolean {
  const knows = flags.size === 0 || flags.has("--kv-events-config");
  // With several ranks each has a cache of its own, and the server chooses among them.
  return knows && options.dataParallelSize === 1;
}

function wantedFlags(server: ServerCommand): string[][] {
  const { options, ports } = server;
  return [
    ["--host", isLoopback(options.workerHost) ? "127.0.0.1" : "0.0.0.0"],
    ["--port", `${ports.http}`],
    ...some("--served-model-name", options.servedModelName),
    ...engineFlags(options),
    ["--enable-prompt-tokens-details"],
    ...(publishesEvents(server) ? [kvEventsFlag(ports)] : []),
  ];
}

/** What shapes the engine itself, the same however it is served. */
export function engineFlags(options: VllmOptions): string[][] {
  return [
    ...several("--tensor-parallel-size", options.tensorParallelSize),
    ...several("--data-parallel-size", options.dataParallelSize),
    ...(options.enforceEager ? [["--enforce-eager"]] : []),
    ["--max-num-batched-tokens", `${options.maxNumBatchedTokens}`],
    ["--max-model-len", `${options.maxModelLen}`],
    ["--block-size", `${options.blockSize}`],
    ...some("--max-num-seqs", options.maxNumSeqs),
    ...some("--num-gpu-blocks-override", options.kvBlocks),
    ["--enable-prefix-caching"],
  ];
}

/**
 * A publisher binds where it may be reached from anywhere, and only there: with an address in place
 * of the star vLLM connects instead.
 */
export function kvEventsFlag(
  ports: Pick<ServerPorts, "kvEvents" | "replay">,
  topic = KV_EVENTS_TOPIC,
): string[] {
  const events = {
    enable_kv_cache_events: true,
    publisher: "zmq",
    endpoint: `tcp://*:${ports.kvEvents}`,
    replay_endpoint: `tcp://*:${ports.replay}`,
    topic,
  };
  return ["--kv-events-config", JSON.stringify(events)];
}

function some(flag: string, value: number | string | undefined): string[][] {
  return value === undefined ? [] : [[flag, `${value}`]];
}

function several(flag: string, count: number): string[][] {
  return count > 1 ? [[flag, `${count}`]] : [];
}

/** Environment of a server: ours, with the user's on top. */
export function serverEnv(of: {
  readonly gpus: readonly string[] | undefined;
  /** Cores for a server without a GPU, as VLLM_CPU_OMP_THREADS_BIND names them. */
  readonly cpus: string | undefined;
  readonly users: Readonly<Record<string, string>>;
}): Record<string, string> {
  return {
    // Block hashes must agree between servers, also with the algorithms that seed from it.
    PYTHONHASHSEED: "0",
    // Else the engine's inner queues go over the machine's outside address.
    VLLM_HOST_IP: "127.0.0.1",
    VLLM_SERVER_DEV_MODE: "1", // has /reset_prefix_cache
    VLLM_NO_USAGE_STATS: "1",
    ...(of.gpus === undefined ? {} : { CUDA_VISIBLE_DEVICES: of.gpus.join(",") }),
    ...(of.cpus === undefined ? {} : { VLLM_CPU_OMP_THREADS_BIND: of.cpus }),
    ...of.users,
  };
}
