/**
 * Options of the virtual clock: what a live system has and a simulation would forget. All are zero
 * unless asked for, so that a simulation shows what routing alone does.
 */
import { given } from "../base/given.ts";
import * as v from "valibot";
import type { SimSettings, WorkerDown } from "../contract/plan.ts";
import type { Fault } from "../base/errors.ts";

/** A minute late is no delay but a broken system. */
const MAX_DELAY_MS = 60_000;

const delay = (description: string) =>
  v.optional(
    v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_DELAY_MS), v.description(description)),
    0,
  );

export const SimOptions = v.strictObject({
  eventDelayMs: delay("Virtual clock: from a change of a worker's cache until the routers know"),
  loadDelayMs: delay(
    "Virtual clock: from a first token or an end at a worker until the routers know",
  ),
  routingMs: delay("Virtual clock: what a router adds to each request before its worker has it"),
  networkMs: delay("Virtual clock: from the client to the router, and from the worker back"),
  networkJitterMs: delay(
    "Virtual clock: mean of an exponential time on the wire on top, drawn for each request",
  ),
  replicaSync: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Virtual clock: router replicas know of each other's requests in flight"),
    ),
    false,
  ),
  decisions: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Virtual clock: write decisions.jsonl, as a live run does; slower"),
    ),
    false,
  ),
  workerDown: v.optional(
    v.pipe(
      v.array(v.string()),
      v.metadata({ verbatim: true }),
      v.description(
        "Virtual clock: a worker that dies and comes back empty, NUMBER@FROM-TO in seconds; " +
          "without TO it stays away",
      ),
    ),
    [],
  ),
});

/** Nothing known of a live system's delays. */
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

/** The options as a plan keeps them. */
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
