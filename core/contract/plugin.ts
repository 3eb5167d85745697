/**
 * The contract of the four plugin kinds. Start reading here.
 *
 * A plugin is a plain object made by `defineEngine`, `defineRouter`, `defineWorkload` or
 * `defineReporter`. It has a `name` (as the user types it), a `summary` (one line for `--help`) and
 * `options`: a strict valibot schema, the one source of checking, defaults, flags, help and docs.
 * Leaving an optional method out is a statement ("cannot"), never a stub.
 *
 * Option metadata (`v.metadata({...})`, see `OptionMetadata`) names flag aliases and sweeps;
 * `v.description` is the help text and is required. Units end the name: `timeoutS`, `rateRps`.
 */
import type * as v from "valibot";
import type { LoadShape, PlaneSettings, PluginUse, Plan } from "./plan.ts";
import type { CellResult, Progress, RunResult } from "./result.ts";
import type { RandomStream } from "../base/random.ts";
import type { Need, PlannedProcess } from "./foreign-programs.ts";
import type { Plane, PriorityDialect, RequestSpec, WireForm } from "./request.ts";
import type { Worker, WorkerRole } from "./request.ts";
import type { RoutingPolicy } from "./routing-policy.ts";
import type { WorkerLimits, WorkerModel, WorkerSink } from "./worker-model.ts";
export type { Need, PlannedProcess } from "./foreign-programs.ts";

/**
 * Version of this contract. It goes up when a plugin written for the one before would no longer do
 * what it says; `define…` stamps it, and a plugin of another version is refused with both numbers.
 */
export const API_VERSION = 1;

export type OptionsSchema = v.StrictObjectSchema<v.ObjectEntries, any>;

/** What `v.metadata()` may say about an option. */
export interface OptionMetadata {
  /** Other spellings of the flag, without dashes: `["num-workers"]`. */
  aliases?: readonly string[];
  /** Swept over these values unless the user gives one. */
  sweep?: readonly (number | string)[];
  /** Never printed or stored as it is. */
  secret?: boolean;
  /** Items of a list option are taken as typed, not split at commas. */
  verbatim?: boolean;
  /** Of a workload: names a file that it reads. The plan holds its digest; `-` is standard input. */
  file?: boolean;
}

interface PluginBase<Schema extends OptionsSchema> {
  /** The contract it was written for. Stamped by `define…`; say it yourself to be told of a new one. */
  readonly apiVersion?: number;
  /** Kebab-case, unique within its kind. */
  readonly name: string;
  /** Other names the user may type. */
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly options: Schema;
}

// ---------------------------------------------------------------------------------------- engine

/** A simulated cluster: how many workers of which sizes, and a model for each. */
export interface EngineModel {
  readonly workers: readonly { readonly id: string; readonly role: WorkerRole }[];
  readonly limits: WorkerLimits;
  create(worker: number, sink: WorkerSink): WorkerModel;
}

/** Where workers of plane "dynamo" have registered: what a router needs to find them. */
export interface Discovery {
  /** They are in it, and nobody else is. */
  readonly namespace: string;
  /** What every process on the plane gets: addresses, backends, loopback. */
  readonly env: Readonly<Record<string, string>>;
  /** Python that the engine runs with. */
  readonly python: string;
  /** Of this engine start: files of the plane's processes may go there. */
  readonly folder: string;
}

export interface EngineHandle extends AsyncDisposable {
  readonly workers: readonly Worker[];
  /** On plane "dynamo" only. */
  readonly discovery?: Discovery;
  /** The `model` of requests. */
  readonly servedModelName: string;
  /** Folder of the served model's tokenizer.json; left out: text is made of the built-in tokenizer's words. */
  readonly tokenizer?: string;
  /** Completions of text get no special tokens from the server, unlike those of vLLM. */
  readonly bareText?: boolean;
  /** Versions, full commands, GPUs: into `facts.json`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Messages with KV events from workers, heard beside the router, so that its word is not the only proof. */
  eventsPublished?(): number;
  /** GPUs of this machine that it runs on, as nvidia-smi numbers them; sampled while load runs. */
  readonly gpus?: readonly string[];
  /** Empties every worker's prefix cache between cells; left out where the engine cannot. */
  resetCache?(): Promise<void>;
}

