/**
 * The plan: everything a run will do, frozen before anything starts. `dynbench plan` prints it,
 * `plan.json` keeps it, and a saved plan runs again unchanged. Data only; `build.ts` makes it.
 */
import type { Plane, WireForm } from "./request.ts";

/** A plugin with its resolved options: how plans, children and run folders name one. */
export interface PluginUse {
  readonly kind: "engine" | "router" | "workload" | "reporter";
  readonly name: string;
  /** `bundled`, or the absolute path of the file it was loaded from. */
  readonly source: string;
  /** SHA-256 of that file, for plugins that are not bundled. */
  readonly digest?: string;
  /** Complete: every default filled in. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** When requests are sent. Data, so that shapes combine with everything else. */
export interface LoadShape {
  /** `closed`: `concurrency` requests in flight, each end starts the next. Others: one absolute timetable. */
  readonly arrival: "closed" | "constant" | "poisson" | "gamma" | "trace";
  /** Requests in flight; for open loops an upper bound, beyond which requests wait and are late. */
  readonly concurrency?: number;
  /** What `concurrency` counts: requests, or sessions with their think times; requests when left out. */
  readonly concurrencyOf?: "requests" | "sessions";
  /** Mean rate of the open loops with a timetable of their own. */
  readonly rateRps?: number;
  /** Shape of gamma gaps: 1 is Poisson, below comes in bursts. */
  readonly burstiness?: number;
  /** How the rate changes over time; without it it stays. */
  readonly rateProfile?: RateProfile;
  /** Requests, and sessions as a whole, are drawn into these; the shares add up to 1. */
  readonly tiers?: readonly Tier[];
  /** Limits that a request must keep; what part of them did is told. */
  readonly slo?: ServiceLevel;
  /** `off`: no request carries a priority. Left out: each carries its own, if it has one. */
  readonly sendPriority?: "off";
  /** How many requests are measured; all that the workload has when left out. */
  readonly requests?: number;
  /** Requests sent before the measured ones and left out of every figure. */
  readonly warmup: number;
  /** Limit for one request, from its sending to its end. */
  readonly timeoutS: number;
}

/** In milliseconds as measured; all that are there must be kept. */
export interface ServiceLevel {
  readonly ttftMs?: number;
  readonly tpotMs?: number;
  readonly e2eMs?: number;
}

/** A class of requests, or a tenant: how many of all requests it has, and which priority they carry. */
export interface Tier {
  readonly name: string;
  readonly share: number;
  /** Higher is served earlier; without one the requests keep the workload's own. */
  readonly priority?: number;
}

export type RateProfile =
  | { readonly kind: "ramp"; readonly overS: number }
  | {
      readonly kind: "sine";
      readonly minRps: number;
      readonly maxRps: number;
      readonly periodS: number;
    }
  | {
      readonly kind: "steps";
      readonly steps: readonly { readonly fromS: number; readonly rateRps: number }[];
    };

/** What a live system has and a simulation would forget; virtual clock only. */
export interface SimSettings {
  /** From a change of a worker's cache until the routers know. */
  readonly eventDelayMs: number;
  /** From a first token or an end at a worker until the routers know. */
  readonly loadDelayMs: number;
  /** Time that a router adds to each request before it reaches its worker. */
  readonly routingMs: number;
  /** From the client to the router, and from the worker to the client. */
  readonly networkMs: number;
  /** Mean of what each request's time on the wire has on top, each way; exponential. */
  readonly networkJitterMs: number;
  /** Router replicas know of each other's requests in flight. */
  readonly replicaSync: boolean;
  /** Each decision of the routers is written, as a live run does; it slows a simulation down. */
  readonly decisions: boolean;
  readonly downs: readonly WorkerDown[];
}

/** A worker dies, and comes back with an empty cache; without `toS` it stays away. */
export interface WorkerDown {
  /** Its place in the engine's list, from 0. */
  readonly worker: number;
  readonly fromS: number;
  readonly toS?: number;
}

/** How the processes of plane "dynamo" find each other and speak. */
export interface PlaneSettings {
  readonly discovery: "file" | "etcd";
  readonly requestPlane: "tcp" | "nats";
  readonly eventPlane: "zmq" | "nats";
  /** Running services of the user's; started for the run where one is needed and left out. */
  readonly etcdUrl?: string | undefined;
  readonly natsUrl?: string | undefined;
}

/** How the load child speaks to a server. Equal for all arms of a comparison. */
export interface Wire {
  readonly form: WireForm;
  /** `keep-alive` reuses connections; `per-request` opens one for each. */
  readonly connection: "keep-alive" | "per-request";
  /** Extra headers, values masked in every print. */
  readonly headers: Readonly<Record<string, string>>;
  /** Extra top-level fields of the request body. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Name of the environment variable whose value is sent as bearer token. */
  readonly apiKeyEnv?: string;
}

/** A file that a workload reads, as it was when the plan was made. */
export interface InputFile {
  /** As it was named; `-` is standard input, which a run folder keeps in its file `stdin`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One engine × router choice of a comparison. */
export interface PlannedArm {
  /** What tables and charts call it: `kv`, or `kv(temperature=0.5)` where two arms share a router. */
  readonly label: string;
  readonly engine: PluginUse;
  readonly router: PluginUse;
  readonly plane: Plane;
  /** Gives each worker its turn: what others are compared with, and what planes are judged by. */
  readonly isControl?: boolean;
  /** Arms with equal keys share one running engine. */
  readonly engineKey: string;
}

/** One measurement: an arm at one point of the sweep, once. */
export interface PlannedCell {
  /** Unique and stable within the plan: `r0-prefixRatio=0.5-kv`. */
  readonly id: string;
  /** Index into `arms`. */
  readonly arm: number;
  /** The swept values: `{ prefixRatio: 0.5 }`. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  readonly repeat: number;
  /** Of this repeat and these parameters: the same for all arms. */
  readonly seed: number;
  /** The workload's options with the swept values in place. */
  readonly workload: PluginUse;
  readonly load: LoadShape;
}

export interface Plan {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: "dynbench"; readonly version: string };
  readonly seed: number;
  readonly clock: "wall" | "virtual";
  readonly repeats: number;
  /** Prove before the load that the set-up is what its label says. */
  readonly preflight: boolean;
  /** Of requests from a file: what one cache of all workers' blocks would serve is computed; on when left out. */
  readonly pooledBounds?: boolean;
  readonly wire: Wire;
  readonly arms: readonly PlannedArm[];
  /** In the order in which they run. */
  readonly cells: readonly PlannedCell[];
  readonly reporters: readonly PluginUse[];
  /** What the workloads read; left out where they read nothing. */
  readonly files?: readonly InputFile[];
  /** Everything after `--`, passed to the engine as it is. */
  readonly engineArgs: readonly string[];
  /** Address our own listeners bind. */
  readonly host: string;
  /** Gateway replicas per policy arm; each has its own index and load view. */
  readonly replicas: number;
  /** Of the virtual clock. */
  readonly sim?: SimSettings;
  /** Of plane "dynamo", where an arm is on it. */
  readonly planeSettings?: PlaneSettings;
}
