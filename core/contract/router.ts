/** The contract of a router: a policy that the gateway hosts, or a program of its own. */
import type * as v from "valibot";
import type { EngineHandle } from "./engine.ts";
import type { Need, PlannedProcess } from "./foreign-programs.ts";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { StartContext } from "./processes.ts";
import type { Plane, PriorityDialect, WireForm, WorkerRole } from "./request.ts";
import type { RoutingPolicy } from "./routing-policy.ts";

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

type RouterDefinition<Schema extends OptionsSchema> =
  Router<Schema> extends infer R ? (R extends unknown ? Omit<R, "kind"> : never) : never;

export function defineRouter<Schema extends OptionsSchema>(
  router: RouterDefinition<Schema>,
): Router<Schema> {
  return { kind: "router", apiVersion: API_VERSION, ...router };
}
