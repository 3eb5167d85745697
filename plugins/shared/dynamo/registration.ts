/**
 * What Dynamo's processes write into their discovery, read back (Dynamo 1.6.1). Keys are
 * `v1/instances/NAMESPACE/COMPONENT/ENDPOINT/HEX` and `v1/mdc/…`; values are JSON in which ids are
 * u64 numbers. They stay digits here, because a double would lose their end. Pure.
 */
import { given, v } from "dynbench";

/** The endpoint that serves requests; workers register helpers beside it. */
const SERVING_ENDPOINT = "generate";

const decimal = v.pipe(v.string(), v.regex(/^\d{1,20}$/));

const instanceSchema = v.object({
  namespace: v.string(),
  component: v.string(),
  endpoint: v.string(),
  instance_id: decimal,
});

const cardSchema = v.object({
  ...instanceSchema.entries,
  card_json: v.object({
    display_name: v.string(),
    kv_cache_block_size: v.number(),
    context_length: v.nullish(v.number()),
    runtime_config: v.object({
      total_kv_blocks: v.nullish(v.number()),
      max_num_seqs: v.nullish(v.number()),
      max_num_batched_tokens: v.nullish(v.number()),
    }),
  }),
});

/** One worker that has registered. */
export interface Registration {
  readonly namespace: string;
  /** `backend` serves everything or decodes, `prefill` prefills. */
  readonly component: string;
  /** A u64 in decimal. */
  readonly instance: string;
  /** From its model card; missing until it has one. */
  readonly card?: ModelCard;
  /** All that it serves: `generate` and its helpers. */
  readonly endpoints: readonly string[];
}

export interface ModelCard {
  readonly model: string;
  readonly blockSize: number;
  readonly kvBlocks?: number;
  readonly maxModelLen?: number;
}

/** The workers of a namespace, in order of component and id, from all values of a discovery. */
export function registrationsOf(values: readonly string[], namespace: string): Registration[] {
  const parsed = values.map(parseWithIds);
  const cards = new Map(
    parsed.flatMap((value) =>
      v.is(cardSchema, value) ? [[value.instance_id, cardOf(value)] as const] : [],
    ),
  );
  const instances = parsed.flatMap((value) =>
    v.is(instanceSchema, value) && !v.is(cardSchema, value) ? [value] : [],
  );
  const endpointsOf = (instance: string): string[] =>
    instances.filter((each) => each.instance_id === instance).map(({ endpoint }) => endpoint);
  return instances
    .filter((each) => each.namespace === namespace && each.endpoint === SERVING_ENDPOINT)
    .map(({ component, instance_id: instance }): Registration => {
      const card = cards.get(instance);
      const endpoints = endpointsOf(instance);
      return { namespace, component, instance, endpoints, ...given({ card }) };
    })
    .sort((a, b) => compare(a.component, b.component) || compareIds(a.instance, b.instance));
}

/**
 * JSON whose ids come out as texts of digits. Within a JSON text a quote is always escaped, so the
 * pattern can only meet a key. Undefined when it is no JSON: a file that is being written.
 */
export function parseWithIds(text: string): unknown {
  try {
    return JSON.parse(text.replace(/("(?:instance_id|worker_id)"\s*:\s*)(\d+)/g, '$1"$2"'));
  } catch {
    return undefined;
  }
}

function cardOf({ card_json: card }: v.InferOutput<typeof cardSchema>): ModelCard {
  const kvBlocks = card.runtime_config.total_kv_blocks;
  const maxModelLen = card.context_length ?? 0; // simulated workers report 0
  return {
    model: card.display_name,
    blockSize: card.kv_cache_block_size,
    ...(typeof kvBlocks === "number" ? { kvBlocks } : {}),
    ...(maxModelLen > 0 ? { maxModelLen } : {}),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIds(a: string, b: string): number {
  return a.length - b.length || compare(a, b);
}
