/**
 * What smg, sglang-router and vllm-router share: they come from one program and have most flags in
 * common. Retries and circuit breaker are off unless asked for, because they hide faults of workers.
 */
import { DynbenchError, given, v } from "dynbench";
import {
  fetchControl,
  urlHost,
  type EngineHandle,
  type RouterHandle,
  type StartContext,
} from "dynbench/engine";
import { factorOption, share, whole } from "../option-shapes.ts";
import { programPorts, startProgram, type ProgramNeed, type ProgramPorts } from "./program.ts";

const MAX_COUNT = 2 ** 31 - 1;
/** A number of things, tuned up to `most`. */
export const countOption = (preset: number, most: number, description: string) =>
  v.pipe(
    v.optional(whole(0, MAX_COUNT), preset),
    v.description(description),
    v.metadata({ tune: { from: 1, to: most, scale: "log" } }),
  );
export const switchOption = (description: string) =>
  v.pipe(v.optional(v.boolean(), false), v.description(description));

/** Defaults are the programs' own. */
export const rustOptions = {
  cacheThreshold: v.pipe(
    v.optional(share, 0.3),
    v.description("cache_aware: share of the prompt that must match to follow the cache"),
    v.metadata({ tune: { from: 0, to: 1, scale: "linear" } }),
  ),
  balanceAbsThreshold: countOption(
    64,
    256,
    "cache_aware: difference of requests in flight from which it balances",
  ),
  balanceRelThreshold: factorOption(
    1.5,
    "cache_aware: ratio of requests in flight from which it balances; both must be exceeded",
  ),
  retries: switchOption("Let it retry failed requests"),
  circuitBreaker: switchOption("Let it leave out workers that fail"),
};

/** Of smg and sglang-router, with their policy `manual`. */
export const assignmentModeOption = v.pipe(
  v.optional(v.picklist(["random", "min_load", "min_group"]), "random"),
  v.description("manual: how it chooses the worker of a new key"),
);

export interface RustSettings {
  readonly policy: string;
  readonly cacheThreshold: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
  readonly retries: boolean;
  readonly circuitBreaker: boolean;
}

/** Where a router listens, and the URLs of its workers. */
export interface RustPlace {
  readonly host: string;
  readonly ports: ProgramPorts;
  readonly workers: readonly string[];
}

/** As a plan shows it. */
export const PLANNED: RustPlace = {
  host: "127.0.0.1",
  ports: { http: 0, metrics: 0 },
  workers: ["WORKERS"],
};

export interface RustRouter {
  readonly need: ProgramNeed;
  readonly command: string;
  readonly settings: Pick<RustSettings, "retries" | "circuitBreaker">;
  argv(at: RustPlace): string[];
  /** Another condition for being ready, beside all workers being in it. */
  isUp?(url: string): Promise<unknown>;
  /** The requests for which it found a cached beginning, from its metrics at that URL. */
  prefixesFound?(metricsUrl: string): Promise<number>;
  /** Added to the facts about retries and circuit breaker, or in their place. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export function startRustRouter(
  router: RustRouter,
  engine: EngineHandle,
  context: StartContext,
): Promise<RouterHandle> {
  const { need, command, settings, prefixesFound } = router;
  const { host } = context;
  const ports = programPorts(need.command, context);
  const metricsUrl = `http://${urlHost(host)}:${ports.metrics}/metrics`;
  return startProgram(
    {
      need,
      command,
      version: { distribution: need.command },
      argv: router.argv({ host, ports, workers: engine.workers.map(({ url }) => url) }),
      ports,
      metricsUrl,
      isUp: async (url) => {
        await allWorkersIn(url, engine);
        await router.isUp?.(url);
      },
      ...given({ prefixesFound: prefixesFound && (() => prefixesFound(metricsUrl)) }),
      facts: {
        retries: settings.retries,
        circuitBreaker: settings.circuitBreaker,
        ...router.facts,
      },
    },
    context,
  );
}

/** The flags that all three know. Both listeners get the host: two of them bind every address else. */
export function rustFlags(settings: RustSettings, at: RustPlace): string[] {
  const { policy, retries, circuitBreaker } = settings;
  return [
    ...["--host", at.host, "--port", String(at.ports.http)],
    ...["--prometheus-host", at.host, "--prometheus-port", String(at.ports.metrics)],
    ...["--worker-urls", ...at.workers, "--policy", policy],
    ...(policy === "cache_aware" ? cacheFlags(settings) : []),
    ...(retries ? [] : ["--disable-retries"]),
    ...(circuitBreaker ? [] : ["--disable-circuit-breaker"]),
    ...["--worker-startup-check-interval", "1"],
  ];
}

function cacheFlags(settings: RustSettings): string[] {
  return [
    ...["--cache-threshold", String(settings.cacheThreshold)],
    ...["--balance-abs-threshold", String(settings.balanceAbsThreshold)],
    ...["--balance-rel-threshold", String(settings.balanceRelThreshold)],
  ];
}

const Readiness = v.object({ healthy_workers: v.number() });

/** It reports ready as soon as it has some of the workers, so they are counted. */
export async function allWorkersIn(url: string, engine: EngineHandle): Promise<void> {
  const text = await fetchControl(`${url}/readiness`);
  const { healthy_workers: count } = v.parse(Readiness, JSON.parse(text));
  if (count === engine.workers.length) return;
  throw new DynbenchError(
    "start",
    `It has ${count} of ${engine.workers.length} workers; each must answer GET /health`,
  );
}
