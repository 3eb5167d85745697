/** A timing for timelines computed by hand: whole nanoseconds, so that nothing is rounded. */
import type { StepTiming } from "../../../../plugins/engines/mocker/timing.ts";

/** A step takes 100 + 10 per prompt token + 1 per context token of its decoders. */
export function linearTiming(overrides: Partial<StepTiming> = {}): StepTiming {
  return {
    requestCostMs: 0,
    mixedStepNs: ({ prefillTokens, contextTokens }) => 100 + 10 * prefillTokens + contextTokens,
    decodeSteps: (decoders, contextTokens, out) => {
      out.firstNs = 100 + contextTokens;
      out.growthNs = decoders;
      out.growth2Ns = 0;
      out.steps = Infinity;
    },
    ...overrides,
  };
}
