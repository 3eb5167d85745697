/**
 * The smallest whole number at which something holds, found with few looks: the distance doubles until
 * it holds, and then halves. Looks are noisy near the edge, so both sides of it are looked at closely.
 */

export interface EdgeOptions<Look> {
  readonly first: number;
  readonly least: number;
  readonly most: number;
  /** `isClose`: with as much care as is allowed. A close look replaces a quick one. */
  look(at: number, isClose: boolean): Promise<Look>;
  holds(look: Look): boolean;
}

export interface Edge<Look> {
  /** Undefined where nothing up to `most` holds. */
  readonly least: number | undefined;
  /** Every number that was looked at, in ascending order, with its last look. */
  readonly looks: ReadonlyMap<number, Look>;
  /** Numbers above the edge at which it does not hold. */
  readonly failsAbove: readonly number[];
}

export async function findEdge<Look>(options: EdgeOptions<Look>): Promise<Edge<Look>> {
  const { first, least, most } = options;
  const looks = new Map<number, Look>();
  const close = new Set<number>();
  const holdsAt = async (at: number, isClose = false): Promise<boolean> => {
    if (!looks.has(at) || (isClose && !close.has(at))) {
      looks.set(at, await options.look(at, isClose));
      if (isClose) close.add(at);
    }
    return options.holds(looks.get(at)!);
  };
  let [fails, holds] = await bracket({ first, least, most, holdsAt });
  while (holds !== undefined) {
    while (holds - fails > 1) {
      const middle: number = fails + Math.floor((holds - fails) / 2);
      if (await holdsAt(middle)) holds = middle;
      else fails = middle;
    }
    // A close look may show another side.
    if (!(await holdsAt(holds, true))) [fails, holds] = [holds, next(holds, most)];
    else if (fails >= least && (await holdsAt(fails, true))) [fails, holds] = [fails - 1, fails];
    else break;
  }
  if (holds !== undefined && holds < most) await holdsAt(holds + 1, true);
  const sorted = new Map([...looks].sort(([a], [b]) => a - b));
  const above = [...sorted].filter(([at, look]) => at > (holds ?? most) && !options.holds(look));
  return { least: holds, looks: sorted, failsAbove: above.map(([at]) => at) };
}

/** One number at which it fails, or the one below the least, and one at which it holds. */
async function bracket(of: {
  first: number;
  least: number;
  most: number;
  holdsAt(at: number): Promise<boolean>;
}): Promise<[number, number | undefined]> {
  const { first, least, most, holdsAt } = of;
  let step = 1;
  if (await holdsAt(first)) {
    let holds = first;
    for (; holds > least; step *= 2) {
      const lower = Math.max(least, first - step);
      if (!(await holdsAt(lower))) return [lower, holds];
      holds = lower;
    }
    return [least - 1, holds];
  }
  let fails = first;
  for (; fails < most; step *= 2) {
    const higher = Math.min(most, first + step);
    if (await holdsAt(higher)) return [fails, higher];
    fails = higher;
  }
  return [fails, undefined];
}

function next(at: number, most: number): number | undefined {
  return at < most ? at + 1 : undefined;
}
