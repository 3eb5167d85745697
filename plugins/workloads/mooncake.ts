/**
 * A trace as it was recorded: requests at its times, with its lengths and exactly its sharing. With
 * one of the multipliers or bounds of lengths new rows are drawn that share like the trace's.
 *
 * Rows are those of the Mooncake traces (FAST'25 release): an id stands for 512 tokens after one
 * history, so a prompt is the list of its ids' contents, at every block size of an engine. The last
 * one may be partial and then shares only the tokens that it has.
 */
import { defineWorkload, DynbenchError, v, type RequestSpec } from "dynbench";
import {
  boundFaults,
  changesRows,
  knobsOf,
  learnTrace,
  SYNTHESIS_ENTRIES,
  synthesizeRows,
  TraceColumns,
  type TraceBatch,
  type TraceModel,
  type TraceRow,
} from "dynbench/trace";
import { whole, within } from "../shared/option-shapes.ts";
import { promptOf, traceFileOptions, traceRows } from "../shared/traces/trace-file.ts";

const MAX_ROWS = 1_000_000_000;

/** Ten years. */
const MAX_S = 320_000_000;

const seconds = within(0, MAX_S);

const options = v.strictObject({
  trace: v.pipe(
    v.string(),
    v.nonEmpty(),
    v.description(
      "Trace file: Mooncake rows or another known format, plain, gzip or zstd; - is standard input",
    ),
    v.metadata({ file: true, aliases: ["input-dataset", "input-file"] }),
  ),
  ...traceFileOptions,
  from: v.pipe(
    v.optional(seconds, 0),
    v.description("Leave out the rows before this time, in seconds since the start of the trace"),
  ),
  to: v.pipe(
    v.optional(seconds),
    v.description("Leave out the rows from this time on, in seconds since the start of the trace"),
  ),
  rows: v.pipe(
    v.optional(whole(1, MAX_ROWS)),
    v.description("Use at most this many rows of the trace"),
  ),
  lenient: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Leave out invalid rows instead of stopping at the first"),
  ),
  synthesize: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      "Draw new rows that share prefixes like those of the trace; each multiplier and length bound below implies it",
    ),
  ),
  ...SYNTHESIS_ENTRIES,
});

type Options = v.InferOutput<typeof options>;

/** A trace to walk again for each cell, or what was learnt of one. */
export type MooncakeRows = { readonly notes: readonly string[] } & (
  | { readonly replay: () => AsyncIterable<TraceBatch> }
  | { readonly model: TraceModel; readonly count: number }
);

export const mooncake = defineWorkload({
  name: "mooncake",
  aliases: ["trace"],
  summary: "A recorded trace: its times, its lengths, its sharing",
  options,
  load: { arrival: "trace" },
  check: (chosen) => [
    ...boundFaults(chosen),
    ...(chosen.to !== undefined && chosen.from >= chosen.to
      ? [
          {
            path: "from",
            message: `${chosen.from} is not before --to, ${chosen.to}`,
            hint: "Swap the two",
          },
        ]
      : []),
  ],
  // Rows that a multiplier draws anew beside the trace's own would differ in more than the multiplier.
  alike: (points) =>
    points.some(changesRows) && !points.some(({ synthesize }) => synthesize)
      ? points.map((point) => ({ ...point, synthesize: true }))
      : points,
  async read(chosen, signal): Promise<MooncakeRows> {
    const isReplay = !chosen.synthesize && !changesRows(chosen);
    const skips: string[] = [];
    let columns: TraceColumns | undefined;
    let silentOn: TraceBatch["silentOn"] = [];
    for await (const batch of chosenRows(chosen, signal, (row) => skips.push(row))) {
      silentOn = batch.silentOn;
      if (isReplay && !chosen.lenient) break; // it is read again for each cell, where a fault is reported
      if (isReplay) continue;
      columns ??= new TraceColumns(batch.blockSize);
      for (const row of batch.rows) columns.add(row);
    }
    const notes = notesOf(skips, silentOn);
    if (isReplay) return { notes, replay: () => chosenRows(chosen, signal) };
    notes.push(
      "New rows are drawn that share prefixes like those of the trace, at every point of a sweep",
    );
    columns ??= new TraceColumns(chosen.traceBlockSize);
    return { notes, model: learnTrace(columns, chosen.trace), count: columns.rows };
  },
  notes: (_chosen, { notes }) => notes,
  requests(chosen, { rows, random, count }) {
    if ("replay" in rows) return replayed(chosen, rows.replay(), count ?? Infinity);
    const amount = { random, count: count ?? rows.count };
    return numbered(synthesizeRows(rows.model, knobsOf(chosen), amount), rows.model.blockSize);
  },
});

