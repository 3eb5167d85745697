/**
 * The calls of a policy host, in order, as data: made again on another host they give the same picks.
 * The gateway writes them to `events.jsonl`, where `told` is the name of the call.
 */
import { given } from "../base/given.ts";
import type { WorkerRole } from "../contract/request.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";

/** One call of the host. Candidates by index, times in monotonic nanoseconds. */
export type HostEvent =
  | ({ readonly told: "route"; readonly atNs: number } & RoutedAs)
  | {
      readonly told: "firstToken" | "ended";
      readonly atNs: number;
      readonly request: number;
      readonly stage?: WorkerRole;
    }
  | {
      readonly told: "alive" | "dead" | "cleared";
      readonly atNs: number;
      readonly candidate: number;
    }
  | {
      readonly told: "stored" | "removed";
      readonly atNs: number;
      readonly candidate: number;
      readonly blocks: readonly number[];
    }
  | { readonly told: "checkHeld"; readonly atNs: number }
  /** `cell`: names the random stream of what follows. */
  | { readonly told: "reset"; readonly cell?: string };

/** The request of a `route` call. */
interface RoutedAs {
  readonly request: number;
  readonly stage: WorkerRole;
  readonly isl: number;
  readonly osl: number;
  /** Ids of its blocks as runs of consecutive ones: first, length, first, length, … */
  readonly blocks: readonly number[];
  readonly priority: number;
  readonly key?: string;
  readonly session?: string;
  readonly tried?: readonly number[];
}

/** Turns the calls of a host into events, and hands each to `add` before it has any effect. */
export class HostJournal {
  readonly #add: (event: HostEvent) => void;

  constructor(add: (event: HostEvent) => void) {
    this.#add = add;
  }

  route(request: RouteRequest, atNs: number, tried: ReadonlySet<number> | undefined): void {
    const { id, stage, isl, osl, blocks, priority, key, session } = request;
    this.#add({
      told: "route",
      atNs,
      request: id,
      stage,
      isl,
      osl,
      blocks: runsOf(blocks),
      priority,
      ...(key === undefined ? {} : { key }),
      ...(session === undefined ? {} : { session }),
      ...(tried === undefined ? {} : { tried: [...tried] }),
    });
  }

  request(
    told: "firstToken" | "ended",
    request: number,
    at: { atNs: number; stage: WorkerRole | undefined },
  ): void {
    const { atNs, stage } = at;
    this.#add({ told, atNs, request, ...(stage === undefined ? {} : { stage }) });
  }

  worker(told: "alive" | "dead" | "cleared", candidate: number, atNs: number): void {
    this.#add({ told, atNs, candidate });
  }

  cache(
    told: "stored" | "removed",
    change: { candidate: number; blocks: ArrayLike<number> },
    atNs: number,
  ): void {
    const { candidate, blocks } = change;
    this.#add({ told, atNs, candidate, blocks: runsOf(blocks) });
  }

  checkHeld(atNs: number): void {
    this.#add({ told: "checkHeld", atNs });
  }

  reset(cell: string | undefined): void {
    this.#add({ told: "reset", ...given({ cell }) });
  }
}

/** Ids as runs: a prompt is mostly one. */
export function runsOf(ids: ArrayLike<number>): number[] {
  const runs: number[] = [];
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i]!;
    const last = runs.length - 1;
    if (last > 0 && id === runs[last - 1]! + runs[last]!) runs[last]! += 1;
    else runs.push(id, 1);
  }
  return runs;
}

/** Undoes `runsOf`. */
export function idsOf(runs: readonly number[]): Int32Array {
  const ids: number[] = [];
  for (let run = 0; run < runs.length; run += 2) {
    for (let i = 0; i < runs[run + 1]!; i += 1) ids.push(runs[run]! + i);
  }
  return Int32Array.from(ids);
}
