/**
 * Figures of each tier of a load: latencies, cache hits, and how evenly the tiers were served.
 * Warm-up is left out, and latencies are those of completed requests, as everywhere.
 */
import { given } from "../../base/given.ts";
import type { LoadShape } from "../../contract/plan.ts";
import { randomStream } from "../../base/random.ts";
import type { RequestRecord } from "../../contract/record.ts";
import { bootstrapMean } from "../../statistics/mean-interval.ts";
import { quantilesOf } from "../../statistics/quantiles.ts";
import type { Evenness, Fairness, TierSummary } from "../../contract/result.ts";
import { keptShare, type Latencies } from "./slo.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";

const NS_PER_MS = 1e6;

/** The measured requests of one tier, added one by one. */
export class TierTally {
  readonly counts = { sent: 0, ok: 0, failed: 0, dropped: 0 };
  readonly ttftNs = new WeightedSamples();
  readonly gapsNs = new WeightedSamples();
  readonly tpotNs = new WeightedSamples();
  readonly e2eNs = new WeightedSamples();
  readonly cache = { promptTokens: 0, cachedTokens: 0 };
  /** Completed requests, in the order of their ends. */
  readonly completed: (Latencies & { readonly intendedNs: number })[] = [];
  /** Over completed requests. */
  readonly service = { outputTokens: 0, ns: 0 };

  add(record: RequestRecord): void {
    const { state } = record;
    if (state === "dropped") {
      this.counts.dropped += 1;
      return;
    }
    this.counts.sent += 1;
    if (state === "failed") this.counts.failed += 1;
    if (state === "ok") this.#complete(record);
  }

  #complete(record: RequestRecord): void {
    const { intendedNs, firstTokenNs, lastTokenNs, endNs, osl, cachedTokens } = record;
    this.counts.ok += 1;
    const ttftNs = firstTokenNs === undefined ? NaN : firstTokenNs - intendedNs;
    const tpotNs =
      firstTokenNs === undefined || lastTokenNs === undefined || osl < 2
        ? NaN
        : (lastTokenNs - firstTokenNs) / (osl - 1);
    if (!Number.isNaN(ttftNs)) this.ttftNs.add(ttftNs);
    if (!Number.isNaN(tpotNs)) this.tpotNs.add(tpotNs);
    this.completed.push({
      intendedNs,
      ttftMs: ttftNs / NS_PER_MS,
      tpotMs: tpotNs / NS_PER_MS,
      e2eMs: (endNs - intendedNs) / NS_PER_MS,
    });
    for (const gap of record.gapsNs ?? []) this.gapsNs.add(gap);
    this.e2eNs.add(endNs - intendedNs);
    this.service.outputTokens += osl;
    this.service.ns += endNs - intendedNs;
    if (cachedTokens === undefined) return;
    this.cache.promptTokens += record.promptTokens ?? record.isl;
    this.cache.cachedTokens += cachedTokens;
  }
}

/** Tiers in the order of the load, and their fairness; nothing where the load has no tiers. */
export function tierResults(
  tallies: ReadonlyMap<string, TierTally>,
  load: Pick<LoadShape, "tiers" | "sendPriority" | "slo">,
  seed: number,
): { tiers?: TierSummary[]; fairness?: Fairness } {
  if (load.tiers === undefined) return {};
  const tiers = load.tiers.map(({ name, priority }): TierSummary => {
    const isSent = priority !== undefined && load.sendPriority !== "off";
    return {
      name,
      ...(isSent ? { priority } : {}),
      ...summaryOf(tallies.get(name) ?? new TierTally(), { name, slo: load.slo, seed }),
    };
  });
  const fairness = fairnessOf(tiers);
  return { tiers, ...given({ fairness }) };
}

function summaryOf(
  tally: TierTally,
  { name, slo, seed }: { name: string; slo: LoadShape["slo"]; seed: number },
): Omit<TierSummary, "name"> {
  const { cache, service } = tally;
  const inOrder = tally.completed.toSorted((a, b) => a.intendedNs - b.intendedNs);
  const random = randomStream(seed, "tier", name);
  const meanOf = (key: "ttftMs" | "e2eMs") => {
    const values = inOrder.map((one) => one[key]).filter((value) => !Number.isNaN(value));
    return bootstrapMean(values, random.split(key));
  };
  const figures: { [Key in keyof TierSummary]?: TierSummary[Key] | undefined } = {
    ttftMeanMs: meanOf("ttftMs"),
    e2eMeanMs: meanOf("e2eMs"),
    sloShare: keptShare(inOrder, tally.counts, slo),
    ttftMs: quantilesOf(tally.ttftNs, NS_PER_MS),
    itlMs: quantilesOf(tally.gapsNs, NS_PER_MS),
    tpotMs: quantilesOf(tally.tpotNs, NS_PER_MS),
    e2eMs: quantilesOf(tally.e2eNs, NS_PER_MS),
    cachedShare: cache.promptTokens > 0 ? cache.cachedTokens / cache.promptTokens : undefined,
    tokensPerS: service.ns > 0 ? (service.outputTokens / service.ns) * 1e9 : undefined,
  };
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return { requests: tally.counts, ...Object.fromEntries(known) };
}

function fairnessOf(tiers: readonly TierSummary[]): Fairness | undefined {
  const served = tiers.filter((tier) => tier.ttftMs !== undefined && tier.tokensPerS !== undefined);
  if (served.length < 2) return undefined;
  return {
    ttft: evenness(served.map((tier) => tier.ttftMs!.mean)),
    service: evenness(served.map((tier) => tier.tokensPerS!)),
  };
}

/** Jain's index and max / min of positive amounts. */
function evenness(amounts: readonly number[]): Evenness {
  const sum = amounts.reduce((total, x) => total + x, 0);
  const squares = amounts.reduce((total, x) => total + x * x, 0);
  return {
    jain: (sum * sum) / (amounts.length * squares),
    maxOverMin: Math.max(...amounts) / Math.min(...amounts),
  };
}
