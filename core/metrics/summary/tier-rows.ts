/** Figures of each tier of one arm at one setting, over its repeats: for tables and charts. */
import { given } from "../../base/given.ts";
import { REPEATS_FOR_T, tInterval } from "../../statistics/mean-interval.ts";
import type { CellSummary, TierSummary } from "../../contract/result.ts";

/** A mean, with its 95 % interval where there is one: over repeats, or within the only run. */
export interface TierFigure {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface TierRow {
  readonly name: string;
  readonly priority?: number;
  /** Over all repeats; `failed` includes requests that were never sent. */
  readonly requests: { readonly ok: number; readonly failed: number };
  /** Means over the requests. */
  readonly ttftMs?: TierFigure;
  readonly e2eMs?: TierFigure;
  /** Means over the repeats. */
  readonly ttftP99Ms?: number;
  readonly sloShare?: number;
  readonly cachedShare?: number;
  readonly tokensPerS?: number;
}

/** In the order of the load's tiers; none where it has none. */
export function tierRows(repeats: readonly CellSummary[]): TierRow[] {
  const names = repeats.find(({ tiers }) => tiers !== undefined)?.tiers ?? [];
  return names.map(({ name, priority }, i): TierRow => {
    const tiers = repeats.flatMap((cell) => cell.tiers?.[i] ?? []);
    const sum = (of: (tier: TierSummary) => number): number =>
      tiers.reduce((total, tier) => total + of(tier), 0);
    const figures = {
      ttftMs: figureOf(tiers, { mean: (tier) => tier.ttftMs?.mean, own: (t) => t.ttftMeanMs }),
      e2eMs: figureOf(tiers, { mean: (tier) => tier.e2eMs?.mean, own: (t) => t.e2eMeanMs }),
      ttftP99Ms: meanOf(tiers, (tier) => tier.ttftMs?.p99),
      sloShare: meanOf(tiers, (tier) => tier.sloShare),
      cachedShare: meanOf(tiers, (tier) => tier.cachedShare),
      tokensPerS: meanOf(tiers, (tier) => tier.tokensPerS),
    };
    const known = Object.entries(figures).filter(([, value]) => value !== undefined);
    return {
      name,
      ...given({ priority }),
      requests: {
        ok: sum(({ requests }) => requests.ok),
        failed: sum(({ requests }) => requests.failed + requests.dropped),
      },
      ...Object.fromEntries(known),
    };
  });
}

/** Of the tiers' mean TTFT, over the repeats: max / min, and Jain's index. */
export function meanFairness(
  repeats: readonly CellSummary[],
): { readonly maxOverMin: number; readonly jain: number } | undefined {
  const maxOverMin = meanOf(repeats, ({ fairness }) => fairness?.ttft.maxOverMin);
  const jain = meanOf(repeats, ({ fairness }) => fairness?.ttft.jain);
  return maxOverMin === undefined || jain === undefined ? undefined : { maxOverMin, jain };
}

function figureOf(
  tiers: readonly TierSummary[],
  of: {
    mean: (tier: TierSummary) => number | undefined;
    own: (tier: TierSummary) => TierFigure | undefined;
  },
): TierFigure | undefined {
  const means = tiers.map(of.mean).filter((mean) => mean !== undefined);
  if (means.length === 0) return undefined;
  if (means.length >= REPEATS_FOR_T) return tInterval(means);
  const own = tiers.length === 1 ? of.own(tiers[0]!) : undefined;
  return own ?? { value: means.reduce((sum, mean) => sum + mean, 0) / means.length };
}

/** Mean of the known figures; undefined without any. */
export function meanOf<T>(
  items: readonly T[],
  of: (item: T) => number | undefined,
): number | undefined {
  const known = items.map(of).filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