export interface Engine<Schema extends OptionsSchema = OptionsSchema> extends PluginBase<Schema> {
  readonly kind: "engine";
  /** What `dynbench doctor` looks for, and says how to get; nothing when left out. */
  readonly needs?: readonly Need[];
  /** Planes its workers can serve on. */
  readonly planes: readonly Plane[];
  /** Planes on which it can have workers for prefill alone and for decode alone; none when left out. */
  readonly splitsOn?: readonly Plane[];
  /** Its command gets everything after `--` as it is; without it such arguments are a fault of the plan. */
  readonly takesArguments?: boolean;
  /** Faults that only several options together show, or that they make beside a router. */
  check?(
    options: v.InferOutput<Schema>,
    router: Pick<Router, "name" | "plane" | "defaultEngine">,
  ): readonly { path: string; message: string; hint?: string }[];
  /**
   * Defaults that go before the schema's as soon as one arm is on that plane, on the arms of other
   * planes too: what is compared must have the same timing and limits.
   */
  readonly planeDefaults?: Readonly<Partial<Record<Plane, Readonly<Record<string, unknown>>>>>;
  /**
   * Sizes known before the start, for the plan's checks; left out where only the running engine knows.
   * With `prefillWorkers` so many of the workers do prefill alone, and the others decode alone.
   */
  limits?(
    options: v.InferOutput<Schema>,
  ): Partial<WorkerLimits> & { readonly workers: number; readonly prefillWorkers?: number };
  /** How much faster than the modelled hardware it runs; 1 when left out. */
  timeScale?(options: v.InferOutput<Schema>): number;
  /** What `start` would start. */
  processes?(options: v.InferOutput<Schema>, plane: Plane): readonly PlannedProcess[];
  /** Resolves when all workers answer. Leaves nothing behind when it rejects; honours `context.signal`. */
  start?(
    options: v.InferOutput<Schema>,
    plane: Plane,
    context: StartContext,
  ): Promise<EngineHandle>;
  /** What a child of this binary runs that `start` asked for with `context.processes.startSelf`. */
  serve?(
    options: v.InferOutput<Schema>,
    task: unknown,
    context: ChildContext,
  ): Promise<AsyncDisposable & { readonly ready: unknown }>;
  /** The engine as pure models, for the virtual clock. */
  model?(options: v.InferOutput<Schema>): EngineModel;
}

// ---------------------------------------------------------------------------------------- router

/** What an arm promises; preflight proves it and trust checks hold it to it. */
export interface RouterTraits {
  /** Prompt forms it takes. */
  readonly accepts: readonly WireForm[];
  /** The same prompt goes to the same worker. */
  readonly affinity: boolean;
  /** Every worker should get work under an even load. */
  readonly spreads: boolean;
  /** Needs the workers' KV events. */
  readonly kvEvents: boolean;
  /** Told the prefix group or session by the client in this header. */
  readonly keyHeader?: string;
  /** Extra top-level fields of each request, without which its answers do not name their worker. */
  readonly requestFields?: Readonly<Record<string, unknown>>;
  /** By role: a request with this header, and a worker's `instance` in it, goes to that worker. */
  readonly pinHeaders?: Readonly<Partial<Record<WorkerRole, string>>>;
}

export interface RouterHandle extends AsyncDisposable {
  /** Where the load goes; several are dealt to in turn. */
  readonly urls: readonly string[];
  /** The `model` of requests, where the router knows it and the engine does not (no workers in reach). */
  readonly servedModelName?: string;
  /** How it takes priorities, where it knows better than the engine's plane does. */
  readonly priorityDialect?: PriorityDialect;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Forgets what it learnt; left out where it cannot, then it is restarted between cells. */
  reset?(): Promise<void>;
  /** KV events that it has applied since its start; left out where it does not tell. */
  eventsApplied?(): Promise<number>;
  /** Requests since its start of which it knew a beginning to be cached: the proof where it counts no events. */
  prefixesFound?(): Promise<number>;
  /** Where it tells figures in Prometheus' text form; sampled while load runs. */
  readonly metricsUrls?: readonly string[];
}

