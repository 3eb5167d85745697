/**
 * Options of the virtual clock: delays and faults of a live system. All are zero by default, so that a
 * simulation shows the effect of routing alone.
 */
import { given } from "../base/given.ts";
import * as v from "valibot";
import type { SimSettings, WorkerDown } from "../contract/plan.ts";
import type { Fault } from "../base/errors.ts";

/** A system with a delay of more than a minute is broken. */
const MAX_DELAY_MS = 60_000;

const delay = (description: string) =>
  v.optional(
    v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_DELAY_MS), v.description(description)),
    0,
  );

export const SimOptions = v.strictObject({
  eventDelayMs: delay(
    "Virtual clock: ms from a change in a worker's cache until routers know of it",
  ),
  loadDelayMs: delay(
    "Virtual clock: ms from a first token or an end at a worker until routers know of it",
  ),
  routingMs: delay("Virtual clock: ms that a router takes before it sends a request to its worker"),
  networkMs: delay(
    "Virtual clock: network delay in ms from client to router, and from worker to client",
  ),
  networkJitterMs: delay(
    "Virtual clock: mean in ms of an exponential network delay that is added, drawn for each request",
  ),
  replicaSync: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Virtual clock: let router replicas know of each other's requests in flight"),
    ),
    false,
  ),
  decisions: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Virtual clock: write decisions.jsonl, as in a live run; slower"),
    ),
    false,
  ),
  workerDown: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description(
        "Virtual clock: a worker dies and comes back with an empty cache, NUMBER@FROM-TO in seconds; " +
          "without TO it stays dead",
      ),
    ),
    [],
  ),
});

/** No delays and no faults. */
export const NO_DELAYS: SimSettings = {
  eventDelayMs: 0,
  loadDelayMs: 0,
  routingMs: 0,
  networkMs: 0,
  networkJitterMs: 0,
  replicaSync: false,
  decisions: false,
  downs: [],
};

export type SimOptions = v.InferOutput<typeof SimOptions>;

/** The options in the form that a plan holds. */
export function simSettings(options: SimOptions, faults: Fault[]): SimSettings {
  const { workerDown, ...settings } = options;
  const downs = workerDown.flatMap((text) => {
    const down = parseDown(text);
    if (down !== undefined) return down;
    faults.push({
      path: "sim.worker-down",
      message: `expected NUMBER@FROM-TO, got "${text}"`,
      hint: "--worker-down 3@10-25 takes the worker with number 3 away from second 10 to 25",
    });
    return [];
  });
  return { ...settings, downs };
}

function parseDown(text: string): WorkerDown | undefined {
  const match = /^(\d{1,6})@(\d{1,9}(?:\.\d{1,9})?)(?:-(\d{1,9}(?:\.\d{1,9})?))?$/.exec(text);
  if (match === null) return undefined;
  const fromS = Number(match[2]);
  const toS = match[3] === undefined ? undefined : Number(match[3]);
  if (toS !== undefined && toS <= fromS) return undefined;
  return { worker: Number(match[1]), fromS, ...given({ toS }) };
}
