/**
 * The options of a run that belong to no plugin: the run's own, and those of the load. Flags, defaults,
 * checks, help and documentation are made from these schemas.
 */
import * as v from "valibot";
import { PRIMARY_METRICS } from "../contract/plan.ts";
import { MAX_IN_FLIGHT } from "../workload/request-queue.ts";
import { MAX_REQUESTS, MAX_WARMUP } from "../workload/sound-requests.ts";

/** A larger number is a typing mistake. */
const MANY = 1e9;
const MAX_SEED = 2 ** 32 - 1;
const MAX_PORT = 65_535;
const MAX_REPLICAS = 64;
const MAX_JOBS = 256;
const MAX_UNTIL_REPEATS = 10_000;
const DEFAULT_UNTIL_REPEATS = 30;

const whole = (least: number, most: number, description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most), v.description(description));

const real = (least: number, most: number, description: string) =>
  v.pipe(v.number(), v.minValue(least), v.maxValue(most), v.description(description));

const text = (description: string) => v.pipe(v.string(), v.description(description));

const choice = <const Names extends readonly string[]>(names: Names, description: string) =>
  v.pipe(v.picklist(names), v.description(description));

/** Texts that are not split at commas. */
const verbatim = (description: string) =>
  v.optional(
    v.pipe(v.array(v.string()), v.metadata({ verbatim: true }), v.description(description)),
    [],
  );

const onOff = (description: string) => v.optional(choice(["on", "off"], description), "on");
const off = (description: string) =>
  v.optional(v.pipe(v.boolean(), v.description(description)), false);

/** How a metric is typed: `ttftMs.p99` as `ttft.p99`, `outputTps` as `output-tps`. */
export function typedMetric(name: string): string {
  const [metric, statistic] = name.split(".") as [string, string | undefined];
  return statistic === undefined
    ? metric.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    : `${metric.replace(/Ms$/, "")}.${statistic}`;
}

export const RunOptions = v.strictObject({
  engine: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description(
        "Engine behind the router. Several, separated by commas, are compared; options inline: mocker:gpu=h100",
      ),
    ),
    ["mocker"],
  ),
  router: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description(
        "Router to measure. Several, separated by commas, are compared; options inline: kv:temperature=0.5",
      ),
    ),
    ["kv"],
  ),
  workload: v.optional(text("Which requests are sent, with which prompts"), "prefix"),
  clock: v.optional(
    choice(
      ["wall", "virtual"],
      "wall: real processes and sockets. virtual: a simulation of the same run, without waiting",
    ),
    "wall",
  ),
  repeat: v.optional(
    whole(
      1,
      MANY,
      "How often each arm is measured at each point, in balanced order. Only from 3 up a difference is claimed " +
        "[3 for arms that are compared on the wall clock; else 1]",
    ),
  ),
  primary: v.optional(
    choice(
      PRIMARY_METRICS.map(typedMetric),
      "The metric that decides: its claims hold together over all arms and points of the run",
    ),
    "ttft.mean",
  ),
  control: v.optional(
    choice(
      ["aa", "off"],
      "aa: measure the reference arm a second time, to see how far two equal arms differ " +
        "[aa on the virtual clock and from 3 repeats up]",
    ),
  ),
  until: v.optional(
    text(
      "Add repeats in blocks until every primary comparison is decided, or known as closely as this: decided, 2%",
    ),
  ),
  maxRepeat: v.optional(
    whole(1, MAX_UNTIL_REPEATS, "Most repeats that --until may run"),
    DEFAULT_UNTIL_REPEATS,
  ),
  maxTime: v.optional(
    text("Begin no further repeats for --until after this time: 90s, 10m, 2h [no limit]"),
  ),
  sweep: verbatim(
    "Measure at several values of a load or workload option: concurrency=1,8,64. Repeat for a second axis",
  ),
  seed: v.optional(whole(0, MAX_SEED, "Seed of all random draws"), 0),
  pooledBounds: onOff(
    "For a trace: compute the share that one cache of all workers' blocks would serve, with LRU and at best",
  ),
  preflight: onOff(
    "Check before the load that workers answer, cache prefixes, and publish the events that the router needs",
  ),
  settle: onOff(
    "After each start of an engine or a router, send a throw-away load of the cell's kind until its latency stands still, for at most 30 s; left out of all figures",
  ),
  out: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.description("Folder for the results [runs/TIME-WORKLOAD]"),
      v.metadata({ aliases: ["output-dir"] }),
    ),
  ),
  resume: v.optional(text("Continue the run in this folder; finished cells are kept")),
  jobs: v.optional(
    whole(
      1,
      MAX_JOBS,
      "Virtual clock: how many cells are simulated at once; no result depends on it [one for each core]",
    ),
  ),
  json: off("Print the summary as JSON on stdout, and nothing else"),
  host: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.description("Address to which workers and routers that dynbench starts bind"),
    ),
    "127.0.0.1",
  ),
  port: v.optional(
    v.pipe(
      whole(
        1,
        MAX_PORT,
        "Port of the router of `dynbench up`; its replicas take the following ports [any free port]",
      ),
      v.metadata({ aliases: ["http-port"] }),
    ),
  ),
  replicas: v.optional(
    whole(
      1,
      MAX_REPLICAS,
      "Copies of a built-in router, or Dynamo frontends; each sees only its own requests",
    ),
    1,
  ),
  promptForm: v.optional(
    choice(
      ["auto", "ids", "text", "chat"],
      "How prompts are sent: token ids, text, or chat. auto: the first of these that all arms accept",
    ),
    "auto",
  ),
  connection: v.optional(
    choice(["keep-alive", "per-request"], "Reuse connections, or open one for each request"),
    "keep-alive",
  ),
  header: verbatim(
    "Extra request header, name=value or name: value. name=@FILE reads the value from a file",
  ),
  headerEnv: verbatim(
    "Extra request header whose value is that of an environment variable, name=VARIABLE",
  ),
  body: verbatim("Extra top-level field of each request body, key=json"),
  apiKeyEnv: v.optional(text("Environment variable whose value is sent as bearer token")),
  plugin: verbatim("Load a plugin from this file, for this run"),
  pluginFolder: v.optional(text("Load the plugins added to this folder instead of the user's own")),
  noPlugins: off("Load none of the plugins that were added"),
  config: v.optional(
    text(
      "Read options from a yaml, json or toml file, or run a saved plan; flags override the file",
    ),
  ),
});

