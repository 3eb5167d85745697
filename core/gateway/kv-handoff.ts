/**
 * The two requests that one becomes where prefill and decode are split, in the fields of vLLM's NIXL
 * connector (0.31, `kv_connector/v1/nixl/pull_scheduler.py`) and of the proxy in its tests: the prefill
 * worker makes one token and returns the place of the prompt's KV, the decode worker reads it there.
 */
import { editBody } from "./body-edit.ts";

/** The place of a prompt's KV, from a prefill worker's answer, for the decode worker. */
export interface KvHandoff {
  /** `kv_transfer_params`, as JSON. */
  readonly params: string;
  /** The prefill worker's name for the request whose blocks it keeps. */
  readonly requestId: string | undefined;
}

const PREFILL_EDIT = {
  without: new Set([
    "max_tokens",
    "max_completion_tokens",
    "min_tokens",
    "stream",
    "stream_options",
    "kv_transfer_params",
  ]),
  add:
    '"max_tokens":1,"stream":false,"kv_transfer_params":{"do_remote_decode":true,' +
    '"do_remote_prefill":false,"remote_engine_id":null,"remote_block_ids":null,' +
    '"remote_host":null,"remote_port":null}',
};
const HANDOFF_FIELD = new Set(["kv_transfer_params"]);

/** The request that computes the prompt and keeps its KV. */
export function prefillBody(body: Uint8Array): Uint8Array {
  return editBody(body, PREFILL_EDIT);
}

/** The request that reads the KV and makes the answer. */
export function decodeBody(body: Uint8Array, { params }: KvHandoff): Uint8Array {
  return editBody(body, { without: HANDOFF_FIELD, add: `"kv_transfer_params":${params}` });
}

/** From a prefill worker's whole answer; undefined when it hands nothing on. */
export function readHandoff(answer: Uint8Array): KvHandoff | undefined {
  let params: unknown;
  try {
    const parsed = JSON.parse(decoder.decode(answer)) as { kv_transfer_params?: unknown } | null;
    params = parsed?.kv_transfer_params;
  } catch {
    return undefined;
  }
  if (typeof params !== "object" || params === null || Array.isArray(params)) return undefined;
  const { remote_request_id: requestId } = params as { remote_request_id?: unknown };
  return {
    params: JSON.stringify(params),
    requestId: typeof requestId === "string" ? requestId : undefined,
  };
}

/** Path at which our own prefill workers release the KV of a request that nobody will read. */
export function releasePath(requestId: string): string {
  return `/dynbench/kv_release?request=${encodeURIComponent(requestId)}`;
}

const decoder = new TextDecoder();