export type Router<Schema extends OptionsSchema = OptionsSchema> = PluginBase<Schema> & {
  readonly kind: "router";
  readonly plane: Plane;
  /** What `dynbench doctor` looks for, and says how to get; nothing when left out. */
  readonly needs?: readonly Need[];
  /** Options with which it gives each worker its turn, where it can: the control where planes are compared. */
  readonly control?: Readonly<Record<string, unknown>>;
  /** Engine it is measured with unless the user names one; `mocker` when left out. */
  readonly defaultEngine?: string;
  traits(options: v.InferOutput<Schema>): RouterTraits;
  /** Throws where the program that it would start is not there; asked before anything is started. */
  find?(options: v.InferOutput<Schema>, place: Pick<StartContext, "python">): void;
} & (
    | {
        /** Hosted by the gateway live and by the simulator in virtual time. */
        policy(options: v.InferOutput<Schema>): RoutingPolicy;
        start?: never;
      }
    | {
        policy?: never;
        /** Options that choose what does about the same on the virtual clock: `--router kv`. */
        readonly standIn?: string;
        processes?(options: v.InferOutput<Schema>, workers: number): readonly PlannedProcess[];
        /** Starts, or attaches to, an external router. */
        start(
          options: v.InferOutput<Schema>,
          engine: EngineHandle,
          context: StartContext,
        ): Promise<RouterHandle>;
      }
  );

// -------------------------------------------------------------------------------------- workload

export interface WorkloadContext<Rows> {
  /** What `read` returned. */
  readonly rows: Rows;
  /** Of this cell's seed; the same for all arms. */
  readonly random: RandomStream;
  /** Requests the load will send, warm-up included; undefined: as many as the workload has. */
  readonly count: number | undefined;
}

export interface Workload<
  Schema extends OptionsSchema = OptionsSchema,
  Rows = unknown,
> extends PluginBase<Schema> {
  readonly kind: "workload";
  /** Load shape unless the user says otherwise. */
  readonly load: Partial<LoadShape>;
  /** Faults that only several options together show. */
  check?(
    options: v.InferOutput<Schema>,
  ): readonly { path: string; message: string; hint?: string }[];
  /** The only effect of a workload: reading its files. Digests go into the plan. */
  read?(options: v.InferOutput<Schema>, signal: AbortSignal): Promise<Rows>;
  /** Its prompts may hold answers (`answerOf`), so the load must be able to read them. */
  readonly usesAnswers?: boolean;
  /** What `read` found out that a user should know, one sentence each; told by plan and run. */
  notes?(options: v.InferOutput<Schema>, rows: Rows): readonly string[];
  /** Pure: the same options, rows and random stream give the same requests, on every machine. */
  requests(
    options: v.InferOutput<Schema>,
    context: WorkloadContext<Rows>,
  ): Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
}

// -------------------------------------------------------------------------------------- reporter

/** All optional; none may block for long. A throw is told and the run goes on. */
export interface ReporterHandle {
  /** At most four a second while load runs. */
  progress?(progress: Progress): void;
  /** After each cell, so that a later crash loses nothing. */
  cell?(result: CellResult): Promise<void> | void;
  /** Once, at the end, also of an interrupted run. `failed`: reporters before this one that could not write. */
  end?(run: RunResult, failed: readonly string[]): Promise<void> | void;
}

export interface ReporterContext {
  readonly runDir: string;
  readonly log: Logger;
  /** Results go here; logs and progress never. */
  readonly stdout: { write(text: string): void; readonly isTTY: boolean; readonly columns: number };
  readonly stderr: { write(text: string): void; readonly isTTY: boolean; readonly columns: number };
  readonly color: boolean;
  /** `--json`: stdout must carry the summary and nothing else. */
  readonly json: boolean;
}

