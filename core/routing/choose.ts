/** How policies choose among eligible candidates once each has a number: the least, or at random. */
import { exp } from "../base/portable-math.ts";
import type { RoutingView } from "../contract/routing-policy.ts";

type Choice = Pick<RoutingView, "eligible" | "random">;

/** The eligible candidate with the smallest value; ties are broken uniformly at random. */
export function chooseLeast(view: Choice, values: ArrayLike<number>): number {
  const { eligible, random } = view;
  let best = eligible[0]!;
  let tied = 1;
  for (let i = 1; i < eligible.length; i += 1) {
    const candidate = eligible[i]!;
    const value = values[candidate]!;
    if (value < values[best]!) {
      best = candidate;
      tied = 1;
    } else if (value === values[best]) {
      // Reservoir of one: the k-th of the tied takes the place with probability 1/k.
      tied += 1;
      if (random.int(tied) === 0) best = candidate;
    }
  }
  return best;
}

/**
 * Draws a candidate with p ∝ exp(−((cost − min) / (max − min)) / temperature): costs are normalised
 * by their range, as Dynamo's KV router does. Uniform where all costs are equal. `temperature` > 0.
 */
export function chooseSoftly(view: Choice, costs: ArrayLike<number>, temperature: number): number {
  const { eligible, random } = view;
  let least = Infinity;
  let most = -Infinity;
  for (const candidate of eligible) {
    const cost = costs[candidate]!;
    if (cost < least) least = cost;
    if (cost > most) most = cost;
  }
  const scale = most > least ? (most - least) * temperature : Infinity;
  const cumulative = new Float64Array(eligible.length);
  let sum = 0;
  for (let i = 0; i < eligible.length; i += 1) {
    sum += exp((least - costs[eligible[i]!]!) / scale);
    cumulative[i] = sum;
  }
  const drawn = random.next() * sum;
  for (let i = 0; i < eligible.length; i += 1) if (drawn < cumulative[i]!) return eligible[i]!;
  return eligible[eligible.length - 1]!;
}
