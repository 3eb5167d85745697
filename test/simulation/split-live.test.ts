/**
 * Split workers, live and virtual: the mocker's worker loops, stepped on a clock that the test moves,
 * hand prompts over as its servers do, behind the policy host of gateway and simulator. Picks, cached
 * tokens and all times must equal the simulation's, to the nanosecond.
 */
import { expect, test } from "bun:test";
import { randomStream, v, type RequestSpec } from "dynbench";
import { fillTokens } from "../../core/prompt/tokens.ts";
import { BlockTable } from "../../core/routing/kv/block-table.ts";
import { blockHashes, hashBlocks } from "../../core/routing/kv/block-hash.ts";
import { PolicyHost } from "../../core/routing/host.ts";
import { atStage } from "../../core/routing/stage.ts";
import type { RouteRequest } from "../../core/contract/routing-policy.ts";
import { mocker } from "../../plugins/engines/mocker/mocker.ts";
import { resolveMocker } from "../../plugins/engines/mocker/mocker-options.ts";
import { createWorkerModel } from "../../plugins/engines/mocker/scheduler.ts";
import { TokenSequences } from "../../plugins/engines/mocker/token-sequences.ts";
import { WorkerLoop } from "../../plugins/engines/mocker/worker-loop.ts";
import { bundledPolicy, simulate } from "./simulate.ts";

const options = {
  prefillWorkers: 2,
  decodeWorkers: 2,
  blockSize: 64,
  kvBlocks: 200,
  maxModelLen: 4_000,
  kvTransferGbPerS: 5,
  kvTransferLatencyMs: 3,
};

/** Open loop, two a second on average, twenty prompts of four prefixes. */
function requestsOf(seed: number): RequestSpec[] {
  const random = randomStream(seed, "split-live");
  let atNs = 0;
  return Array.from({ length: 40 }, (_, index) => {
    atNs += 1 + Math.round(random.exponential(2e8));
    const shared = 64 * (1 + random.int(20));
    const own = 1 + random.int(800);
    const prompt = [
      { content: random.int(4), tokens: shared },
      { content: 100 + index, tokens: own },
    ];
    return { index, prompt, isl: shared + own, osl: 1 + random.int(60), atNs };
  });
}

interface Ended {
  readonly prefillWorker: string;
  readonly worker: string;
  readonly cachedTokens: number;
  readonly firstTokenNs: number;
  readonly endNs: number;
}

/** The same workers, stepped as servers do, on one clock that the test moves. */
class HandCluster {
  readonly ended: Ended[] = [];
  nowNs = 0;
  readonly #queue: { atNs: number; order: number; run: () => void }[] = [];
  #order = 0;
  readonly #resolved = resolveMocker(v.parse(mocker.options, options));
  readonly #alarms = new Map<number, { atNs: number; ring: () => void }>();
  readonly #loops: WorkerLoop[];
  readonly #table = new BlockTable();
  readonly #sequences = new TokenSequences({ blockSize: options.blockSize, seed: 1 });
  readonly #host: PolicyHost;

