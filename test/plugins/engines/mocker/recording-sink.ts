/** A sink that writes down what a worker model tells, and requests to feed it. */
import type { DecodeRun, WorkerRequest, WorkerSink } from "dynbench/engine";
import { stepsNs } from "dynbench/engine";

/** One line of the log: event, request, time; `n` is a count, a gap or a number of cached tokens. */
export interface Told {
  what: string;
  id?: number;
  at: number;
  n?: number;
  blocks?: number[];
}

export interface Recording extends WorkerSink {
  readonly log: Told[];
  /** Decode runs, merged where one continues the other. */
  readonly runs: { ids: number[]; run: DecodeRun }[];
  /** Copies of each cached block, from the published events. */
  readonly cached: Map<number, number>;
  of(what: string): Told[];
  /** End of each token of a request, in ns. */
  tokenTimes(id: number): number[];
}

/** Generated blocks are numbered by request and index, from here up. */
export const GENERATED = 1_000_000;

export function recordingSink(): Recording {
  const log: Told[] = [];
  const runs: { ids: number[]; run: DecodeRun }[] = [];
  const cached = new Map<number, number>();
  return {
    log,
    runs,
    cached,
    of: (what) => log.filter((told) => told.what === what),
    tokenTimes: (id) => tokenTimes(log, runs, id),
    admitted: (request, n, at) => log.push({ what: "admitted", id: request.id, n, at }),
    received: (request, at) => log.push({ what: "received", id: request.id, at }),
    firstToken: (request, at) => log.push({ what: "firstToken", id: request.id, at }),
    tokens: (requests, run) =>
      addRun(
        runs,
        requests.map((request) => request.id),
        run,
      ),
    lateToken: (request, n, at) => log.push({ what: "lateToken", id: request.id, n, at }),
    finished: (request, at) => log.push({ what: "finished", id: request.id, at }),
    preempted: (request, at) => log.push({ what: "preempted", id: request.id, at }),
    stored: (parent, blocks, at) => {
      log.push({ what: "stored", n: parent, blocks: [...blocks], at });
      for (const block of blocks) cached.set(block, (cached.get(block) ?? 0) + 1);
    },
    removed: (blocks, at) => {
      log.push({ what: "removed", blocks: [...blocks], at });
      for (const block of blocks) {
        const left = (cached.get(block) ?? 0) - 1;
        if (left < 0) throw new Error(`block ${block} removed more often than stored`);
        if (left === 0) cached.delete(block);
        else cached.set(block, left);
      }
    },
    cleared: (at) => {
      log.push({ what: "cleared", at });
      cached.clear();
    },
    generatedBlock: (request, index) => GENERATED + request.id * 1_000 + index,
  };
}

function addRun(runs: { ids: number[]; run: DecodeRun }[], ids: number[], run: DecodeRun): void {
  const last = runs.at(-1);
  const continues =
    last !== undefined &&
    last.run.spanStartNs === run.spanStartNs &&
    last.run.firstNs === run.firstNs &&
    last.run.fromStep + last.run.steps === run.fromStep &&
    last.ids.join() === ids.join();
  if (continues) last.run = { ...last.run, steps: last.run.steps + run.steps };
  else runs.push({ ids, run });
}

function tokenTimes(
  log: readonly Told[],
  runs: readonly { ids: number[]; run: DecodeRun }[],
  id: number,
): number[] {
  const times = log
    .filter((told) => told.id === id && (told.what === "firstToken" || told.what === "lateToken"))
    .map((told) => told.at);
  for (const { ids, run } of runs) {
    if (!ids.includes(id)) continue;
    for (let k = run.fromStep; k < run.fromStep + run.steps; k += 1) {
      times.push(run.spanStartNs + stepsNs(run, k + 1));
    }
  }
  return times.sort((a, b) => a - b);
}

/** A request whose block ids are `firstBlock`, `firstBlock + 1`, …; `shared` leading ones are 0, 1, …. */
export function requestOf(
  id: number,
  size: {
    isl: number;
    osl: number;
    blockSize: number;
    shared?: number;
    handoff?: "send" | "receive";
  },
): WorkerRequest {
  const blocks = new Int32Array(Math.floor(size.isl / size.blockSize));
  for (let i = 0; i < blocks.length; i += 1) {
    blocks[i] = i < (size.shared ?? 0) ? i : (id + 1) * 1_000 + i;
  }
  const { isl, osl } = size;
  return { id, blocks, isl, osl, ...(size.handoff === undefined ? {} : { handoff: size.handoff }) };
}

/** Walks a model step by step until it is idle. */
export function walk(model: { nextStepNs: number; advance(toNs: number): void }): void {
  while (model.nextStepNs < Infinity) model.advance(model.nextStepNs);
}

/** Jumps from change to change until it is idle. */
export function jump(model: { nextChangeNs: number; advance(toNs: number): void }): void {
  while (model.nextChangeNs < Infinity) model.advance(model.nextChangeNs);
}
