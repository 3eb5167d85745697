/**
 * The options of a run that belong to no plugin: which plugins, how often, where to, and the load.
 * Flags, defaults, help and the tables in docs/ come from these schemas.
 */
import * as v from "valibot";
import { MAX_IN_FLIGHT } from "../workload/request-queue.ts";

/** Beyond this a number is a slip of the keyboard, not a wish. */
const MANY = 1e9;

const count = (minimum: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(minimum), v.maxValue(MANY));

export const RunOptions = v.strictObject({
  engine: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description(
        "Engine under the router; several are compared, with options inline: mocker:gpu=h100",
      ),
    ),
    ["mocker"],
  ),
  router: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description(
        "Router to measure; several are compared, with options inline: kv:temperature=0.5",
      ),
    ),
    ["kv"],
  ),
  workload: v.optional(
    v.pipe(v.string(), v.description("Which requests are sent, and in which order")),
    "prefix",
  ),
  clock: v.optional(
    v.pipe(
      v.picklist(["wall", "virtual"]),
      v.description("wall: real processes and sockets; virtual: a simulation of the same run"),
    ),
    "wall",
  ),
  repeat: v.optional(
    v.pipe(
      count(1),
      v.description(
        "How often each cell is measured; arms are interleaved. Three give intervals over repeats",
      ),
    ),
    1,
  ),
  sweep: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description(
        "Sweep a load or workload option: concurrency=1,8,64. Give it again for a second axis",
      ),
    ),
    [],
  ),
  seed: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(2 ** 32 - 1),
      v.description("Seed of every draw"),
    ),
    0,
  ),
  pooledBounds: v.optional(
    v.pipe(
      v.picklist(["on", "off"]),
      v.description(
        "Of a trace: compute what one cache of all workers' blocks would serve, with LRU and at most",
      ),
    ),
    "on",
  ),
  preflight: v.optional(
    v.pipe(
      v.picklist(["on", "off"]),
      v.description(
        "Prove before the load that workers answer, cache, and publish events as the arm claims",
      ),
    ),
    "on",
  ),
  out: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.description("Folder for the results [runs/TIME-WORKLOAD]"),
      v.metadata({ aliases: ["output-dir"] }),
    ),
  ),
  resume: v.optional(
    v.pipe(v.string(), v.description("Go on with the run in this folder: finished cells are kept")),
  ),
  json: v.optional(
    v.pipe(v.boolean(), v.description("Print the summary as JSON on stdout and nothing else")),
    false,
  ),
  host: v.optional(
    v.pipe(v.string(), v.minLength(1), v.description("Address that our own listeners bind")),
    "127.0.0.1",
  ),
  port: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(65_535),
      v.description("Port of the router of `dynbench up`; replicas take the ones after it [any]"),
    ),
  ),
  replicas: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(64),
      v.description(
        "Gateway replicas of a built-in router, or frontends of Dynamo; none sees the others' requests",
      ),
    ),
    1,
  ),
  promptForm: v.optional(
    v.pipe(
      v.picklist(["auto", "ids", "text", "chat"]),
      v.description("How prompts travel; auto: the widest form that all arms take"),
    ),
    "auto",
  ),
  connection: v.optional(
    v.pipe(
      v.picklist(["keep-alive", "per-request"]),
      v.description("Reuse connections, or open one for each request"),
    ),
    "keep-alive",
  ),
  header: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description("Extra request header, name=value or name: value"),
    ),
    [],
  ),
  body: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description("Extra top-level field of each request body, key=json"),
    ),
    [],
  ),
  apiKeyEnv: v.optional(
    v.pipe(v.string(), v.description("Environment variable whose value is sent as bearer token")),
  ),
  plugin: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description("Load a plugin from this file, for this run"),
    ),
    [],
  ),
  pluginFolder: v.optional(
    v.pipe(
      v.string(),
      v.description("Load the plugins added to this folder, in place of the user's own"),
    ),
  ),
  noPlugins: v.optional(
    v.pipe(v.boolean(), v.description("Load none of the plugins that were added")),
    false,
  ),
  config: v.optional(
    v.pipe(
      v.string(),
      v.description("Read options from a yaml, json or toml file, or run a saved plan; flags win"),
    ),
  ),
});

export const LoadOptions = v.strictObject({
  concurrency: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(MAX_IN_FLIGHT),
      v.description("Requests in flight (closed loop), or their upper bound (open loop)"),
    ),
  ),
  concurrencyOf: v.optional(
    v.pipe(
      v.picklist(["requests", "sessions"]),
      v.description(
        "What --concurrency counts: requests, or sessions with the think times between their turns " +
          "[requests; sessions with workload sessions]",
      ),
    ),
  ),
  rate: v.optional(
    v.pipe(
      v.number(),
      v.minValue(0.001),
      v.maxValue(1_000_000),
      v.description("Requests per second on an absolute timetable; makes the loop open"),
    ),
  ),
  arrival: v.optional(
    v.pipe(
      v.picklist(["closed", "constant", "poisson", "gamma", "trace"]),
      v.description(
        "When requests are sent [closed; poisson with --rate, gamma with --burstiness]",
      ),
    ),
  ),
  burstiness: v.optional(
    v.pipe(
      v.number(),
      v.minValue(0.01),
      v.maxValue(1000),
      v.description("Shape of gamma gaps: 1 is Poisson, below comes in bursts, above is more even"),
    ),
  ),
  rateProfile: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "How the rate changes: ramp:SECONDS, sine:min=R,max=R,period=SECONDS, or " +
          "steps:SECOND=R,SECOND=R with requests per second R",
      ),
    ),
  ),
  tiers: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "Tiers or tenants as NAME=SHARE or NAME=SHARE:PRIORITY, higher is earlier: " +
          "low=0.5:0,medium=0.3:1,high=0.2:2. A session is of one tier; results are reported by tier",
      ),
    ),
  ),
  sendPriority: v.optional(
    v.pipe(
      v.picklist(["on", "off"]),
      v.description("Whether requests carry their priorities; --sweep send-priority=off,on"),
    ),
    "on",
  ),
  slo: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "Limits in ms that a request must keep, ttft=500,tpot=50,e2e=20000 or some of them; the share " +
          "that did is reported",
      ),
    ),
  ),
  requests: v.optional(
    v.pipe(
      count(1),
      v.description("Measured requests of a cell"),
      v.metadata({ aliases: ["num-requests"] }),
    ),
  ),
  warmup: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(1_000_000),
      v.description("Requests sent before the measured ones and left out of every figure"),
    ),
    0,
  ),
  timeout: v.optional(
    v.pipe(
      v.number(),
      v.minValue(0.01),
      v.maxValue(86_400),
      v.description("Limit of one request in seconds, from its sending to its end"),
    ),
    600,
  ),
});

export type RunOptions = v.InferOutput<typeof RunOptions>;
export type LoadOptions = v.InferOutput<typeof LoadOptions>;
