/** KV events and cached tokens of servers with `--kv-events-config`, which are vLLM and SGLang. Pure. */
import type { KvEventSource } from "dynbench/engine";
import type { ServerCommand, ServerPorts } from "./server-kind.ts";

/** Topic on plane http: empty, as by default; vllm-router takes no other. */
const TOPIC = "";
/** Topic on plane dynamo, as Dynamo's own examples name it. */
export const DYNAMO_TOPIC = "kv-events";

const EVENTS_FLAG = "--kv-events-config";

/** Whether a server publishes what it stores and evicts. */
export function publishesEvents({
  options,
  flags,
}: Pick<ServerCommand, "options" | "flags">): boolean {
  const knows = flags.size === 0 || flags.has(EVENTS_FLAG);
  // With several ranks each has a cache of its own, and the server chooses among them.
  return knows && options.dataParallelSize === 1;
}

/**
 * The flag with a publisher that binds where it can be reached from anywhere: with an address in place
 * of the star it would connect instead.
 */
export function kvEventsFlag(
  ports: Pick<ServerPorts, "kvEvents" | "replay">,
  { topic = TOPIC, ...more }: { readonly topic?: string; readonly enable_kv_cache_events?: true },
): string[] {
  const events = {
    ...more,
    publisher: "zmq",
    endpoint: `tcp://*:${ports.kvEvents}`,
    replay_endpoint: `tcp://*:${ports.replay}`,
    topic,
  };
  return [EVENTS_FLAG, JSON.stringify(events)];
}

/** Where that flag makes a server publish on plane http. */
export function publishedAt(
  host: string,
  ports: { readonly kvEvents: number; readonly replay: number },
): KvEventSource {
  const at = (port: number): string => `tcp://${host}:${port}`;
  return { endpoint: at(ports.kvEvents), replayEndpoint: at(ports.replay), topic: TOPIC };
}

/** What an installation with these flags cannot report. `cachedFlag` makes it report cached tokens. */
export function missingReports(
  engine: string,
  flags: ReadonlySet<string>,
  cachedFlag: string,
): string[] {
  const [title] = engine.split(" ");
  return [
    ...(flags.has(EVENTS_FLAG)
      ? []
      : [`${engine} publishes no KV events: use --router kv-approx, or a newer ${title}`]),
    ...(flags.has(cachedFlag)
      ? []
      : [`${engine} does not report cached tokens: hit shares stay unknown`]),
  ];
}