export interface Reporter<Schema extends OptionsSchema = OptionsSchema> extends PluginBase<Schema> {
  readonly kind: "reporter";
  /** Claims its outputs before the run, so that a bad path fails at once. */
  open(
    options: v.InferOutput<Schema>,
    plan: Plan,
    context: ReporterContext,
  ): Promise<ReporterHandle> | ReporterHandle;
}

// --------------------------------------------------------------------------------------- context

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug(message: string): void;
}

/** Everything a starting plugin may touch, so that a test can give it a fake. */
export interface StartContext {
  /** Aborted on Ctrl-C, a deadline, or when a sibling fails. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly runDir: string;
  readonly processes: Processes;
  /** Address our own listeners bind. */
  readonly host: string;
  /** Copies of a router that are wanted, where it can have several. */
  readonly replicas: number;
  /** Of the first copy of the router, the next one's is the next; any free ones when left out. */
  readonly port?: number;
  readonly seed: number;
  /** The engine's `--python`: what is not on PATH may be in its environment. */
  readonly python?: string;
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
  /** Of plane "dynamo", where an arm is on it. */
  readonly planeSettings?: PlaneSettings;
  /** What every request to a server of the user's own carries: `--header`, and the API key. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

/** Starts processes whose end is ours. A process that dies unasked aborts the cell, by name, with its last lines. */
export interface Processes {
  /** This binary again, running `use`'s `serve(options, task)`; resolves with what that says in `ready`. */
  startSelf(
    name: string,
    use: PluginUse,
    task: unknown,
  ): Promise<ProcessHandle & { ready: unknown }>;
  /** A foreign program, in its own process group, under the keeper. */
  startForeign(
    name: string,
    command: readonly string[],
    details?: ForeignDetails,
  ): Promise<ForeignProcess>;
}

export interface ForeignDetails {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its end is noticed by whoever started it, until `guard` is called: a short task, or a slow start. */
  readonly isUnguarded?: boolean;
  /** Its stdin stays open for as long as the run lives; else it is empty. */
  readonly holdsStdin?: boolean;
  /** What its last log lines say of why it ended; pure. */
  readonly explain?: (lines: readonly string[]) => Explanation | undefined;
}

/** Why a foreign program ended, and what to try. */
export interface Explanation {
  readonly what: string;
  readonly hint: string;
}

export interface ForeignProcess extends ProcessHandle {
  readonly logPath: string;
  /** From now on an end that nobody asked for is a death, also one that was before. */
  guard(): void;
}

export interface ProcessHandle extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** Its last lines, newest last. */
  lastLines(count: number): readonly string[];
}

/** What a child of this binary gets. */
export interface ChildContext {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly host: string;
  readonly seed: number;
}

export type AnyPlugin = Engine<any> | Router<any> | Workload<any, any> | Reporter<any>;

export function defineEngine<Schema extends OptionsSchema>(
  engine: Omit<Engine<Schema>, "kind">,
): Engine<Schema> {
  return { kind: "engine", apiVersion: API_VERSION, ...engine };
}

type RouterDefinition<Schema extends OptionsSchema> =
  Router<Schema> extends infer R ? (R extends unknown ? Omit<R, "kind"> : never) : never;

export function defineRouter<Schema extends OptionsSchema>(
  router: RouterDefinition<Schema>,
): Router<Schema> {
  return { kind: "router", apiVersion: API_VERSION, ...router } as Router<Schema>;
}

export function defineWorkload<Schema extends OptionsSchema, Rows = undefined>(
  workload: Omit<Workload<Schema, Rows>, "kind">,
): Workload<Schema, Rows> {
  return { kind: "workload", apiVersion: API_VERSION, ...workload };
}

export function defineReporter<Schema extends OptionsSchema>(
  reporter: Omit<Reporter<Schema>, "kind">,
): Reporter<Schema> {
  return { kind: "reporter", apiVersion: API_VERSION, ...reporter };
}
