/**
 * What is special to one engine of model servers. Starting, placing, waiting and reading back are the same
 * for all. `vllm.ts`, `sglang.ts` and `trtllm.ts` each have such a record.
 */
import type {
  ControlRequest,
  Explanation,
  KvEventSource,
  PythonProgram,
  StartContext,
  WorkerRole,
} from "dynbench/engine";
import type { ServerOptions } from "./server-options.ts";

export interface ServerKind {
  /** Its usual name, for messages. */
  readonly title: string;
  /** The packages any of which is the engine, by their names for pip. */
  readonly distributions: readonly string[];
  /** How a server is started, in order of preference, and how the flags of each are found. */
  readonly programs: readonly PythonProgram[];
  /** The flag of each size, for messages about a difference between plan and server. */
  readonly sizeFlags: Readonly<Record<"blockSize" | "kvBlocks" | "maxModelLen", string>>;
  /** Runs without a GPU; never when left out. */
  isCpuBuild?(versions: Readonly<Record<string, string>>): boolean;
  /** Notes about what the installation lacks; a run is possible without it. */
  lacks?(version: string, flags: ReadonlySet<string>): string[];
  /** Files that the commands read: text by file name, written into one folder before any start. */
  files?(options: ServerOptions, engineArgs: readonly string[]): Readonly<Record<string, string>>;
  command(server: ServerCommand): string[];
  /** Of one server, without what the user adds. */
  env(place: ServerPlacement): Record<string, string>;
  /** Why one ended, from its last lines. */
  explain(lines: readonly string[]): Explanation | undefined;
  /** Reads the facts of a server that answers. */
  ask(server: AskedServer): Promise<ServerFacts>;
  /** Empties the prefix cache; false where the server has no such path. Left out: none has. */
  resetCache?(url: string, signal?: AbortSignal): Promise<boolean>;
  /** For a server that keeps its KV events until they are fetched: starts a process that fetches and publishes them. */
  publishEvents?(server: PublishedServer, context: StartContext): Promise<EventPublisher>;
  readonly onDynamo: DynamoKind;
}

export interface PublishedServer {
  readonly id: string;
  readonly url: string;
  readonly blockSize: number;
  readonly options: ServerOptions;
}

export interface EventPublisher extends AsyncDisposable {
  readonly kvEvents: KvEventSource;
}

export interface DynamoKind {
  /** `dynamo.vllm`. */
  readonly module: string;
  command(worker: DynamoWorker): string[];
  /** Of one worker, beside the plane's and without what the user adds. */
  env(
    place: ServerPlacement & { readonly role: WorkerRole; readonly transferPort: number | string },
  ): Record<string, string>;
}

/** `PORT` where only a plan is printed. */
export interface ServerPorts {
  readonly http: number | string;
  readonly kvEvents: number | string;
  readonly replay: number | string;
}

export interface ServerCommand {
  readonly options: ServerOptions;
  /** Which of `programs`. */
  readonly program: string;
  /** Flags that it has; empty when it was not asked, then every flag counts as known. */
  readonly flags: ReadonlySet<string>;
  readonly ports: ServerPorts;
  /** Where `files` are. */
  readonly folder: string;
  readonly engineArgs: readonly string[];
}

export interface DynamoWorker {
  readonly options: ServerOptions;
  readonly role: WorkerRole;
  /** The folder of the model that it loads; on the plane nothing may be fetched. */
  readonly model: string;
  readonly servedModelName: string;
  readonly flags: ReadonlySet<string>;
  readonly ports: Omit<ServerPorts, "http"> & { readonly transfer: number | string };
  readonly folder: string;
  readonly host: string;
  readonly engineArgs: readonly string[];
}

export interface ServerPlacement {
  readonly gpus: readonly string[] | undefined;
  /** Cores for a server without a GPU, as `0-3`. */
  readonly cpus: string | undefined;
  readonly host: string;
}

export interface AskedServer {
  readonly url: string;
  readonly host: string;
  readonly ports: { readonly kvEvents: number; readonly replay: number };
  readonly options: ServerOptions;
  readonly flags: ReadonlySet<string>;
  readonly engineArgs: readonly string[];
  readonly request: ControlRequest;
}

export interface ServerFacts {
  readonly blockSize: number | undefined;
  readonly kvBlocks?: number;
  readonly maxModelLen?: number;
  readonly version?: string;
  readonly kvEvents?: KvEventSource;
  readonly metricsUrl?: string;
  /** What to try where there is no block size. */
  readonly hint?: string;
}
