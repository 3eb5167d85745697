/** A random cluster by seed: sizes, policy, load, delays and faults; and requests with shared prefixes and turns. */
import {
  HOLD,
  randomStream,
  type LoadShape,
  type RandomStream,
  type RequestSpec,
  type RoutingPolicy,
  type Segment,
} from "dynbench";
import type { SimSettings, WorkerDown } from "../../core/contract/plan.ts";
import { NO_DELAYS } from "../../core/plan/sim-options.ts";
import { bundledPolicy } from "./simulate.ts";

const POLICIES = [
  "round-robin",
  "random",
  "least-loaded",
  "power-of-two",
  "kv",
  "kv-approx",
  "prefix-hash",
  "cache-aware",
  "lmetric",
  "conductor",
  "llm-d",
  "aibrix",
  "preble",
  "production-stack",
  "sticky",
  "holding",
  "holding-kv",
  "faulty",
] as const;

export interface RandomCluster {
  readonly seed: number;
  readonly policyName: (typeof POLICIES)[number];
  readonly policy: () => RoutingPolicy;
  readonly mocker: Record<string, unknown>;
  readonly load: LoadShape;
  readonly replicas: number;
  readonly settings: SimSettings;
  readonly requests: RequestSpec[];
}

/** The same with the prefill and the decode of a request on different workers. */
export function randomSplitCluster(seed: number): RandomCluster {
  const cluster = randomCluster(seed);
  const random = randomStream(seed, "split");
  const { workers, ...options } = cluster.mocker;
  const total = Math.max(2, workers as number);
  const prefillWorkers = 1 + random.int(total - 1);
  const free = random.next() < 0.3;
  return {
    ...cluster,
    mocker: {
      ...options,
      prefillWorkers,
      decodeWorkers: total - prefillWorkers,
      kvTransferGbPerS: free ? 1e6 : 1 + random.exponential(20),
      kvTransferLatencyMs: random.next() < 0.5 ? 0 : random.exponential(10),
    },
  };
}

export function randomCluster(seed: number): RandomCluster {
  const random = randomStream(seed, "cluster");
  const workers = 1 + random.int(random.next() < 0.2 ? 40 : 6);
  const policyName = POLICIES[random.int(POLICIES.length)]!;
  const blockSize = [1, 4, 16, 64][random.int(4)]!;
  const capacity = 400 + random.int(4_000);
  const kvBlocks = Math.ceil(capacity / blockSize);
  const count = 10 + random.int(120);
  return {
    seed,
    policyName,
    policy: policyOf(policyName, random.split("policy")),
    mocker: {
      workers,
      timing: ["l40s", "h100", "dynamo"][random.int(3)],
      blockSize,
      kvBlocks,
      maxNumSeqs: 1 + random.int(12),
      maxNumBatchedTokens: 32 + random.int(2_000),
      maxModelLen: random.next() < 0.3 ? Math.min(300, kvBlocks * blockSize) : kvBlocks * blockSize,
      speedup: [1, 1, 10, 1_000][random.int(4)],
      ...(random.next() < 0.5 ? { requestCostMs: 0 } : {}),
    },
    load: loadOf(random, count),
    replicas: random.next() < 0.3 ? 1 + random.int(4) : 1,
    settings: settingsOf(random, workers),
    requests: requestsOf(random.split("requests"), { count, blockSize }),
  };
}

function loadOf(random: RandomStream, count: number): LoadShape {
  const warmup = random.next() < 0.2 ? random.int(8) : 0;
  const requests = Math.max(1, count - warmup - random.int(3));
  const timeoutS = random.next() < 0.2 ? 0.05 + random.next() : 10_000;
  const shared = { warmup, requests, timeoutS };
  const concurrency = 1 + random.int(30);
  const rateRps = 1 + random.exponential(60);
  switch (random.int(4)) {
    case 0:
      return { ...shared, arrival: "constant", rateRps };
    case 1:
      return { ...shared, arrival: "poisson", rateRps, concurrency };
    case 2:
      return { ...shared, arrival: "trace" };
    default:
      return { ...shared, arrival: "closed", concurrency };
  }
}

function settingsOf(random: RandomStream, workers: number): SimSettings {
  const delayMs = (): number => (random.next() < 0.7 ? 0 : random.exponential(20));
  const downs: WorkerDown[] = [];
  for (let n = random.next() < 0.4 ? 1 + random.int(6) : 0; n > 0; n -= 1) {
    const fromS = random.exponential(1);
    const back = random.next() < 0.7 ? { toS: fromS + 1e-3 + random.exponential(1) } : {};
    downs.push({ worker: random.int(workers), fromS, ...back });
  }
  return {
    ...NO_DELAYS,
    eventDelayMs: delayMs(),
    loadDelayMs: delayMs(),
    routingMs: delayMs(),
    networkMs: delayMs(),
    replicaSync: random.next() < 0.5,
    networkJitterMs: random.next() < 0.8 ? 0 : random.exponential(20),
    downs,
  };
}

/** Some share a prefix, some go on a conversation with its answers, some follow, a few are too large. */
function requestsOf(
  random: RandomStream,
  { count, blockSize }: { count: number; blockSize: number },
): RequestSpec[] {
  const follows = random.next() < 0.4;
  let atNs = 0;
  const specs: RequestSpec[] = [];
  for (let index = 0; index < count; index += 1) {
    atNs += random.next() < 0.3 ? 0 : Math.round(random.exponential(2e7));
    const earlier = index > 0 && random.next() < 0.3 ? specs[random.int(index)] : undefined;
    const prompt: Segment[] =
      earlier === undefined
        ? [{ content: random.int(4), tokens: 1 + random.int(6 * blockSize + 40) }]
        : [...earlier.prompt, { answerOf: earlier.index, tokens: earlier.osl }];
    if (random.next() < 0.8) prompt.push({ content: 100 + index, tokens: 1 + random.int(120) });
    if (random.next() < 0.01) prompt.push({ content: 50, tokens: 10_000 });
    const isl = prompt.reduce((sum, { tokens }) => sum + tokens, 0);
    const after =
      earlier !== undefined && follows
        ? { after: { request: earlier.index, thinkMs: random.next() < 0.5 ? 0 : random.int(50) } }
        : {};
    specs.push({ index, prompt, isl, osl: 1 + random.int(90), atNs, group: index % 4, ...after });
  }
  return specs;
}

function policyOf(name: (typeof POLICIES)[number], random: RandomStream): () => RoutingPolicy {
  if (name === "holding") return () => holding(bundledPolicy("least-loaded"), 1 + random.int(5));
  if (name === "holding-kv") return () => holding(bundledPolicy("kv"), 1 + random.int(5));
  if (name === "faulty") return () => faulty(bundledPolicy("kv"), random);
  return () => bundledPolicy(name);
}

/** Holds requests while every eligible worker has `limit` of them. */
function holding(policy: RoutingPolicy, limit: number): RoutingPolicy {
  return {
    ...policy,
    pick(request, view) {
      const picked = policy.pick(request, view);
      return view.requests[picked]! >= limit ? HOLD : picked;
    },
  };
}

/** Sometimes throws, makes invalid picks and fails in its hooks. */
function faulty(policy: RoutingPolicy, random: RandomStream): RoutingPolicy {
  const fails = (): boolean => random.next() < 0.05;
  return {
    ...policy,
    pick(request, view) {
      if (fails()) throw new Error("no idea");
      return fails() ? 99 : policy.pick(request, view);
    },
    ended() {
      if (fails()) throw new Error("never mind");
    },
  };
}
