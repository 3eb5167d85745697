/**
 * What Dynamo's frontend takes in its policy file in place of flags: 1.6.1 knows both, 1.7 is to drop
 * the flags. Written as JSON, which is YAML too. Pure; the forms were tried on 1.6.1.
 */
/** What a user wants of the router; undefined leaves Dynamo's own default. */
export interface FrontendWishes {
  readonly mode: string;
  readonly overlapCredit?: number | undefined;
  readonly creditDecay?: number | undefined;
  readonly prefillLoadScale?: number | undefined;
  readonly activeRequestWeight?: number | undefined;
  readonly temperature?: number | undefined;
  readonly queueThreshold?: number | undefined;
  readonly queuePolicy?: string | undefined;
  readonly decodeBlocksThreshold?: number | undefined;
  readonly prefillTokensThreshold?: number | undefined;
  readonly prefillTokensThresholdShare?: number | undefined;
  readonly ttlS?: number | undefined;
  readonly replicaSync: boolean;
  readonly migrationLimit?: number | undefined;
}

const SELECTION = "dynbench";

/** Parameters of the built-in cost function, by wish. */
const PARAMETERS = {
  overlapCredit: "overlap_score_credit",
  creditDecay: "overlap_score_credit_decay",
  prefillLoadScale: "prefill_load_scale",
  activeRequestWeight: "decode_active_request_weight",
  temperature: "router_temperature",
} as const;

const QUEUE = {
  queueThreshold: "prefill_busy_threshold_frac",
  queuePolicy: "queue_policy",
} as const;

export function isInPolicy(wish: keyof FrontendWishes): boolean {
  return wish in PARAMETERS || wish in QUEUE;
}

/** The file's content for these wishes. */
export function routerPolicy(wishes: Partial<FrontendWishes>): Record<string, unknown> {
  const parameters = renamed(wishes, PARAMETERS);
  const queue = renamed(wishes, QUEUE);
  return {
    ...(Object.keys(parameters).length === 0 ? {} : selection(parameters)),
    ...(Object.keys(queue).length === 0 ? {} : queueProfile(queue)),
  };
}

function selection(parameters: Record<string, unknown>): Record<string, unknown> {
  const instance = { name: SELECTION, type: "dynamo-default-cost-fn", parameters };
  const stages = { aggregated: SELECTION, prefill: SELECTION, decode: SELECTION };
  return { worker_selection: { ...stages, instances: [instance] } };
}

/** One class that all requests are in. */
function queueProfile(queue: Record<string, unknown>): Record<string, unknown> {
  return {
    default_policy_family: "all",
    uncached_isl_buckets: [{ min_tokens: 0, bucket: "any" }],
    policy_classes: [
      { name: "one", policy_family: "all", cache_bucket: "any", quantum: 1, ...queue },
    ],
  };
}

function renamed(
  wishes: Partial<FrontendWishes>,
  names: Readonly<Partial<Record<keyof FrontendWishes, string>>>,
): Record<string, unknown> {
  const entries = Object.entries(names).flatMap(([wish, name]) => {
    const value = wishes[wish as keyof FrontendWishes];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}
