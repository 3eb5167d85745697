/** Steps that need those before them, for tests that may run in any order. */

/**
 * Returns what runs step `i`: the steps before it run first, each of all once, and a failure is that
 * step's alone.
 */
export function inOrder<T>(steps: readonly (() => T | Promise<T>)[]): (i: number) => Promise<T> {
  const results: Promise<T>[] = [];
  const upTo = (i: number): Promise<T> => {
    const run = (): T | Promise<T> => steps[i]!();
    results[i] ??= i === 0 ? Promise.resolve().then(run) : upTo(i - 1).then(run, run);
    return results[i];
  };
  return upTo;
}
