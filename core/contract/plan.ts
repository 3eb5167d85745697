/**
 * The plan: everything a run will do, fixed before anything starts. `dynbench plan` prints it,
 * `plan.json` holds it, and a saved plan runs again unchanged. Data only; `plan/build.ts` makes it.
 */
import type { Plane, WireForm } from "./request.ts";

/** A plugin with its options: how plans, child processes and run folders refer to one. */
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

/** When requests are sent. Plain data, so that every shape can be combined with everything else. */
export interface LoadShape {
  /** `closed`: `concurrency` requests in flight, each end starts the next. Others: an absolute timetable, which slow answers do not move. */
  readonly arrival: "closed" | "constant" | "poisson" | "gamma" | "trace";
  /** Requests in flight; for open loops an upper bound, beyond which requests wait and are late. */
  readonly concurrency?: number;
  /** What `concurrency` counts: requests, or sessions including their think times; requests when left out. */
  readonly concurrencyOf?: "requests" | "sessions";
  /** Mean rate in requests per second, for `constant`, `poisson` and `gamma`. */
  readonly rateRps?: number;
  /** Shape of the gamma distribution of gaps: 1 is Poisson, below 1 requests come in bursts. */
  readonly burstiness?: number;
  /** How the rate changes over time; constant when left out. */
  readonly rateProfile?: RateProfile;
  /** Tiers, to which requests (and whole sessions) are assigned at random by share; the shares add up to 1. */
  readonly tiers?: readonly Tier[];
  /** Latency limits; the share of requests that kept them is reported. */
  readonly slo?: ServiceLevel;
  /** `off`: no request has a priority. Left out: requests have those of their tier or workload. */
  readonly sendPriority?: "off";
  /** How many requests are measured; all that the workload has when left out. */
  readonly requests?: number;
  /** Requests sent before the measured ones and left out of every figure. */
  readonly warmup: number;
  /** Time-out of one request in seconds, from its sending to its end. */
  readonly timeoutS: number;
}

/** Limits in milliseconds, as measured by the client. A request must keep all that are set. */
export interface ServiceLevel {
  readonly ttftMs?: number;
  readonly tpotMs?: number;
  readonly e2eMs?: number;
}

