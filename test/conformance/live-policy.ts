/**
 * A routing policy behind real sockets, and the same policy with the same calls but without sockets
 * and clock: its picks may depend on nothing else, or its simulation would be meaningless.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCachingWorker } from "./caching-worker.ts";
import { silentLog } from "./in-process.ts";
import { startGateway } from "../../core/gateway/gateway.ts";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import type { HostEvent } from "../../core/routing/host-journal.ts";
import type { Candidate, RoutingPolicy } from "../../core/contract/routing-policy.ts";
import { picksOf } from "../simulation/asked-again.ts";

const SEED = 5;
const BLOCK_SIZE = 16;
const WORKERS = 3;
const REQUESTS = 60;
/** More than there are workers, so that requests meet. */
const CONCURRENCY = 7;
/** Prompts of a group open with the same tokens. */
const GROUPS = 5;
const SHARED_TOKENS = 4 * BLOCK_SIZE;

export function testLiveAsVirtual(make: () => RoutingPolicy): void {
  test("picks behind sockets what it picks when told the same without clock and sockets", async () => {
    const live = await askedLive(make());
    const asked = new Asked(make());
    const { candidates, hashes } = live.asked;
    picksOf(live.events, {
      policy: asked.policy,
      candidates,
      blockSize: BLOCK_SIZE,
      random: randomStream(SEED, "gateway", 0),
      prefixHash: (request, tokens) => hashes.get(`${request} ${tokens}`)!,
    });
    expect(live.asked.answers.length).toBeGreaterThanOrEqual(REQUESTS);
    expect(asked.answers).toEqual(live.asked.answers);
  });

  test("answers every request behind sockets, and none from a worker that has gone", async () => {
    const { statuses, lateServed } = await askedLive(make(), { isOneLost: true });
    expect(statuses).toEqual(new Array(REQUESTS).fill(200));
    expect(lateServed).toBe(0);
  });
}

/** The calls of `pick`, with their arguments and results. */
class Asked {
  readonly answers: { request: number; picked: number; scores: number[] }[] = [];
  readonly hashes = new Map<string, number>();
  candidates: readonly Candidate[] = [];
  readonly policy: RoutingPolicy;

  constructor(policy: RoutingPolicy) {
    this.policy = {
      ...bound(policy),
      pick: (request, view) => {
        this.candidates = view.candidates;
        const prefixHash = (tokens: number): number => {
          const hash = request.prefixHash(tokens);
          this.hashes.set(`${request.id} ${tokens}`, hash);
          return hash;
        };
        // `Object.create`: what the request has beside its own fields stays in reach.
        const told = Object.create(request, { prefixHash: { value: prefixHash } });
        const picked = policy.pick(told, view);
        this.answers.push({ request: request.id, picked, scores: [...view.scores] });
        return picked;
      },
    };
  }
}

/** The policy's methods as own functions, whether it is a class or a plain object. */
function bound(policy: RoutingPolicy): Omit<RoutingPolicy, "pick"> {
  const { reads, index } = policy;
  const hooks = ["dispatched", "firstToken", "ended", "reset"] as const;
  const own = hooks
    .filter((name) => name in policy)
    .map((name) => [name, (policy as any)[name].bind(policy)]);
  return { reads, ...(index === undefined ? {} : { index }), ...Object.fromEntries(own) };
}

interface Live {
  readonly asked: Asked;
  readonly events: readonly HostEvent[];
  readonly statuses: readonly number[];
  /** Requests that the lost worker answered after it was lost. */
  readonly lateServed: number;
}

/** A load of real requests through a gateway that hosts the policy. */
async function askedLive(policy: RoutingPolicy, { isOneLost = false } = {}): Promise<Live> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-live-"));
  const eventsPath = join(folder, "events.jsonl");
  const asked = new Asked(policy);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  const workers = Array.from({ length: WORKERS }, (_, i) =>
    stack.use(startCachingWorker(`worker-${i}`, BLOCK_SIZE)),
  );
  const task = { workers: workers.map(({ worker }) => worker), eventsPath };
  const gateway = await startGateway(
    { ...task, model: "m", host: "127.0.0.1", port: 0, seed: SEED, replica: 0, token: "-" },
    { policy: asked.policy, log: silentLog },
  );
  const lost = workers.at(-1)!;
  const random = randomStream(SEED, "prompts");
  const prompts = Array.from({ length: REQUESTS }, (_, index) => promptOf(index, random));
  const url = `http://127.0.0.1:${gateway.ready.port}/v1/completions`;
  try {
    const early = await sendAll(url, prompts.slice(0, REQUESTS / 3));
    if (isOneLost) await lost[Symbol.asyncDispose]();
    const servedBefore = lost.served;
    const late = await sendAll(url, prompts.slice(REQUESTS / 3));
    await gateway[Symbol.asyncDispose](); // its events are on disk
    return {
      asked,
      events: eventsIn(eventsPath),
      statuses: [...early, ...late],
      lateServed: lost.served - servedBefore,
    };
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
}

/** Sends all, some at once, and returns the statuses of their answers. */
async function sendAll(url: string, prompts: readonly number[][]): Promise<number[]> {
  const statuses = new Array<number>(prompts.length).fill(0);
  let next = 0;
  const slot = async (): Promise<void> => {
    while (next < prompts.length) {
      const index = next++;
      const body = JSON.stringify({ model: "m", prompt: prompts[index], stream: true });
      const headers = { "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body });
      await response.text();
      statuses[index] = response.status;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, slot));
  return statuses;
}

/** Tokens that its group has too, and some of its own. */
function promptOf(index: number, random: RandomStream): number[] {
  const group = random.int(GROUPS);
  const own = 1 + random.int(5 * BLOCK_SIZE);
  return Array.from({ length: SHARED_TOKENS + own }, (_, i) =>
    i < SHARED_TOKENS ? 1_000 + group * SHARED_TOKENS + i : 10_000 + index * 100 + i,
  );
}

function eventsIn(path: string): HostEvent[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as HostEvent);
}
