/**
 * Time scales. A sped-up engine is measured and reported in wall time. Beside an engine of another
 * speed, its times are multiplied so that both are in the time of the modelled hardware. Figures of
 * the load generator itself stay in wall time.
 */
import { given } from "../base/given.ts";
import type {
  CellResult,
  CellSummary,
  CellMetrics,
  Interval,
  Quantiles,
  TierSummary,
} from "../contract/result.ts";

/** The same cell in the time of the hardware that its engine models. */
export function inModelTime(result: CellResult): CellResult {
  const { summary, points, series } = result;
  const scale = summary.timeScale;
  if (scale === 1) return result;
  const longer = (values: readonly number[]): number[] => values.map((value) => value * scale);
  return {
    ...result,
    summary: {
      ...summary,
      timeScale: 1,
      timesMultipliedBy: scale,
      durationS: summary.durationS * scale,
      metrics: metricsInModelTime(summary.metrics, scale),
      ...given({ tiers: summary.tiers?.map((tier) => tierInModelTime(tier, scale)) }),
    },
    points: {
      ...points,
      sentS: longer(points.sentS),
      ttftMs: longer(points.ttftMs),
      tpotMs: longer(points.tpotMs),
      e2eMs: longer(points.e2eMs),
      itlMsMean: longer(points.itlMsMean),
    },
    series: {
      ...series,
      inFlight: { ...series.inFlight, timeS: longer(series.inFlight.timeS) },
    },
  };
}

/** A clause for each time scale among the cells; none where all times are those of the modelled hardware. */
export function timeScaleNotes(cells: readonly CellSummary[]): string[] {
  const kinds = Map.groupBy(cells, (cell) => scaleClause(cell));
  return [...kinds].flatMap(([clause, same]) => {
    if (clause === "") return [];
    const arms = [...new Set(same.map(({ arm }) => arm))].join(", ");
    return [kinds.size === 1 ? clause : `${arms}: ${clause}`];
  });
}

function scaleClause({ timeScale, timesMultipliedBy }: CellSummary): string {
  if (timesMultipliedBy !== undefined) {
    return `measured with the engine ${timesMultipliedBy}× faster than the hardware it models, times shown × ${timesMultipliedBy}`;
  }
  return timeScale === 1
    ? ""
    : `the engine runs ${timeScale}× faster than the hardware it models, times as measured`;
}

function tierInModelTime(tier: TierSummary, scale: number): TierSummary {
  const interval = ({ value, low, high }: Interval): Interval => ({
    value: value * scale,
    low: low * scale,
    high: high * scale,
  });
  return {
    ...tier,
    ...timesInModelTime(tier, scale),
    ...given({
      ttftMeanMs: tier.ttftMeanMs && interval(tier.ttftMeanMs),
      e2eMeanMs: tier.e2eMeanMs && interval(tier.e2eMeanMs),
      tokensPerS: tier.tokensPerS && tier.tokensPerS / scale,
    }),
  };
}

const MS_KEYS = ["ttftMs", "itlMs", "tpotMs", "e2eMs"] as const;

function metricsInModelTime(metrics: CellMetrics, scale: number): CellMetrics {
  return {
    ...metrics,
    ...timesInModelTime(metrics, scale),
    requestRps: metrics.requestRps / scale,
    inputTps: metrics.inputTps / scale,
    outputTps: metrics.outputTps / scale,
  };
}

type Times = Partial<Record<(typeof MS_KEYS)[number], Quantiles>>;

function timesInModelTime(times: Times, scale: number): Times {
  return Object.fromEntries(
    MS_KEYS.flatMap((key) => {
      const quantiles = times[key];
      return quantiles === undefined ? [] : [[key, longerQuantiles(quantiles, scale)] as const];
    }),
  );
}

function longerQuantiles({ n, ...values }: Quantiles, scale: number): Quantiles {
  const longer = Object.entries(values).map(([key, value]) => [key, value * scale]);
  return { n, ...Object.fromEntries(longer) } as Quantiles;
}
