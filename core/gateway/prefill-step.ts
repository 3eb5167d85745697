/** The first of the two steps where prefill and decode are split: from the prefill worker's request to its whole answer. */
import type { Exchange, ExchangeFailure, ResponseHead } from "../wire/http/client.ts";
import { prefillBody, readHandoff, releasePath, type KvHandoff } from "./kv-handoff.ts";
import type { Flight } from "./flight.ts";
import type { WorkerLink } from "./worker-link.ts";

/** An answer of one token; with `return_token_ids` it repeats the prompt, a megabyte at most. */
const MAX_ANSWER_BYTES = 8_388_608;

export interface PrefillEvents {
  /** The prompt's KV waits at the worker; undefined: the answer did not say where. */
  done(handoff: KvHandoff | undefined): void;
  /** The worker refused: its answer is the client's, from here on told by `data` and `end`. */
  refused(head: ResponseHead): void;
  data(bytes: Uint8Array): void;
  end(): void;
  fail(failure: ExchangeFailure): void;
}

export function sendPrefill(
  flight: Flight,
  link: WorkerLink,
  { headers, on }: { headers: Readonly<Record<string, string>>; on: PrefillEvents },
): Exchange {
  const parts: Uint8Array[] = [];
  let size = 0;
  let isRefused = false;
  const request = {
    method: "POST",
    path: flight.target,
    headers,
    body: prefillBody(flight.body),
  };
  return link.client.exchange(request, {
    head: (head) => {
      isRefused = head.status !== 200;
      if (isRefused) on.refused(head);
    },
    data: (bytes) => {
      if (isRefused) return on.data(bytes);
      size += bytes.length;
      if (size <= MAX_ANSWER_BYTES) parts.push(bytes.slice());
    },
    end: () => {
      if (isRefused) on.end();
      else on.done(size > MAX_ANSWER_BYTES ? undefined : readHandoff(Buffer.concat(parts)));
    },
    fail: (failure) => on.fail(failure),
  });
}

/** Nobody will read what the worker keeps. It keeps it for a bounded time anyway, so no answer is waited for. */
export function releaseKv(link: WorkerLink, { requestId }: KvHandoff): void {
  if (requestId === undefined || !link.alive) return;
  link.client.exchange(
    { method: "POST", path: releasePath(requestId), headers: {} },
    { head() {}, data() {}, end() {}, fail() {} },
  );
}