export const LoadOptions = v.strictObject({
  concurrency: v.optional(
    whole(
      1,
      MAX_IN_FLIGHT,
      "Requests in flight (closed loop), or the most requests in flight (open loop)",
    ),
  ),
  concurrencyOf: v.optional(
    choice(
      ["requests", "sessions"],
      "What --concurrency counts: requests, or sessions with the think times between their turns " +
        "[requests; sessions with workload sessions]",
    ),
  ),
  rate: v.optional(
    real(
      0.001,
      1_000_000,
      "Requests per second, sent at planned times however fast answers come (open loop)",
    ),
  ),
  arrival: v.optional(
    choice(
      ["closed", "constant", "poisson", "gamma", "trace"],
      "When requests are sent [closed; poisson with --rate, gamma with --burstiness]",
    ),
  ),
  burstiness: v.optional(
    real(
      0.01,
      1000,
      "Shape of the gamma distribution of gaps: 1 is Poisson, below 1 is burstier, above 1 more even",
    ),
  ),
  rateProfile: v.optional(
    text(
      "How the rate changes: ramp:SECONDS, sine:min=R,max=R,period=SECONDS, or " +
        "steps:SECOND=R,SECOND=R with R in requests per second",
    ),
  ),
  tiers: v.optional(
    text(
      "Tiers or tenants as NAME=SHARE or NAME=SHARE:PRIORITY, higher is served earlier: " +
        "low=0.5:0,medium=0.3:1,high=0.2:2. A session is in one tier; results are reported by tier",
    ),
  ),
  sendPriority: onOff("Whether requests carry their priorities; --sweep send-priority=off,on"),
  slo: v.optional(
    text(
      "Latency limits in ms, ttft=500,tpot=50,e2e=20000 or some of them; the share of requests that kept " +
        "all of them is reported",
    ),
  ),
  requests: v.optional(
    v.pipe(
      whole(1, MAX_REQUESTS, "Measured requests of a cell"),
      v.metadata({ aliases: ["num-requests"] }),
    ),
  ),
  warmup: v.optional(
    whole(0, MAX_WARMUP, "Requests sent before the measured ones, and left out of all figures"),
    0,
  ),
  timeout: v.optional(
    real(0.01, 86_400, "Time-out of one request in seconds, from its sending to its end"),
    600,
  ),
});

export type RunOptions = v.InferOutput<typeof RunOptions>;
export type LoadOptions = v.InferOutput<typeof LoadOptions>;
