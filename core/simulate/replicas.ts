/**
 * The routers of a simulation: one policy host a replica, and the delay of what they receive.
 *
 * KV events reach every replica `eventDelayMs` after they happen. They are applied when somebody looks,
 * because until then nobody can see the difference. First tokens and ends are delivered by the owner.
 */
import type { EngineModel } from "../contract/engine.ts";
import { randomStream } from "../base/random.ts";
import { decisionOf } from "../routing/decision.ts";
import { expectationOf } from "../routing/expectation.ts";
import { PolicyHost, type PolicyHostOptions } from "../routing/host.ts";
import { HOLD } from "../contract/routing-policy.ts";
import type { SimRequest } from "./sim-request.ts";
import type { SimOutput, SimTask } from "./sim-task.ts";

export interface ReplicaEvents extends Required<Pick<PolicyHostOptions, "onRelease" | "onFault">> {
  /** A hook of a policy failed. */
  hookFailed(error: unknown): void;
  /** A cache change is on its way; it has arrived by `nextArrivalNs`. */
  onLate(): void;
}

/** A change of a worker's cache on its way to the routers. */
interface LateChange {
  readonly dueNs: number;
  readonly what: "stored" | "removed" | "cleared";
  readonly blocks: readonly number[];
}

export class Replicas {
  readonly hosts: readonly PolicyHost[];
  readonly needsEvents: boolean;
  eventsApplied = 0;
  readonly #delayNs: number;
  readonly #isSynced: boolean;
  readonly #events: ReplicaEvents;
  readonly #onDecision: SimOutput["onDecision"];
  /** By worker, in order of time. */
  readonly #late: LateChange[][];

  constructor(task: SimTask, output: Pick<SimOutput, "onDecision">, events: ReplicaEvents) {
    const { engine, cell, settings } = task;
    this.#events = events;
    this.#onDecision = settings.decisions ? output.onDecision : undefined;
    this.#isSynced = settings.replicaSync && task.replicas > 1;
    this.#delayNs = Math.round(settings.eventDelayMs * 1e6);
    this.hosts = Array.from(
      { length: task.replicas },
      (_, replica) =>
        new PolicyHost({
          policy: task.policy(),
          policyName: task.policyName,
          candidates: candidatesOf(engine),
          blockSize: engine.limits.blockSize,
          random: randomStream(cell.routerSeed ?? cell.seed, "gateway", replica),
          onRelease: events.onRelease,
          onFault: events.onFault,
        }),
    );
    this.needsEvents = this.hosts.some((host) => host.needsEvents);
    this.#late = engine.workers.map(() => []);
  }

  get heldRequests(): number {
    return this.hosts.reduce((sum, host) => sum + host.heldRequests, 0);
  }

  /** Latest moment at which `checkHeld` must be called; Infinity when nothing is held. */
  get holdDeadlineNs(): number {
    return this.hosts.reduce((least, host) => Math.min(least, host.holdDeadlineNs), Infinity);
  }

  /** As `PolicyHost.route`, on the request's own replica, with `copyPick`. */
  route(request: SimRequest, nowNs: number): number {
    const { stageRequest, tried } = request.life;
    const candidate = this.hosts[request.replica]!.route(stageRequest, nowNs, tried);
    if (candidate !== HOLD) this.copyPick(request, candidate, nowNs);
    return candidate;
  }

  /** Records the pick that the replica of the request has just made. */
  decided(request: SimRequest, candidate: number): void {
    const host = this.hosts[request.replica]!;
    const { stageRequest, stage, retries } = request.life;
    this.#onDecision?.(decisionOf(host.view, { request: stageRequest, candidate, retries }));
    // A decode worker computes no prompt.
    if (!host.readsOverlap || stage === "decode") return;
    request.expected = expectationOf(host.view, request, candidate);
  }

