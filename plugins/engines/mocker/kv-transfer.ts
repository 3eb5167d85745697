/**
 * How a prompt's KV passes from a prefill to a decode worker, in the fields of vLLM's NIXL connector
 * (0.31, `kv_connector/v1/nixl/pull_scheduler.py`). No bytes travel: the worker model of the decode
 * worker knows how long they would take, and notifies the prefill worker when it may free its blocks.
 */
import { v } from "dynbench";
import { fetchControl } from "dynbench/engine";

/**
 * How long a prefill worker keeps KV that no worker asks for: vLLM's VLLM_NIXL_ABORT_REQUEST_TIMEOUT.
 * Since 0.31 it is a lease of 30 s there that a waiting decode worker renews, which comes to the same.
 */
export const KEPT_MS = 480_000;

const name = v.nullish(v.pipe(v.string(), v.maxLength(256)));
const flag = v.nullish(v.boolean(), false);

/** `kv_transfer_params` of a request. */
export const transferParams = v.nullish(
  v.looseObject({
    do_remote_decode: flag,
    do_remote_prefill: flag,
    remote_request_id: name,
    remote_host: name,
    remote_port: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    /** Our own field: tokens that the prefill worker found in its cache, to be reported to the client. */
    remote_cached_tokens: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  }),
);

/** What a request asks for: that its KV is kept, or read from a prefill worker. */
export type KvTransfer =
  | { readonly way: "send" }
  | { readonly way: "receive"; readonly cachedTokens: number; readonly releaseUrl: string };

/** Undefined for a request that is served whole here; also where what is needed to read is missing, as in vLLM. */
export function transferOf(params: v.InferOutput<typeof transferParams>): KvTransfer | undefined {
  if (params === null || params === undefined) return undefined;
  if (params.do_remote_decode === true) return { way: "send" };
  const { do_remote_prefill, remote_host: host, remote_port: port } = params;
  const { remote_request_id: request, remote_cached_tokens: cached } = params;
  if (do_remote_prefill !== true || !host || !port || !request) return undefined;
  const query = new URLSearchParams({ request });
  return {
    way: "receive",
    cachedTokens: cached ?? 0,
    releaseUrl: `http://${host}:${port}${RELEASE_PATH}?${query}`,
  };
}

/** `kv_transfer_params` of a prefill worker's answer. */
export function keptParams(kept: {
  readonly workerId: string;
  readonly requestId: string;
  readonly address: { readonly host: string; readonly port: number };
  readonly isl: number;
  readonly cachedTokens: number;
}): Record<string, unknown> {
  return {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_engine_id: kept.workerId,
    remote_request_id: kept.requestId,
    remote_host: kept.address.host,
    remote_port: kept.address.port,
    tp_size: 1,
    remote_num_tokens: kept.isl,
    remote_cached_tokens: kept.cachedTokens,
  };
}

export const RELEASE_PATH = "/dynbench/kv_release";

/** Sent once: where the prefill worker does not get it, it frees the blocks by itself after a while. */
export function releaseOnce({ releaseUrl }: { readonly releaseUrl: string }): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    fetchControl(releaseUrl, { method: "POST" }).catch(() => {});
  };
}

/** Requests of a prefill worker whose KV waits to be read. */
export class KeptRequests {
  readonly #release: (number: number) => void;
  readonly #keptMs: number;
  readonly #kept = new Map<string, { number: number; timer: Timer }>();

  /** `release` gets the loop's number of a request that is kept no longer. */
  constructor(options: { release: (number: number) => void; keptMs: number }) {
    this.#release = options.release;
    this.#keptMs = options.keptMs;
  }

  keep(requestId: string, number: number): void {
    const timer = setTimeout(() => this.letGo(requestId), this.#keptMs);
    timer.unref();
    this.#kept.set(requestId, { number, timer });
  }

  /** False for what is not kept, or no longer. */
  letGo(requestId: string): boolean {
    const kept = this.#kept.get(requestId);
    if (kept === undefined) return false;
    this.#kept.delete(requestId);
    clearTimeout(kept.timer);
    this.#release(kept.number);
    return true;
  }
}
