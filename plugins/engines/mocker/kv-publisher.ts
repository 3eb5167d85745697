/** The ZMQ sockets of a worker's KV events: PUB for new events, ROUTER for the replay of missed ones (vLLM 0.32). */
import { encodeSequence, startPublisher, startReplayServer } from "dynbench/engine";
import { KEPT_BATCHES, KV_EVENTS_TOPIC, type KvBatches, type NumberedBatch } from "./kv-batches.ts";

export interface KvPublisher extends AsyncDisposable {
  readonly eventsPort: number;
  readonly replayPort: number;
  /** Its entry in the answer of `/kv_event_sources`. */
  readonly source: Readonly<Record<string, unknown>>;
  send(batch: NumberedBatch): void;
}

/** Listens on free ports of `host`. */
export async function startKvPublisher(parts: {
  host: string;
  form: "map" | "array";
  since: KvBatches["since"];
}): Promise<KvPublisher> {
  const { host } = parts;
  await using started = new AsyncDisposableStack();
  const publisher = started.use(startPublisher({ host, port: 0 }));
  const replay = started.use(
    startReplayServer({
      host,
      port: 0,
      topic: KV_EVENTS_TOPIC,
      // Releases that write arrays answer without the topic.
      form: parts.form === "map" ? "topic" : "bare",
      from: parts.since,
    }),
  );
  const stack = started.move();
  const topic = new TextEncoder().encode(KV_EVENTS_TOPIC);
  return {
    eventsPort: publisher.port,
    replayPort: replay.port,
    source: {
      enable_kv_cache_events: true,
      publisher: "zmq",
      endpoint: `tcp://${host}:${publisher.port}`,
      replay_endpoint: `tcp://${host}:${replay.port}`,
      buffer_steps: KEPT_BATCHES,
      topic: KV_EVENTS_TOPIC,
    },
    send: ({ sequence, payload }) => publisher.send([topic, encodeSequence(sequence), payload]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