  /** Books the pick of the request's own replica at the others, where they are in sync. */
  copyPick(request: SimRequest, candidate: number, nowNs: number): void {
    if (!this.#isSynced) return;
    const own = this.hosts[request.replica]!;
    const overlapBlocks = own.view.overlapBlocks[candidate]!;
    this.#notify((host) => {
      if (host !== own) host.adopt(request.life.stageRequest, { candidate, overlapBlocks }, nowNs);
    });
  }

  firstToken(requestId: number, nowNs: number): void {
    this.#notify((host) => host.firstToken(requestId, nowNs));
  }

  /** Its prefill worker has answered and counts it no more. */
  prefilled(requestId: number, nowNs: number): void {
    this.#notify((host) => {
      host.firstToken(requestId, nowNs, "prefill");
      host.ended(requestId, nowNs, "prefill");
    });
  }

  ended(requestId: number, nowNs: number): void {
    this.#notify((host) => host.ended(requestId, nowNs));
  }

  setAlive(worker: number, alive: boolean, nowNs: number): void {
    if (!alive) this.#late[worker]!.length = 0;
    this.#notify((host) => host.setAlive(worker, alive, nowNs));
  }

  checkHeld(nowNs: number): void {
    this.#notify((host) => host.checkHeld(nowNs));
  }

  stored(worker: number, blocks: readonly number[], atNs: number): void {
    if (this.#delayNs > 0) this.#postpone(worker, "stored", { blocks, atNs });
    else this.#apply(worker, "stored", { blocks, atNs });
  }

  removed(worker: number, blocks: readonly number[], atNs: number): void {
    if (this.#delayNs > 0) this.#postpone(worker, "removed", { blocks, atNs });
    else this.#apply(worker, "removed", { blocks, atNs });
  }

  cleared(worker: number, atNs: number): void {
    if (this.#delayNs > 0) this.#postpone(worker, "cleared", { blocks: [], atNs });
    else this.#apply(worker, "cleared", { blocks: [], atNs });
  }

  /** When the next cache change arrives; Infinity when none is on its way. */
  get nextArrivalNs(): number {
    return this.#late.reduce((least, [next]) => Math.min(least, next?.dueNs ?? Infinity), Infinity);
  }

  /** Applies the cache changes that have arrived by `nowNs`. */
  deliver(nowNs: number): void {
    if (this.#delayNs === 0) return;
    for (const [worker, late] of this.#late.entries()) {
      let arrived = 0;
      while (arrived < late.length && late[arrived]!.dueNs <= nowNs) {
        const { what, blocks } = late[arrived]!;
        this.#apply(worker, what, { blocks, atNs: nowNs });
        arrived += 1;
      }
      if (arrived > 0) late.splice(0, arrived);
    }
  }

  #postpone(worker: number, what: LateChange["what"], change: CacheChange): void {
    const dueNs = change.atNs + this.#delayNs;
    this.#late[worker]!.push({ dueNs, what, blocks: [...change.blocks] });
    this.#events.onLate();
  }

  #apply(worker: number, what: LateChange["what"], { blocks, atNs }: CacheChange): void {
    if (!this.needsEvents) return;
    this.eventsApplied += 1;
    for (const host of this.hosts) {
      if (what === "stored") host.stored(worker, blocks, atNs);
      else if (what === "removed") host.removed(worker, blocks, atNs);
      else host.cleared(worker, atNs);
    }
  }

  /** A policy that fails in a hook is reported, and costs no request that is under way. */
  #notify(notify: (host: PolicyHost) => void): void {
    for (const host of this.hosts) {
      try {
        notify(host);
      } catch (error) {
        this.#events.hookFailed(error);
      }
    }
  }
}

interface CacheChange {
  readonly blocks: readonly number[];
  readonly atNs: number;
}

function candidatesOf({ workers, limits }: EngineModel) {
  return workers.map(({ id, role }, index) => ({
    index,
    workerId: id,
    rank: 0,
    role,
    kvBlocks: limits.kvBlocks,
  }));
}
