/**
 * Who served a request, as Dynamo's answers report it (`nvext` of 1.6.1): worker ids in every chunk, timing in
 * the one with the finish reason. Ids are u64 and are read as digits, because a double would lose their
 * end. Pure.
 */
import type { RoutingTiming } from "../contract/record.ts";

export interface Routing {
  worker?: string;
  prefillWorker?: string;
  timing?: RoutingTiming;
}

/** Whether an event has the field at all; a quote within a JSON text is always escaped. */
export function hasNvext(text: string): boolean {
  return text.includes('"nvext":{');
}

/** Copies the fields of one event into `routing`; fields that it lacks stay as they were. */
export function readNvext(text: string, routing: Routing): void {
  const at = text.indexOf('"nvext":{');
  if (at === -1) return;
  const nvext = text.slice(at);
  const worker = /"decode_worker_id":(\d{1,20})\b/.exec(nvext)?.[1];
  const prefillWorker = /"prefill_worker_id":(\d{1,20})\b/.exec(nvext)?.[1];
  if (worker !== undefined) routing.worker = worker;
  if (prefillWorker !== undefined) routing.prefillWorker = prefillWorker;
  if (nvext.includes('"timing":{')) routing.timing = timingOf(nvext);
}

/** Of milliseconds and counts; what is negative or above says nothing. */
const MAX_VALUE = 1e12;

const TIMING_FIELDS = {
  kvHitRate: "kv_hit_rate",
  queueDepth: "router_queue_depth",
  prefillWaitMs: "prefill_wait_time_ms",
  prefillMs: "prefill_time_ms",
  ttftMs: "ttft_ms",
  totalMs: "total_time_ms",
  kvTransferMs: "kv_transfer_estimated_latency_ms",
} as const satisfies Record<keyof RoutingTiming, string>;

function timingOf(nvext: string): RoutingTiming {
  const timing: RoutingTiming = {};
  for (const [key, name] of Object.entries(TIMING_FIELDS)) {
    const value = new RegExp(`"${name}":(-?\\d[\\d.eE+-]*)`).exec(nvext)?.[1];
    const number = Number(value ?? NaN);
    const isSound = number >= 0 && number <= (key === "kvHitRate" ? 1 : MAX_VALUE);
    if (isSound) timing[key as keyof RoutingTiming] = number;
  }
  return timing;
}
