/** The contract of a router: a policy that the built-in gateway hosts, or an external program. */
import type * as v from "valibot";
import type { EngineHandle } from "./engine.ts";
import type { Need, PlannedProcess } from "./foreign-programs.ts";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { StartContext } from "./processes.ts";
import type { Plane, PriorityDialect, WireForm, WorkerRole } from "./request.ts";
import type { RoutingPolicy } from "./routing-policy.ts";

/** Properties of a router. Preflight checks them before the load, and the trust checks after it. */
export interface RouterTraits {
  /** Prompt forms that it accepts. */
  readonly accepts: readonly WireForm[];
  /** Sends the same prompt to the same worker. */
  readonly affinity: boolean;
  /** Gives work to every worker under an even load. */
  readonly spreads: boolean;
  /** Needs the workers' KV events. */
  readonly kvEvents: boolean;
  /** Header in which the client sends the prefix group or session to it. */
  readonly keyHeader?: string;
  /** Extra top-level fields of each request body that make its answers name their worker. */
  readonly requestFields?: Readonly<Record<string, unknown>>;
  /** By role: a header that sends a request to the worker whose `instance` it holds. */
  readonly pinHeaders?: Readonly<Partial<Record<WorkerRole, string>>>;
}

export interface RouterHandle extends AsyncDisposable {
  /** Where the load is sent; several URLs are used in turn. */
  readonly urls: readonly string[];
  /** The `model` of requests, if the router knows it and the engine does not (because it reaches no workers). */
  readonly servedModelName?: string;
  /** How priorities are sent to it, where that differs from the default of the plane. */
  readonly priorityDialect?: PriorityDialect;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Clears its state between cells. A router without it is restarted between cells. */
  reset?(): Promise<void>;
  /** Number of KV events applied since its start; left out if it does not report them. */
  eventsApplied?(): Promise<number>;
  /** Number of requests since its start for which it knew a cached prefix: shows that it uses KV events, if it does not count them. */
  prefixesFound?(): Promise<number>;
  /** URLs of its metrics in Prometheus' text format; sampled while load runs. */
  readonly metricsUrls?: readonly string[];
}

export type Router<Schema extends OptionsSchema = OptionsSchema> = PluginBase<Schema> & {
  readonly kind: "router";
  readonly plane: Plane;
  /** What it needs on this machine; `dynbench doctor` looks for it, and prints how to get it. */
  readonly needs?: readonly Need[];
  /** Options that make it give each worker its turn, if it can: such an arm is the control when planes are compared. */
  readonly control?: Readonly<Record<string, unknown>>;
  /** Default engine of a run with this router; `mocker` when left out. */
  readonly defaultEngine?: string;
  traits(options: v.InferOutput<Schema>): RouterTraits;
  /** Throws if the program that it would start is missing; called before anything is started or written. */
  find?(options: v.InferOutput<Schema>, place: Pick<StartContext, "python">): Promise<void> | void;
} & (
    | {
        /** Hosted by the gateway in a live run, and by the simulator on the virtual clock. */
        policy(options: v.InferOutput<Schema>): RoutingPolicy;
        start?: never;
      }
    | {
        policy?: never;
        /** Options of a bundled policy that behaves about the same, for the virtual clock: `--router kv`. */
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
