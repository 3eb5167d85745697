/** Plays a script on the simulator, with workers that do what the script says. */
import type { RequestRecord } from "../../../core/contract/record.ts";
import type {
  WorkerModel,
  WorkerRequest,
  WorkerSink,
} from "../../../core/contract/worker-model.ts";
import type { EngineModel } from "../../../core/contract/engine.ts";
import { simulationOf } from "../simulate.ts";
import { Log, type Script } from "./script.ts";

const LIMITS = {
  blockSize: 16,
  kvBlocks: 1000,
  maxNumSeqs: 100,
  maxNumBatchedTokens: 1000,
  maxModelLen: 1000,
};

export function liveOnSimulator(script: Script): Log {
  const log = new Log(script);
  const shared = { script, log, visits: new Map<string, number>(), hasRead: new Set<number>() };
  const engine: EngineModel = {
    workers: script.workers,
    limits: LIMITS,
    create: (worker, sink) => new ScriptedModel({ ...shared, worker, sink }),
  };
  const simulation = simulationOf({
    requests: script.arrivalsNs.map((atNs, index) => ({
      index,
      prompt: [{ content: index, tokens: 20 }],
      isl: 20,
      osl: 1,
      atNs,
    })),
    engine,
    policy: () => script.policy(log),
    load: { arrival: "trace", timeoutS: script.timeoutNs / 1e9 },
    settings: { downs: script.downs },
    output: { onRecord: (record) => log.answered(record.index, answerOf(record)) },
  });
  while (simulation.run(1_000_000) !== true);
  return log;
}

function answerOf({ state, status, error }: RequestRecord): string {
  if (state === "ok") return "whole";
  if (error!.kind === "timeout") return "left";
  if (error!.kind === "error-frame") return "broke off";
  return status === 500 ? `500, ${error!.message}` : `${status}`;
}

interface Parts {
  readonly script: Script;
  readonly log: Log;
  /** How often each request was at workers of each role. */
  readonly visits: Map<string, number>;
  /** Requests whose KV a decode worker has just read: their release is the engine's own. */
  readonly hasRead: Set<number>;
  readonly worker: number;
  readonly sink: WorkerSink;
}

interface Due {
  readonly atNs: number;
  readonly id: number;
  happen(): void;
}

class ScriptedModel implements WorkerModel {
  readonly limits = LIMITS;
  readonly nextCacheChangeNs = Infinity;
  readonly counts = {} as WorkerModel["counts"];
  readonly #parts: Parts;
  /** What is to happen, earliest first. */
  #due: Due[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get nextStepNs(): number {
    return this.nextChangeNs;
  }

  get nextChangeNs(): number {
    return this.#due[0]?.atNs ?? Infinity;
  }

  submit(request: WorkerRequest, nowNs: number): string | undefined {
    const { script, log, visits, hasRead, worker, sink } = this.#parts;
    const { role } = script.workers[worker]!;
    const { id } = request;
    const visit = `${id} ${role}`;
    const nth = visits.get(visit) ?? 0;
    visits.set(visit, nth + 1);
    log.step(id, `sent to ${worker}`);
    const outcome = script.outcome(id, role, nth);
    if (outcome.kind === "refused") return "too long";
    const { firstNs, endNs } = outcome;
    if (role !== "prefill" && firstNs !== undefined) {
      this.#at(nowNs + firstNs, id, (atNs) => {
        sink.admitted(request, 0, atNs);
        // The KV is read in the moment of the first token: before it no router can know.
        if (role === "decode") {
          hasRead.add(id);
          sink.received(request, atNs);
        }
        sink.firstToken(request, atNs);
      });
    }
    if (endNs !== undefined) {
      this.#at(nowNs + endNs, id, (atNs) => {
        if (role === "prefill") sink.admitted(request, 0, atNs);
        sink.finished(request, atNs);
      });
    }
    return undefined;
  }

  abort(id: number): void {
    this.#parts.log.step(id, `cancelled at ${this.#parts.worker}`);
    this.#due = this.#due.filter((each) => each.id !== id);
  }

  release(id: number): void {
    const { log, worker, hasRead } = this.#parts;
    if (!hasRead.delete(id)) log.released(id, worker);
  }

  advance(toNs: number): void {
    while (this.nextChangeNs <= toNs) this.#due.shift()!.happen();
  }

  resetCache(): boolean {
    return true;
  }

  #at(atNs: number, id: number, happen: (atNs: number) => void): void {
    this.#due.push({ atNs, id, happen: () => happen(atNs) });
    this.#due.sort((a, b) => a.atNs - b.atNs);
  }
}
