/** The requests of one cell of a run folder, as rows of a trace. */
import { runnablePlan } from "./input-files.ts";
import { RunFolder } from "./run-folder.ts";
import { DynbenchError } from "../../base/errors.ts";
import { drawRequests, readRows } from "../../workload/draw.ts";
import type { PlannedCell } from "../../contract/plan.ts";
import { didYouMean } from "../../base/suggest.ts";
import type { Workload } from "../../contract/workload.ts";
import type { Plugins } from "../../contract/plugins.ts";
import type { RequestSpec } from "../../contract/request.ts";
import { recordedRows } from "../../trace/recorded-rows.ts";
import type { TraceRow } from "../../trace/trace-row.ts";

/** Throws where the folder holds no run, or several cells of which none was named. */
export async function recordedTrace(
  path: string,
  options: { cell: string | undefined; blockSize: number; plugins: Plugins },
): Promise<TraceRow[]> {
  const folder = RunFolder.open(path);
  const recorded = new Set(folder.records().map((record) => record.cell));
  const plan = await runnablePlan(folder, options.plugins);
  const run = plan.cells.filter(({ id }) => recorded.has(id));
  const cell = chosenCell(run, { path, name: options.cell });
  const records = [...folder.records().filter((record) => record.cell === cell.id)];
  const workload = (await options.plugins.load(cell.workload)) as Workload;
  const rows = await readRows(cell, workload, new AbortController().signal);
  const served = new Set(records.map(({ index }) => index));
  const requests = new Map<number, RequestSpec>();
  for await (const request of drawRequests(cell, workload, rows)) {
    if (served.has(request.index)) requests.set(request.index, request);
    if (requests.size === served.size) break;
  }
  return recordedRows(requests, records, options.blockSize);
}

function chosenCell(
  cells: readonly PlannedCell[],
  { path, name }: { path: string; name: string | undefined },
): PlannedCell {
  const ids = cells.map(({ id }) => id);
  const found =
    name === undefined && cells.length === 1 ? cells[0] : cells.find(({ id }) => id === name);
  if (found) return found;
  if (cells.length === 0) {
    throw new DynbenchError("plan", `Cannot convert ${path}: no request of it was finished`, {
      hint: `Go on with it: dynbench run --resume ${path}`,
    });
  }
  const guess = name === undefined ? undefined : didYouMean(name, ids);
  throw new DynbenchError(
    "plan",
    name === undefined
      ? `Cannot convert ${path}: it has ${cells.length} cells`
      : `Cannot convert ${path}: it has no cell "${name}"`,
    {
      hint: guess
        ? `Did you mean --cell ${guess}?`
        : `Name one: --cell ${ids[0]}; there are ${ids.join(", ")}`,
    },
  );
}