/** A class of requests, or a tenant: its share of all requests, and their priority. */
export interface Tier {
  readonly name: string;
  readonly share: number;
  /** Higher is served earlier; if left out, requests keep the workload's priorities. */
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

/** Delays and faults of a live system that a simulation has only if they are set; virtual clock only. */
export interface SimSettings {
  /** From a change in a worker's cache until the routers know of it. */
  readonly eventDelayMs: number;
  /** From a first token or an end at a worker until the routers know of it. */
  readonly loadDelayMs: number;
  /** Time that a router adds to each request before it reaches its worker. */
  readonly routingMs: number;
  /** One-way delay from the client to the router, and from the worker to the client. */
  readonly networkMs: number;
  /** Mean of an exponential delay added to `networkMs`, drawn for each request and direction. */
  readonly networkJitterMs: number;
  /** Whether router replicas know of each other's requests in flight. */
  readonly replicaSync: boolean;
  /** Whether every routing decision is written, as in a live run; slows the simulation down. */
  readonly decisions: boolean;
  readonly downs: readonly WorkerDown[];
}

/** A worker dies and comes back with an empty cache, in seconds of the load; without `toS` it stays dead. */
export interface WorkerDown {
  /** Its index in the engine's list of workers. */
  readonly worker: number;
  readonly fromS: number;
  readonly toS?: number;
}

/** How the processes of plane "dynamo" find each other, and over what they communicate. */
export interface PlaneSettings {
  readonly discovery: "file" | "etcd";
  readonly requestPlane: "tcp" | "nats";
  readonly eventPlane: "zmq" | "nats";
  /** URLs of services that the user runs. One that is needed and left out is started for the run. */
  readonly etcdUrl?: string | undefined;
  readonly natsUrl?: string | undefined;
}

/** The form of the requests that the load process sends. The same for all arms of a comparison. */
export interface Wire {
  readonly form: WireForm;
  /** `keep-alive` reuses connections; `per-request` opens one for each. */
  readonly connection: "keep-alive" | "per-request";
  /** Extra headers; secret values are masked wherever they are printed. */
  readonly headers: Readonly<Record<string, string>>;
  /** More headers, whose values are read from where they are kept when requests are sent. */
  readonly headersFrom?: Readonly<Record<string, HeaderSource>>;
  /** Extra top-level fields of the request body. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Environment variable whose value is sent as bearer token. */
  readonly apiKeyEnv?: string;
}

/** An environment variable, or a file whose text is the value, without the line end at its end. */
export type HeaderSource = { readonly env: string } | { readonly file: string };

/** A file that a workload reads, as it was when the plan was made. */
export interface InputFile {
  /** As typed; `-` is standard input, which a run folder keeps in its file `stdin`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One engine × router choice of a comparison. */
export interface PlannedArm {
  /** Its name in tables and charts: `kv`, or `kv(temperature=0.5)` if two arms share a router. */
  readonly label: string;
  readonly engine: PluginUse;
  readonly router: PluginUse;
  readonly plane: Plane;
  /** It gives each worker its turn. Such arms are the control when routers on different planes are compared. */
  readonly isControl?: boolean;
  /** Index of the arm that this one measures a second time; its difference from that arm is noise. */
  readonly twinOf?: number;
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
  /** Seed of this repeat and these parameters; the same for all arms. */
  readonly seed: number;
  /** Seed of the router's own draws, for an arm whose draws must differ from its twin's; `seed` when left out. */
  readonly routerSeed?: number;
  /** The workload's options with the swept values in place. */
  readonly workload: PluginUse;
  readonly load: LoadShape;
}

/** Metrics that may be the primary one, as in `Comparison.metric`. */
export const PRIMARY_METRICS = [
  "ttftMs.mean",
  "ttftMs.p50",
  "ttftMs.p90",
  "ttftMs.p95",
  "ttftMs.p99",
  "tpotMs.mean",
  "tpotMs.p50",
  "tpotMs.p90",
  "tpotMs.p95",
  "tpotMs.p99",
  "e2eMs.mean",
  "e2eMs.p50",
  "e2eMs.p90",
  "e2eMs.p95",
  "e2eMs.p99",
  "itlMs.mean",
  "requestRps",
  "inputTps",
  "outputTps",
  "cachedShare",
  "sloShare",
  "goodputRps",
] as const;

export type PrimaryMetric = (typeof PRIMARY_METRICS)[number];

/**
 * When repeats end early. They come in blocks, and after each the primary comparisons are looked at.
 * `repeats` of the plan is the most that are run.
 */
export interface Until {
  /** Every primary comparison excludes 1 (`decided`), or its interval is as narrow as `halfWidth`. */
  readonly rule: "decided" | "width";
  /** Half the width of the adjusted interval as a share of the ratio: 0.02. */
  readonly halfWidth?: number;
  /** Repeats of the first block, and of each later one. */
  readonly first: number;
  readonly block: number;
  /** No block begins after this many seconds. */
  readonly maxTimeS?: number;
}

export interface Plan {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: "dynbench"; readonly version: string };
  readonly seed: number;
  readonly clock: "wall" | "virtual";
  readonly repeats: number;
  /** The metric that decides, as in `Comparison.metric`: its claims hold together over the whole run. */
  readonly primary: PrimaryMetric;
  /** Repeats go on until this holds; without it all repeats are run. */
  readonly until?: Until;
  /** Check before the load that the arm is what its label says. */
  readonly preflight: boolean;
  /** Drive a throw-away load after each start of an engine or a router. */
  readonly settle: boolean;
  /** For requests from a file: compute the share that one cache of all workers' blocks would serve. */
  readonly pooledBounds: boolean;
  readonly wire: Wire;
  readonly arms: readonly PlannedArm[];
  /** In the order in which they run. */
  readonly cells: readonly PlannedCell[];
  readonly reporters: readonly PluginUse[];
  /** Files that the workloads read; left out if there are none. */
  readonly files?: readonly InputFile[];
  /** Everything after `--`, passed to the engine unchanged. */
  readonly engineArgs: readonly string[];
  /** Address to which listeners of dynbench bind. */
  readonly host: string;
  /** Gateway replicas per policy arm; each has its own index and load view. */
  readonly replicas: number;
  /** Settings of the virtual clock. */
  readonly sim?: SimSettings;
  /** Settings of plane "dynamo", if an arm is on it. */
  readonly planeSettings?: PlaneSettings;
}
