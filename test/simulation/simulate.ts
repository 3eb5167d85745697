/** Runs a cell in virtual time for tests: a mocker cluster, a bundled policy, a list of requests. */
import { v, type LoadShape, type RequestSpec } from "dynbench";
import type { PlannedCell, RequestRecord } from "dynbench/report";
import type { SimSettings } from "../../core/contract/plan.ts";
import { CellTally } from "../../core/metrics/tally/cell-tally.ts";
import { NO_DELAYS } from "../../core/plan/sim-options.ts";
import { quantilesOf } from "../../core/statistics/quantiles.ts";
import { WeightedSamples } from "../../core/statistics/weighted-samples.ts";
import type { EngineModel } from "../../core/contract/engine.ts";
import type { Router } from "../../core/contract/router.ts";
import { Simulation } from "../../core/simulate/simulation.ts";
import type { SimOutput } from "../../core/simulate/sim-task.ts";
import { mocker } from "../../plugins/engines/mocker/mocker.ts";
import { BUNDLED } from "../../plugins/bundled.ts";
import type { RoutingPolicy } from "dynbench";

export interface SimulateOptions {
  readonly requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
  readonly engine?: EngineModel;
  /** Options of the mocker, where `engine` is left out. */
  readonly mocker?: Record<string, unknown>;
  /** A policy, or the name of a bundled one. */
  readonly policy: string | (() => RoutingPolicy);
  readonly load: Partial<LoadShape>;
  readonly seed?: number;
  readonly replicas?: number;
  readonly settings?: Partial<SimSettings>;
  readonly output?: Partial<SimOutput>;
}

export function simulationOf(options: SimulateOptions): Simulation {
  const { policy } = options;
  return new Simulation(
    {
      cell: cellOf(options),
      engine: options.engine ?? mockerModel(options.mocker ?? {}),
      policy: typeof policy === "string" ? () => bundledPolicy(policy) : policy,
      policyName: typeof policy === "string" ? policy : "test",
      sendsKey: false,
      requests: options.requests,
      replicas: options.replicas ?? 1,
      settings: { ...NO_DELAYS, ...options.settings },
    },
    { onRecord: () => {}, ...options.output },
  );
}

/** Runs to the end; every record of it in order of their ends. */
export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const records: RequestRecord[] = [];
  const simulation = simulationOf({
    ...options,
    output: {
      ...options.output,
      onRecord: (record) => {
        records.push(record);
        options.output?.onRecord?.(record);
      },
    },
  });
  for (let state = simulation.run(100_000); state !== true; state = simulation.run(100_000)) {
    if (state !== false) await state;
  }
  return { simulation, records, ...figuresOf(simulation, records) };
}

export interface Simulated {
  readonly simulation: Simulation;
  readonly records: RequestRecord[];
  readonly ttftMs: number;
  readonly itlMs: number;
  readonly tpotMs: number;
  readonly e2eMs: number;
  readonly outputTps: number;
  readonly cachedShare: number;
}

/** Means over the completed measured requests. */
function figuresOf(simulation: Simulation, records: readonly RequestRecord[]) {
  const tally = CellTally.of(records);
  const mean = (values: readonly number[]): number =>
    quantilesOf(WeightedSamples.of(values))?.mean ?? NaN;
  return {
    ttftMs: mean(tally.points.ttftMs),
    itlMs: quantilesOf(simulation.gaps, 1e6)?.mean ?? NaN,
    tpotMs: mean(tally.points.tpotMs),
    e2eMs: mean(tally.points.e2eMs),
    outputTps: tally.sums.outputTokens / tally.durationS,
    cachedShare: tally.cache.cachedTokens / tally.cache.promptTokens,
  };
}

export function mockerModel(options: Record<string, unknown>): EngineModel {
  return mocker.model!(v.parse(mocker.options, options));
}

export function bundledPolicy(name: string, options: Record<string, unknown> = {}): RoutingPolicy {
  const router = BUNDLED.find((plugin) => plugin.kind === "router" && plugin.name === name) as
    Router | undefined;
  if (router?.policy === undefined) throw new Error(`No bundled policy is called "${name}"`);
  return router.policy(v.parse(router.options, options));
}

function cellOf({ load, seed = 0 }: SimulateOptions): PlannedCell {
  return {
    id: "cell",
    arm: 0,
    parameters: {},
    repeat: 0,
    seed,
    workload: { kind: "workload", name: "test", source: "bundled", options: {} },
    load: { arrival: "closed", warmup: 0, timeoutS: 86_400, ...load },
  };
}
