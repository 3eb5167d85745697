/**
 * The load in slices: some to tune on, and others to judge on what was found. Of a workload that draws
 * its requests each slice is another seed. A recorded one is cut by time, and what is judged on comes
 * after what is tuned on.
 */
import { deriveSeed } from "../base/random.ts";
import { PlanFaults } from "../base/errors.ts";
import type { PlannedCell } from "../contract/plan.ts";
import type { Workload } from "../contract/workload.ts";
import { drawRequests, readRows } from "../workload/draw.ts";

export interface Slices {
  readonly tune: readonly PlannedCell[];
  readonly judge: readonly PlannedCell[];
  /** Of a recorded load: the part of its time that is tuned on, in seconds of the record. */
  readonly cutS?: number;
}

/** Part of a record that is tuned on. */
const TUNED_ON = 0.6;
/** Fewer requests in a slice are mostly one burst. */
const REQUESTS_A_SLICE = 50;
/** As many requests are compared to see whether another seed draws others. */
const COMPARED = 20;

/** `counts`: as many slices of each kind as are wanted; a short record has fewer. */
export async function slicesOf(
  cell: PlannedCell,
  workload: Workload,
  { counts, signal }: { counts: { tune: number; judge: number }; signal: AbortSignal },
): Promise<Slices> {
  const rows = await readRows(cell, workload, signal);
  const [one, other] = [cell, { ...cell, seed: deriveSeed(cell.seed, "other") }];
  const heads = [
    await firstRequests(one, workload, rows),
    await firstRequests(other, workload, rows),
  ];
  if (!Bun.deepEquals(heads[0], heads[1])) return slicesBySeed(cell, counts);
  return slicesByTime(cell, await timesOf(cell, workload, rows), counts);
}

function slicesBySeed(cell: PlannedCell, counts: { tune: number; judge: number }): Slices {
  const cells = (kind: "tune" | "judge"): PlannedCell[] =>
    Array.from({ length: counts[kind] }, (_, repeat) => ({
      ...cell,
      repeat,
      id: `${kind}-${repeat}`,
      seed: deriveSeed(cell.seed, kind, repeat),
    }));
  return { tune: cells("tune"), judge: cells("judge") };
}

/** `timesS`: of the record's rows, seconds of the record, ascending. Pure. */
export function slicesByTime(
  cell: PlannedCell,
  timesS: readonly number[],
  counts: { tune: number; judge: number },
): Slices {
  const { options } = cell.workload;
  const isCuttable = "from" in options && timesS.length >= 4 * REQUESTS_A_SLICE;
  if (!isCuttable) {
    throw new PlanFaults([
      {
        path: `workload.${cell.workload.name}`,
        message: `has ${timesS.length} requests that are always the same: too few to tune on some and judge on others`,
        hint: `Take a record of at least ${4 * REQUESTS_A_SLICE} requests with times, or a workload that draws them`,
      },
    ]);
  }
  const cut = Math.floor(TUNED_ON * timesS.length);
  const windows = (kind: "tune" | "judge", first: number, end: number): PlannedCell[] => {
    const most = Math.max(1, Math.floor((end - first) / REQUESTS_A_SLICE));
    const count = Math.min(counts[kind], most);
    const at = (i: number): number => first + Math.floor((i * (end - first)) / count);
    return Array.from({ length: count }, (_, repeat): PlannedCell => {
      const isLast = at(repeat + 1) === timesS.length;
      const window = {
        from: timesS[at(repeat)]!,
        ...(isLast ? {} : { to: timesS[at(repeat + 1)] }),
      };
      const { requests: _all, ...load } = cell.load;
      return {
        ...cell,
        repeat,
        id: `${kind}-${repeat}`,
        seed: deriveSeed(cell.seed, kind, repeat),
        workload: { ...cell.workload, options: { ...options, ...window } },
        load: isLast ? { ...load, requests: timesS.length - at(repeat) } : load,
      };
    });
  };
  return {
    tune: windows("tune", 0, cut),
    judge: windows("judge", cut, timesS.length),
    cutS: timesS[cut]!,
  };
}

async function firstRequests(cell: PlannedCell, workload: Workload, rows: unknown) {
  const first = [];
  for await (const request of drawRequests(cell, workload, rows)) {
    first.push(request);
    if (first.length === COMPARED) break;
  }
  return first;
}

/** Seconds of the record at which its rows stand, from where the cell begins. */
async function timesOf(cell: PlannedCell, workload: Workload, rows: unknown): Promise<number[]> {
  const { from = 0, arrivalSpeedup = 1 } = cell.workload.options as Record<string, number>;
  const times: number[] = [];
  for await (const { atNs } of drawRequests(cell, workload, rows)) {
    if (atNs === undefined) return [];
    times.push(from + (atNs / 1e9) * arrivalSpeedup);
  }
  return times;
}
