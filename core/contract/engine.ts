/** The contract of an engine: how its workers are started, and what they look like in a simulation. */
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
    router: { readonly name: string; readonly plane: Plane; readonly defaultEngine?: string },
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

export function defineEngine<Schema extends OptionsSchema>(
  engine: Omit<Engine<Schema>, "kind">,
): Engine<Schema> {
  return { kind: "engine", apiVersion: API_VERSION, ...engine };
}
