/** What `GET /dynbench/state` and `GET /metrics` return of a running gateway. */
import { given } from "../base/given.ts";
import type { BlockTable } from "../routing/kv/block-table.ts";
import type { PolicyHost } from "../routing/host.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { EventFeed } from "./event-feed.ts";
import type { GatewayTask } from "../process/messages.ts";
import type { GatewayCounts } from "./gateway-counts.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface GatewayParts {
  readonly task: GatewayTask;
  readonly host: PolicyHost;
  readonly links: readonly WorkerLink[];
  /** By worker; empty when the policy needs no events. */
  readonly feeds: readonly (EventFeed | undefined)[];
  readonly counts: GatewayCounts;
  readonly decisions: DecisionLog | undefined;
  readonly events: DecisionLog | undefined;
  readonly table: BlockTable;
  readonly dispatcher: Dispatcher;
}

/** Counts are since the last reset; those under `total`, and the feeds' own, since the start. */
export function stateOf(parts: GatewayParts): Record<string, unknown> {
  const { task, counts, decisions, events, table, dispatcher, host } = parts;
  return {
    model: task.model,
    replica: task.replica,
    inFlight: dispatcher.inFlight,
    heldNow: host.heldRequests,
    eventsApplied: sumOf(parts.feeds, (feed) => feed.eventsSinceReset),
    gaps: sumOf(parts.feeds, (feed) => feed.counts.gaps),
    replays: sumOf(parts.feeds, (feed) => feed.counts.replays),
    malformedEvents: sumOf(parts.feeds, (feed) => feed.counts.malformed),
    ...counts.sinceReset,
    ...given({ firstPolicyFault: counts.firstPolicyFault }),
    prompts: counts.prompts,
    sharing: sharingOf(counts),
    ...(counts.sinceReset.decisions === 0 ? {} : { costUs: counts.costUs() }),
    lostDecisions: decisions?.lost ?? 0,
    lostEvents: events?.lost ?? 0,
    knownBlocks: table.size,
    total: {
      ...counts.total,
      eventsApplied: sumOf(parts.feeds, (feed) => feed.counts.events),
    },
    workers: workersOf(parts),
  };
}

/** Gauges of the same figures. */
export function gaugesOf(parts: GatewayParts): (readonly [string, number])[] {
  const { counts, dispatcher, links, host } = parts;
  const totals = Object.entries(counts.total).map(
    ([name, value]) => [`dynbench_gateway_${snakeCase(name)}_total`, value] as const,
  );
  const workers = links.flatMap(({ worker, alive }, i) => {
    const label = `{worker="${worker.id.replace(/["\\\n]/g, "_")}"}`;
    return [
      [`dynbench_gateway_worker_alive${label}`, alive ? 1 : 0] as const,
      [`dynbench_gateway_worker_in_flight${label}`, host.view.requests[i]!] as const,
      [`dynbench_gateway_worker_cached_blocks${label}`, host.cachedBlocks(i)] as const,
    ];
  });
  return [["dynbench_gateway_in_flight", dispatcher.inFlight], ...totals, ...workers];
}

function workersOf({ links, host, feeds }: GatewayParts): Record<string, unknown>[] {
  return links.map((link, i) => ({
    id: link.worker.id,
    url: link.worker.url,
    alive: link.alive,
    ...given({ lastFailure: link.lastFailure }),
    requests: link.requests,
    inFlight: host.view.requests[i]!,
    blocks: host.cachedBlocks(i),
    connections: link.client.connections,
    ...(feeds[i] === undefined ? {} : { events: feeds[i].counts }),
  }));
}

/** Text without a tokenizer is hashed by its bytes, which the user must be able to see. */
function sharingOf({ prompts }: GatewayCounts): "exact" | "approximate" {
  return prompts.bytes > 0 ? "approximate" : "exact";
}

function sumOf(
  feeds: readonly (EventFeed | undefined)[],
  value: (feed: EventFeed) => number,
): number {
  return feeds.reduce((sum, feed) => sum + (feed === undefined ? 0 : value(feed)), 0);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
