/**
 * One script for the gateway and the simulator: requests that arrive, are held, computed, refused and
 * handed on, workers that die and come back, clients that leave. Drawn by seed; both hosts play it
 * through stand-ins for their workers, and write down what each request went through.
 */
import {
  HOLD,
  randomStream,
  type RandomStream,
  type RouteRequest,
  type RoutingPolicy,
} from "dynbench";
import type { WorkerRole } from "../../../core/contract/request.ts";
import type { WorkerDown } from "../../../core/contract/plan.ts";

/** What a worker does with a request. Times from its arrival there; undefined: never. */
export type Outcome =
  | { readonly kind: "refused" }
  | { readonly kind: "served"; readonly firstNs?: number; readonly endNs?: number };

export interface Script {
  readonly seed: number;
  readonly workers: readonly { readonly id: string; readonly role: WorkerRole }[];
  /** In order of arrival. */
  readonly arrivalsNs: readonly number[];
  readonly timeoutNs: number;
  readonly downs: readonly WorkerDown[];
  /** Of the request's n-th time at a worker of that role. */
  outcome(request: number, role: WorkerRole, nth: number): Outcome;
  /** Fresh for each host. */
  policy(log: Log): RoutingPolicy;
}

/** What each request went through, in order, and how its client saw it end. */
export class Log {
  readonly #steps: string[][];
  readonly #answers: string[];

  constructor({ arrivalsNs }: Script) {
    this.#steps = arrivalsNs.map(() => []);
    this.#answers = arrivalsNs.map(() => "no answer");
  }

  /** By request: `400: booked aggregated at 0, sent to 0, ended aggregated at 0`. */
  get lives(): string[] {
    return this.#answers.map((answer, i) => `${answer}: ${this.#steps[i]!.join(", ")}`);
  }

  step(request: number, step: string): void {
    this.#steps[request]!.push(step);
  }

  /**
   * KV was released at the worker. Where an error is the cause the simulator does so a moment later, by
   * an event of its own, so that nothing runs inside a worker's step; here it stands before the end.
   */
  released(request: number, worker: number): void {
    const steps = this.#steps[request]!;
    const isAfterEnd = steps.at(-1)?.startsWith("ended decode") === true;
    steps.splice(isAfterEnd ? steps.length - 1 : steps.length, 0, `released at ${worker}`);
  }

  /** `whole`, `left`, `broke off`, or the status of an error. */
  answered(request: number, answer: string): void {
    this.#answers[request] = answer;
  }
}

/** No request comes to workers of one role more often: two tries in each of two stages. */
const MAX_VISITS = 8;

export function scriptOf(seed: number): Script {
  const random = randomStream(seed, "lives");
  const workers = workersOf(random);
  const count = 2 + random.int(12);
  const arrivalsNs: number[] = [];
  for (let atNs = 0; arrivalsNs.length < count; atNs += drawNs(random, 0.05)) arrivalsNs.push(atNs);
  const roles = [...new Set(workers.map(({ role }) => role))];
  const kinds = random.split("outcomes");
  const outcomes = arrivalsNs.map(
    () =>
      new Map(
        roles.map((role) => [role, Array.from({ length: MAX_VISITS }, () => outcomeOf(kinds))]),
      ),
  );
  return {
    seed,
    workers,
    arrivalsNs,
    timeoutNs: 700_000_001,
    downs: downsOf(random.split("downs"), workers.length),
    outcome: (request, role, nth) => outcomes[request]!.get(role)![nth]!,
    policy: policyOf(random.split("policy")),
  };
}

/** Odd enough that no two events meet by chance. */
function drawNs(random: RandomStream, meanS: number): number {
  return 1 + Math.round(random.exponential(meanS) * 1e9);
}

function workersOf(random: RandomStream): Script["workers"] {
  const named = (role: WorkerRole, count: number): Script["workers"] =>
    Array.from({ length: count }, (_, i) => ({ id: `${role}-${i}`, role }));
  if (random.next() < 0.4) return named("aggregated", 1 + random.int(4));
  return [...named("prefill", 1 + random.int(3)), ...named("decode", 1 + random.int(3))];
}

function outcomeOf(random: RandomStream): Outcome {
  const kind = random.next();
  if (kind < 0.08) return { kind: "refused" };
  if (kind < 0.16) return { kind: "served" };
  const firstNs = drawNs(random, 0.1);
  if (kind < 0.22) return { kind: "served", firstNs };
  return { kind: "served", firstNs, endNs: firstNs + drawNs(random, 0.1) };
}

function downsOf(random: RandomStream, workers: number): WorkerDown[] {
  return Array.from({ length: random.int(8) }, () => {
    const fromS = drawNs(random, 0.3) / 1e9;
    const back = random.next() < 0.8 ? { toS: fromS + drawNs(random, 0.1) / 1e9 } : {};
    return { worker: random.int(workers), fromS, ...back };
  });
}

/** Holds requests back where workers have enough, and throws now and then. */
function policyOf(random: RandomStream): Script["policy"] {
  const limit = random.next() < 0.5 ? Infinity : 1 + random.int(2);
  const salt = random.int(1000);
  const failing = new Set(Array.from({ length: random.int(3) }, () => random.int(30)));
  const written = ({ stage }: RouteRequest, candidate: number, what: string): string =>
    `${what} ${stage} at ${candidate}`;
  return (log) => ({
    reads: [],
    pick({ id, stage }, { eligible, requests }) {
      const number = 2 * id + (stage === "decode" ? 1 : 0);
      if (failing.has(number)) throw new Error("no idea");
      const picked = eligible[(number * salt) % eligible.length]!;
      return requests[picked]! >= limit ? HOLD : picked;
    },
    dispatched: (request, candidate) => log.step(request.id, written(request, candidate, "booked")),
    firstToken: (request, candidate) =>
      log.step(request.id, written(request, candidate, "first token")),
    ended: (request, candidate) => log.step(request.id, written(request, candidate, "ended")),
  });
}
