/**
 * When a file of results may be written again while a run goes on. Writing it costs what the run is
 * long, so in a long sweep it is not written after every cell: all versions before the last one take
 * a second, and from then on a fiftieth of the run's time. The run folder has each cell at once.
 */

const FREE_MS = 1000;
const SHARE = 1 / 50;

/** Writes if it is time to, and returns whether it was. */
export type Rewriting = (write: () => Promise<void>) => Promise<boolean>;

export function rewriting(now: () => number = () => performance.now()): Rewriting {
  const startMs = now();
  let spentMs = 0;
  return async (write) => {
    const beginMs = now();
    if (spentMs > FREE_MS + SHARE * (beginMs - startMs)) return false;
    try {
      await write();
    } finally {
      spentMs += now() - beginMs;
    }
    return true;
  };
}
