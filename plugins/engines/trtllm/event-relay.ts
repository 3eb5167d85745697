/**
 * A child that fetches one server's KV events and publishes them as vLLM would, with a replay of
 * missed events. Fetching empties the server's buffer, so each server has exactly one such child.
 */
import { messageOf, v } from "dynbench";
import {
  encodeKvBatch,
  encodeSequence,
  epochMs,
  fetchControl,
  startPublisher,
  startReplayServer,
  type ChildContext,
} from "dynbench/engine";
import { createEventReader, parseEntries } from "./cache-events.ts";

export const RelayTask = v.strictObject({ url: v.string(), blockSize: v.number() });
export type RelayTask = v.InferOutput<typeof RelayTask>;
export const RelayReady = v.strictObject({ eventsPort: v.number(), replayPort: v.number() });

/** Empty, as vLLM's default. */
export const KV_EVENTS_TOPIC = "";

/** Pause after an answer without new events. */
const POLL_MS = 20;
/** Pause after a request that failed. */
const RETRY_MS = 250;
/** Servers of some versions wait for two seconds before they answer that there are no events. */
const ANSWER_LIMIT_MS = 30_000;
const KEPT_BATCHES = 10_000;

/** Resolves when both sockets listen; then fetches until it is disposed. */
export async function startEventRelay(
  { url, blockSize }: RelayTask,
  { host, log, signal }: ChildContext,
): Promise<AsyncDisposable & { readonly ready: v.InferOutput<typeof RelayReady> }> {
  await using started = new AsyncDisposableStack();
  const kept: { sequence: number; payload: Uint8Array }[] = [];
  const publisher = started.use(startPublisher({ host, port: 0 }));
  const replay = started.use(
    startReplayServer({
      ...{ host, port: 0, topic: KV_EVENTS_TOPIC, form: "topic" },
      from: (first) => kept.filter(({ sequence }) => sequence >= first),
    }),
  );
  const topic = new TextEncoder().encode(KV_EVENTS_TOPIC);
  const read = createEventReader(blockSize);
  let next = 0;
  const publish = (text: string): boolean => {
    const events = read(parseEntries(text));
    if (events.length === 0) return false;
    const payload = encodeKvBatch({ tsS: epochMs() / 1000, rank: 0, events }, "map");
    const batch = { sequence: next++, payload };
    kept.push(batch);
    if (kept.length > KEPT_BATCHES) kept.shift();
    publisher.send([topic, encodeSequence(batch.sequence), payload]);
    return true;
  };
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const run = async (): Promise<void> => {
    let logged = "";
    while (!stopped.aborted) {
      try {
        const request = { method: "POST", signal: stopped, limitMs: ANSWER_LIMIT_MS } as const;
        if (publish(await fetchControl(`${url}/kv_cache_events`, request))) continue;
        await Bun.sleep(POLL_MS);
      } catch (error) {
        if (stopped.aborted) return;
        const fault = `KV events of ${url} cannot be fetched: ${messageOf(error)}`;
        if (fault !== logged) log.warn(fault);
        logged = fault;
        await Bun.sleep(RETRY_MS);
      }
    }
  };
  const running = run();
  started.defer(async () => {
    stop.abort();
    await running;
  });
  const stack = started.move();
  return {
    ready: { eventsPort: publisher.port, replayPort: replay.port },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
