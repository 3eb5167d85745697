/**
 * What workers are sent of a request. A worker of its own stage gets it as it came; on split workers a
 * prefill worker is asked for one token, and a decode worker gets the place of the prompt's KV with it.
 */
import type { Exchange, ExchangeFailure, ResponseHead } from "../wire/http/client.ts";
import { decodeBody, prefillBody, readHandoff, releasePath, type KvHandoff } from "./kv-handoff.ts";
import type { RoutedRequest } from "./routed-request.ts";
import type { WorkerLink } from "./worker-link.ts";

/** An answer of one token; with `return_token_ids` it repeats the prompt, a megabyte at most. */
const MAX_PREFILL_ANSWER_BYTES = 8_388_608;

/** A worker's answer as it comes. It ends with `end` or `fail`. */
export interface AnswerEvents {
  head(head: ResponseHead): void;
  /** Bytes are valid during the call only. */
  data(bytes: Uint8Array): void;
  end(): void;
  fail(failure: ExchangeFailure): void;
}

/** That of a prefill worker. Only where it refused the request does its answer come as such. */
export interface PrefillEvents extends AnswerEvents {
  /** In place of all others: the prompt's KV waits at the worker; undefined: the answer did not name the place. */
  prefilled(handoff: KvHandoff | undefined): void;
}

/** To a worker that makes the answer. Throws where the request is not valid HTTP. */
export function sendForAnswer(
  { target, headers, body, headroom, life, handoff }: RoutedRequest,
  link: WorkerLink,
  on: AnswerEvents,
): Exchange {
  const sent = life.stage === "decode" ? { body: decodeBody(body, handoff!) } : { body, headroom };
  return link.client.exchange(
    { method: "POST", path: target, headers: passedOn(headers), ...sent },
    on,
  );
}

/** To a worker that computes the prompt. Throws where the request is not valid HTTP, or no JSON object. */
export function sendForPrefill(
  { target, headers, body }: RoutedRequest,
  link: WorkerLink,
  on: PrefillEvents,
): Exchange {
  const parts: Uint8Array[] = [];
  let size = 0;
  let isRefused = false;
  const request = {
    method: "POST",
    path: target,
    headers: passedOn(headers),
    body: prefillBody(body),
  };
  return link.client.exchange(request, {
    head: (head) => {
      isRefused = head.status !== 200;
      if (isRefused) on.head(head);
    },
    data: (bytes) => {
      if (isRefused) return on.data(bytes);
      size += bytes.length;
      if (size <= MAX_PREFILL_ANSWER_BYTES) parts.push(bytes.slice());
    },
    end: () => {
      if (isRefused) return on.end();
      const isWhole = size <= MAX_PREFILL_ANSWER_BYTES;
      on.prefilled(isWhole ? readHandoff(Buffer.concat(parts)) : undefined);
    },
    fail: (failure) => on.fail(failure),
  });
}

/** Nobody will read what the worker keeps. It keeps it for a bounded time anyway, so no answer is waited for. */
export function sendRelease(link: WorkerLink, { requestId }: KvHandoff): void {
  if (requestId === undefined || !link.alive) return;
  link.client.exchange(
    { method: "POST", path: releasePath(requestId), headers: {} },
    { head() {}, data() {}, end() {}, fail() {} },
  );
}

/** The client's headers without those that belong to its connection with us. */
function passedOn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { host: _, expect: __, ...passed } = headers;
  return passed;
}