function notesOf(skips: readonly string[], silentOn: TraceBatch["silentOn"]): string[] {
  return [
    ...(skips.length === 0
      ? []
      : [
          `${skips.length} ${skips.length === 1 ? "row of the trace was" : "rows of the trace were"} ` +
            `passed over, first ${skips[0]}`,
        ]),
    ...(silentOn.includes("sharing")
      ? ["The trace does not record what its prompts share: each prompt is a different one"]
      : []),
  ];
}

/** The rows between `from` and `to`, timed from `from`, at most `rows` of them; throws where there is none. */
async function* chosenRows(
  chosen: Options,
  signal: AbortSignal,
  skipped: (message: string) => void = () => {},
): AsyncGenerator<TraceBatch> {
  const fromMs = chosen.from * 1000;
  const toMs = (chosen.to ?? Infinity) * 1000;
  let left = chosen.rows ?? Infinity;
  let lastMs: number | undefined;
  let isEmpty = true;
  for await (const batch of traceRows(chosen, signal, chosen.lenient ? skipped : undefined)) {
    const rows = batch.rows
      .filter(({ atMs }) => atMs === undefined || (atMs >= fromMs && atMs < toMs))
      .slice(0, left)
      .map((row) => (row.atMs === undefined ? row : { ...row, atMs: row.atMs - fromMs }));
    if (rows.length > 0) yield { ...batch, rows };
    isEmpty &&= rows.length === 0;
    left -= rows.length;
    lastMs = batch.rows.at(-1)!.atMs;
    if (left === 0 || (lastMs !== undefined && lastMs >= toMs)) break; // times never go back
  }
  if (!isEmpty) return;
  const { trace, from, to } = chosen;
  const until = to === undefined ? "" : ` and before --to ${to}`;
  throw new DynbenchError(
    "plan",
    `Cannot use "${trace}": no row is at --from ${from} or later${until}`,
    {
      hint: `The last row that was read is at ${lastMs! / 1000} s`,
    },
  );
}

async function* replayed(
  chosen: Options,
  batches: AsyncIterable<TraceBatch>,
  count: number,
): AsyncGenerator<RequestSpec> {
  let index = 0;
  const speedup = chosen.arrivalSpeedup;
  for await (const { blockSize, rows } of batches) {
    for (const row of rows) {
      if (index === count) return;
      yield requestOf(row, { index, blockSize, speedup });
      index += 1;
    }
  }
}

function* numbered(rows: Iterable<TraceRow>, blockSize: number): Generator<RequestSpec> {
  let index = 0;
  for (const row of rows) {
    yield requestOf(row, { index, blockSize, speedup: 1 }); // sped up when it was drawn
    index += 1;
  }
}

function requestOf(
  row: TraceRow,
  { index, blockSize, speedup }: { index: number; blockSize: number; speedup: number },
): RequestSpec {
  const { isl, osl, atMs, session, priority } = row;
  return {
    index,
    prompt: promptOf(row, { index, blockSize }),
    isl,
    osl,
    ...(atMs === undefined ? {} : { atNs: Math.round((atMs * 1e6) / speedup) }),
    ...(session === undefined ? {} : { session }),
    ...(priority === undefined ? {} : { priority }),
  };
}
