/**
 * The order in which arms are measured. A machine drifts and a neighbour wakes up, so no arm may stand
 * more often before the others than after them.
 *
 * Orders are those of Williams' designs, in which each arm stands in each place equally often and
 * follows each other arm equally often: n orders for an even number of arms, 2n for an odd one
 * (Williams, "Experimental designs balanced for the estimation of residual effects of treatments",
 * Australian Journal of Scientific Research A 2(2), 1949). They come in pairs of an order and its
 * reverse, because a run is mostly shorter than the whole design: after each pair every arm has been
 * as often first as last, and its places have the same mean, so that a steady drift favours none.
 */

export interface Turn {
  readonly point: number;
  readonly repeat: number;
  /** In the order in which they run. */
  readonly arms: readonly number[];
}

/**
 * For each repeat and each point all arms. The repeats of a point go through the pairs of orders; the
 * point beside it begins with the other order of a pair, which balances an odd number of repeats.
 * Every other repeat visits the points backwards: a drift favours no point either, and a turn mostly
 * begins with the arm that the one before ended with, whose router then stays up.
 */
export function balancedTurns(
  arms: readonly number[],
  pointCount: number,
  repeats: number,
): Turn[] {
  const pairs = orderPairs(arms.length);
  const turns: Turn[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (let i = 0; i < pointCount; i += 1) {
      const point = repeat % 2 === 0 ? i : pointCount - 1 - i;
      const pair = pairs[(Math.floor(repeat / 2) + Math.floor(point / 2)) % pairs.length]!;
      const order = pair[(repeat + point) % 2]!;
      turns.push({ point, repeat, arms: order.map((place) => arms[place]!) });
    }
  }
  return turns;
}

/**
 * Williams' orders of n arms, each with its reverse: all n of them for an even n, all 2n for an odd one.
 * Arms are numbered so that the first order is 0, 1, 2, …
 */
export function orderPairs(n: number): (readonly [readonly number[], readonly number[]])[] {
  // 0, 1, n − 1, 2, n − 2, …: neighbours differ by 1, −2, 3, −4, …, each difference once.
  const first = Array.from({ length: n }, (_, i) => (i % 2 === 1 ? (i + 1) / 2 : (n - i / 2) % n));
  // For an even n the reverse of an order is the order n / 2 further on.
  const count = n % 2 === 0 ? n / 2 : n;
  return Array.from({ length: count }, (_, shift) => {
    const order = first.map((treatment) => first.indexOf((treatment + shift) % n));
    return [order, order.toReversed()] as const;
  });
}
