/** Repeats the calls of one policy host on a fresh one, and returns its picks. */
import type { Candidate, RandomStream, RouteRequest, RoutingPolicy } from "dynbench";
import { idsOf, type HostEvent } from "../../core/routing/host-journal.ts";
import { PolicyHost } from "../../core/routing/host.ts";
import { HOLD } from "../../core/contract/routing-policy.ts";

export interface Pick {
  readonly request: number;
  readonly worker: string;
  /** The policy's score of each worker; NaN where it has none. */
  readonly scores: readonly number[];
}

export interface AskedHost {
  readonly policy: RoutingPolicy;
  readonly candidates: readonly Candidate[];
  readonly blockSize: number;
  readonly random: RandomStream;
  /** The recorded `prefixHash(tokens)` of a request, since the events have no tokens. */
  readonly prefixHash?: (request: number, tokens: number) => number;
}

/** Picks since the last reset, in order. */
export function picksOf(events: readonly HostEvent[], asked: AskedHost): Pick[] {
  const picks: Pick[] = [];
  const picked = (request: number, candidate: number): void => {
    const { workerId } = asked.candidates[candidate]!;
    picks.push({ request, worker: workerId, scores: [...host.view.scores] });
  };
  const host = new PolicyHost({
    ...asked,
    onRelease: ({ id }, candidate) => picked(id, candidate),
    onFault: (_request, error) => {
      throw error;
    },
  });
  for (const event of events) {
    if (event.told === "reset") {
      host.reset(event.cell);
      picks.length = 0;
    } else if (event.told === "route") {
      const candidate = host.route(requestOf(event, asked), event.atNs, tried(event));
      if (candidate !== HOLD) picked(event.request, candidate);
    } else tell(host, event);
  }
  return picks;
}

function tell(host: PolicyHost, event: Exclude<HostEvent, { told: "reset" | "route" }>): void {
  const { atNs } = event;
  if (event.told === "firstToken") host.firstToken(event.request, atNs, event.stage);
  else if (event.told === "ended") host.ended(event.request, atNs, event.stage);
  else if (event.told === "stored") host.stored(event.candidate, idsOf(event.blocks), atNs);
  else if (event.told === "removed") host.removed(event.candidate, idsOf(event.blocks), atNs);
  else if (event.told === "cleared") host.cleared(event.candidate, atNs);
  else if (event.told === "checkHeld") host.checkHeld(atNs);
  else if (event.told === "alive") host.setAlive(event.candidate, true, atNs);
  else if (event.told === "dead") host.setAlive(event.candidate, false, atNs);
}

type Told = Extract<HostEvent, { told: "route" }>;

function requestOf(told: Told, { prefixHash = unknownHash }: AskedHost): RouteRequest {
  const { request: id, blocks, told: _, atNs: __, tried: ___, ...rest } = told;
  const hash = (tokens: number): number => prefixHash(id, tokens);
  return { ...rest, id, blocks: idsOf(blocks), prefixHash: hash };
}

function unknownHash(): never {
  throw new Error("The tokens of a request are not among the events");
}

function tried(told: Told): ReadonlySet<number> | undefined {
  return told.tried === undefined ? undefined : new Set(told.tried);
}
