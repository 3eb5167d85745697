/**
 * Quantiles of Student's t for whole degrees of freedom, without tables.
 *
 * P(|T| <= t) is a finite sum in θ = atan(t / √ν) (Abramowitz and Stegun, "Handbook of mathematical
 * functions", 26.7.3 and 26.7.4); θ is found by bisection. Only + − × ÷ √ and our own cosine are
 * used, so results are the same on every platform.
 */
import { cos } from "../base/portable-math.ts";

/** Enough halvings of [0, π/2] to reach neighbouring doubles. */
const HALVINGS = 60;

/** The t with P(|T| <= t) = `confidence`, for `degrees` >= 1 degrees of freedom. */
export function tQuantile(confidence: number, degrees: number): number {
  let low = 0;
  let high = Math.PI / 2;
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < confidence) low = middle;
    else high = middle;
  }
  const cosine = cos(high);
  return (Math.sqrt(degrees) * sine(cosine)) / cosine;
}

/** P(|T| <= √ν · tan θ). */
function centralProbability(theta: number, degrees: number): number {
  const cosine = cos(theta);
  const square = cosine * cosine;
  const odd = degrees % 2 === 1;
  // Odd: cos θ · (1 + 2/3 cos² θ + 2·4/(3·5) cos⁴ θ + …); even: 1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let k = odd ? 3 : 2; k <= degrees; k += 2) {
    sum += term;
    term *= (square * (k - 1)) / k;
  }
  return odd ? (2 / Math.PI) * (theta + sine(cosine) * sum) : sine(cosine) * sum;
}

/** sin θ of cos θ, for θ in [0, π/2]. */
function sine(cosine: number): number {
  return Math.sqrt(Math.max(0, (1 - cosine) * (1 + cosine)));
}
