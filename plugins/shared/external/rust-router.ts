/**
 * What smg, sglang-router and vllm-router share: they come from one program and have most flags in
 * common. Retries and circuit breaker are off unless asked for, because they hide faults of workers.
 */
import { DynbenchError, v } from "dynbench";
import { fetchControl, type EngineHandle } from "dynbench/engine";

const MAX_COUNT = 2 ** 31 - 1;
export const countOption = (preset: number, description: string) =>
  v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COUNT)), preset),
    v.description(description),
  );
export const factorOption = (preset: number, description: string) =>
  v.pipe(
    v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(1e6)), preset),
    v.description(description),
  );
export const switchOption = (description: string) =>
  v.pipe(v.optional(v.boolean(), false), v.description(description));

/** Defaults are the programs' own. */
export const rustOptions = {
  cacheThreshold: v.pipe(
    v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.3),
    v.description("cache_aware: share of the prompt that must match to follow the cache"),
  ),
  balanceAbsThreshold: countOption(64, "cache_aware: requests of imbalance it tolerates"),
  balanceRelThreshold: factorOption(1.5, "cache_aware: imbalance it tolerates, as a factor"),
  retries: switchOption("Let it retry failed requests"),
  circuitBreaker: switchOption("Let it leave out workers that fail"),
};

export interface RustSettings {
  readonly policy: string;
  readonly cacheThreshold: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
  readonly retries: boolean;
  readonly circuitBreaker: boolean;
}

/** The flags that all three know. Both listeners get the host: two of them bind every address else. */
export function rustFlags(
  settings: RustSettings,
  at: {
    readonly host: string;
    readonly ports: { readonly http: number; readonly metrics: number };
    readonly workers: readonly string[];
  },
): string[] {
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

/** Ready is said as soon as some workers are in, so they are counted. */
export async function allWorkersIn(url: string, engine: EngineHandle): Promise<void> {
  const text = await fetchControl(`${url}/readiness`);
  const { healthy_workers: count } = v.parse(Readiness, JSON.parse(text));
  if (count === engine.workers.length) return;
  throw new DynbenchError(
    "start",
    `It has ${count} of ${engine.workers.length} workers; each must answer GET /health`,
  );
}

/** A first request: smg says ready before it knows which models the workers serve. */
export async function answersOnce(url: string, engine: EngineHandle): Promise<void> {
  await fetchControl(`${url}/v1/completions`, {
    method: "POST",
    body: { model: engine.servedModelName, prompt: "ready", max_tokens: 1 },
  });
}
