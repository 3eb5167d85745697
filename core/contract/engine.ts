/** The contract of an engine: how its workers are started, and how they are simulated. */
import type * as v from "valibot";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { Need, PlannedProcess } from "./foreign-programs.ts";
import type { ChildContext, StartContext } from "./processes.ts";
import type { Plane, Worker, WorkerRole } from "./request.ts";
import type { WorkerLimits, WorkerModel, WorkerSink } from "./worker-model.ts";

/** A simulated cluster: how many workers of which sizes, and a model for each. */
export interface EngineModel {
  readonly workers: readonly { readonly id: string; readonly role: WorkerRole }[];
  readonly limits: WorkerLimits;
  create(worker: number, sink: WorkerSink): WorkerModel;
}

/** Where the workers of plane "dynamo" have registered, so that a router finds them. */
export interface Discovery {
  /** Namespace that holds these workers and no others. */
  readonly namespace: string;
  /** Environment of every process on the plane: addresses, backends, loopback. */
  readonly env: Readonly<Record<string, string>>;
  /** The Python that runs the engine. */
  readonly python: string;
  /** Folder of this engine start, for files of the plane's processes. */
  readonly folder: string;
}

export interface EngineHandle extends AsyncDisposable {
  readonly workers: readonly Worker[];
  /** Set on plane "dynamo" only. */
  readonly discovery?: Discovery;
  /** The `model` field of requests. */
  readonly servedModelName: string;
  /** Folder with the served model's tokenizer.json; without one, prompts are made of the words of the built-in tokenizer. */
  readonly tokenizer?: string;
  /** The server adds no special tokens to text completions; vLLM adds them. */
  readonly bareText?: boolean;
  /** Versions, full commands, GPUs; written to `facts.json`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Number of messages with KV events that the workers published, counted independently of the router. */
  eventsPublished?(): number;
  /** GPUs of this machine that it runs on, numbered as by nvidia-smi; sampled while load runs. */
  readonly gpus?: readonly string[];
  /** Empties every worker's prefix cache between cells; left out if the engine cannot. */
  resetCache?(): Promise<void>;
}

export interface Engine<Schema extends OptionsSchema = OptionsSchema> extends PluginBase<Schema> {
  readonly kind: "engine";
  /** What it needs on this machine; `dynbench doctor` looks for it, and prints how to get it. */
  readonly needs?: readonly Need[];
  /** Planes on which its workers can serve. */
  readonly planes: readonly Plane[];
  /** Planes on which it can have separate workers for prefill and for decode; none when left out. */
  readonly splitsOn?: readonly Plane[];
  /** It passes everything after `--` to its command. Without this, such arguments are a fault of the plan. */
  readonly takesArguments?: boolean;
  /** Faults in the combination of options, or of options and router. `path` is the option's key. */
  check?(
    options: v.InferOutput<Schema>,
    router: { readonly name: string; readonly plane: Plane; readonly defaultEngine?: string },
  ): readonly { path: string; message: string; hint?: string }[];
  /**
   * Defaults that replace the schema's on all arms if any arm is on that plane: arms that are compared
   * must have the same timing and limits.
   */
  readonly planeDefaults?: Readonly<Partial<Record<Plane, Readonly<Record<string, unknown>>>>>;
  /**
   * Sizes that are known before the start, for the plan's checks; a size that only the running engine
   * knows is left out. `prefillWorkers` of the workers do prefill only, and the others decode only.
   */
  limits?(
    options: v.InferOutput<Schema>,
  ): Partial<WorkerLimits> & { readonly workers: number; readonly prefillWorkers?: number };
  /** How many times faster than the modelled hardware it runs; 1 when left out. */
  timeScale?(options: v.InferOutput<Schema>): number;
  /** Throws if a program or package is missing that it would start with; called before anything is started or written. */
  find?(options: v.InferOutput<Schema>, plane: Plane): Promise<void> | void;
  /** The processes that `start` would start. */
  processes?(options: v.InferOutput<Schema>, plane: Plane): readonly PlannedProcess[];
  /** Resolves when all workers answer. Leaves nothing behind when it rejects, and stops at `context.signal`. */
  start?(
    options: v.InferOutput<Schema>,
    plane: Plane,
    context: StartContext,
  ): Promise<EngineHandle>;
  /** Runs in a child process of this binary, which `start` requested with `context.processes.startSelf`. */
  serve?(
    options: v.InferOutput<Schema>,
    task: unknown,
    context: ChildContext,
  ): Promise<AsyncDisposable & { readonly ready: unknown }>;
  /** The engine as pure models, for the virtual clock; left out if it has none. */
  model?(options: v.InferOutput<Schema>): EngineModel;
}

export function defineEngine<Schema extends OptionsSchema>(
  engine: Omit<Engine<Schema>, "kind">,
): Engine<Schema> {
  return { kind: "engine", apiVersion: API_VERSION, ...engine };
}