  constructor(policy: string) {
    const { workers, limits, timing, timeScale, transfer } = this.#resolved;
    this.#host = new PolicyHost({
      policy: bundledPolicy(policy),
      candidates: workers.map(({ id, role }, index) => ({ index, workerId: id, rank: 0, role })),
      blockSize: limits.blockSize,
      random: randomStream(0, "gateway", 0),
    });
    this.#loops = workers.map((_, worker) => {
      const own = { limits, timing, timeScale, transfer, prefixCaching: true };
      return new WorkerLoop({
        createModel: (sink) => createWorkerModel(own, sink),
        alarm: {
          nowNs: () => this.nowNs,
          set: (atNs, ring) => void this.#alarms.set(worker, { atNs, ring }),
          stop: () => void this.#alarms.delete(worker),
        },
        events: { stored() {}, removed() {}, cleared() {}, stepEnded() {} },
      });
    });
  }

  send(spec: RequestSpec): void {
    this.#at(spec.atNs!, () => this.#prefill(spec));
  }

  /** Until nothing is left to happen: requests first, then what workers do at the same time. */
  run(): void {
    for (;;) {
      const next = this.#queue.toSorted((a, b) => a.atNs - b.atNs || a.order - b.order)[0];
      const alarms = [...this.#alarms].toSorted((a, b) => a[1].atNs - b[1].atNs);
      const alarm = alarms[0];
      if (next === undefined && alarm === undefined) return;
      if (next !== undefined && next.atNs <= (alarm?.[1].atNs ?? Infinity)) {
        this.nowNs = next.atNs;
        this.#queue.splice(this.#queue.indexOf(next), 1);
        next.run();
      } else {
        const [worker, { atNs, ring }] = alarm!;
        this.nowNs = Math.max(this.nowNs, atNs);
        this.#alarms.delete(worker);
        ring();
      }
    }
  }

  #prefill(spec: RequestSpec): void {
    const tokens = new Uint32Array(spec.isl);
    fillTokens(0, spec.prompt, tokens);
    const request = this.#routed(spec, tokens);
    const prefill = this.#host.route(atStage(request, "prefill"), this.nowNs);
    let cachedTokens = 0;
    const number = this.#loops[prefill]!.submit(
      this.#sequences.make(tokens, 1),
      {
        admitted: (cached) => {
          cachedTokens = cached;
        },
        // The answer reaches the gateway, and its next request a worker, as events of their own.
        tokens: () =>
          this.#at(this.nowNs, () => {
            this.#host.firstToken(spec.index, this.nowNs, "prefill");
            this.#host.ended(spec.index, this.nowNs, "prefill");
            const release = (): void => this.#loops[prefill]!.release(number);
            this.#decode(spec, { request, tokens, prefill, cachedTokens, release });
          }),
      },
      { handoff: "send" },
    ) as number;
  }

  #decode(
    { index, osl }: RequestSpec,
    from: {
      request: RouteRequest;
      tokens: Uint32Array;
      prefill: number;
      cachedTokens: number;
      release: () => void;
    },
  ): void {
    const decode = this.#host.route(atStage(from.request, "decode"), this.nowNs);
    const name = (worker: number): string => this.#resolved.workers[worker]!.id;
    let firstTokenNs = 0;
    this.#loops[decode]!.submit(
      this.#sequences.make(from.tokens, osl),
      {
        admitted: () => {},
        received: () => this.#at(this.nowNs, from.release),
        tokens: (first, count) => {
          if (first === 0) firstTokenNs = this.nowNs;
          if (first === 0) this.#host.firstToken(index, this.nowNs, "decode");
          if (first + count < osl) return;
          this.#host.ended(index, this.nowNs, "decode");
          this.ended[index] = {
            prefillWorker: name(from.prefill),
            worker: name(decode),
            cachedTokens: from.cachedTokens,
            firstTokenNs,
            endNs: this.nowNs,
          };
        },
      },
      { handoff: "receive" },
    );
  }

  #routed({ index, isl, osl }: RequestSpec, tokens: Uint32Array): RouteRequest {
    const hashes = blockHashes(0);
    const count = hashBlocks(tokens, options.blockSize, hashes);
    const blocks = Int32Array.from({ length: count }, (_, i) =>
      this.#table.intern(hashes.high[i]!, hashes.low[i]!),
    );
    const prefixHash = (): number => 0;
    return { id: index, blocks, isl, osl, stage: "aggregated", priority: 0, prefixHash };
  }

  #at(atNs: number, run: () => void): void {
    this.#queue.push({ atNs, order: (this.#order += 1), run });
  }
}

test.each([
  ["round-robin", 1],
  ["round-robin", 2],
  ["kv-approx", 3],
  ["kv-approx", 4],
  ["least-loaded", 5],
])("%s, seed %d: the same picks, the same times", async (policy, seed) => {
  const requests = requestsOf(seed);
  const { records } = await simulate({
    requests,
    mocker: options,
    policy,
    load: { arrival: "trace" },
  });
  const simulated = records
    .toSorted((a, b) => a.index - b.index)
    .map(
      ({ prefillWorker, worker, cachedTokens, firstTokenNs, endNs, intendedNs, index }): Ended => ({
        prefillWorker: prefillWorker!,
        worker: worker!,
        cachedTokens: cachedTokens!,
        firstTokenNs: firstTokenNs! - intendedNs + requests[index]!.atNs!,
        endNs: endNs - intendedNs + requests[index]!.atNs!,
      }),
    );
  const live = new HandCluster(policy);
  for (const request of requests) live.send(request);
  live.run();
  expect(live.ended).toEqual(simulated);
  expect(new Set(simulated.map(({ worker }) => worker)).size).toBe(2);
  expect(simulated.some(({ cachedTokens }) => cachedTokens > 0)).toBe(true);
});
