/**
 * The sessions of a trace: rows with the same `session_id`, in the order of the file. Whether a row
 * holds the new input of its turn (delta, as aiperf and Dynamo since 2026-09 mean it) or the whole
 * prompt (cumulative, as Dynamo's example was before) is found by looking: the blocks of a cumulative
 * row begin with those of the row before.
 */
import { DynbenchError } from "dynbench";
import { type TraceRow } from "dynbench/trace";
import { traceRows } from "../../shared/traces/trace-file.ts";

export interface TracedSessions {
  /** In order of first appearance; rows without a session are sessions of their own. */
  readonly sessions: readonly (readonly TraceRow[])[];
  readonly inputs: "delta" | "cumulative";
  readonly blockSize: number;
  readonly notes: readonly string[];
}

export async function readSessions(
  chosen: {
    readonly trace: string;
    readonly traceFormat: string;
    readonly traceBlockSize: number;
    readonly turnInputs: "auto" | "delta" | "cumulative";
  },
  signal: AbortSignal,
): Promise<TracedSessions> {
  const byName = new Map<string, TraceRow[]>();
  const sessions: TraceRow[][] = [];
  let blockSize = chosen.traceBlockSize;
  for await (const batch of traceRows(chosen, signal)) {
    blockSize = batch.blockSize;
    for (const row of batch.rows) {
      const known = row.session === undefined ? undefined : byName.get(row.session);
      if (known) {
        known.push(row);
        continue;
      }
      const opened = [row];
      sessions.push(opened);
      if (row.session !== undefined) byName.set(row.session, opened);
    }
  }
  const found = turnInputs(sessions, blockSize);
  const inputs = chosen.turnInputs === "auto" ? decided(found, chosen.trace) : chosen.turnInputs;
  const how = chosen.turnInputs === "auto" ? "found by their hash ids" : "as asked for";
  return {
    sessions,
    inputs,
    blockSize,
    notes: [`${sessions.length} sessions, rows are ${inputs} inputs (${how})`],
  };
}

export interface TurnCounts {
  /** Pairs of turns where the later one begins with all full blocks of the earlier one, and where not. */
  readonly continued: number;
  readonly fresh: number;
}

/** Looks at every two turns that follow each other and have blocks to compare. */
export function turnInputs(
  sessions: readonly (readonly TraceRow[])[],
  blockSize: number,
): TurnCounts {
  let continued = 0;
  let fresh = 0;
  for (const rows of sessions) {
    for (let turn = 1; turn < rows.length; turn += 1) {
      const earlier = rows[turn - 1]!;
      const full = Math.floor(earlier.isl / blockSize);
      if (full === 0 || earlier.blocks.length === 0) continue;
      const later = rows[turn]!.blocks;
      const isContinued = earlier.blocks.slice(0, full).every((id, i) => later[i] === id);
      if (isContinued) continued += 1;
      else fresh += 1;
    }
  }
  return { continued, fresh };
}

function decided({ continued, fresh }: TurnCounts, trace: string): "delta" | "cumulative" {
  if (continued === 0) return "delta";
  if (fresh === 0) return "cumulative";
  throw new DynbenchError(
    "plan",
    `Cannot find what the rows of "${trace}" hold: ${continued} turns begin with the prompt before ` +
      `them, ${fresh} do not`,
    { hint: "Choose with --turn-inputs delta or --turn-inputs cumulative" },
  );
}
