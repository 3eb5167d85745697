/**
 * A cell of a run as a trace: the requests that were drawn, at the times when they were sent, with
 * the outputs that came. Sharing is exact, because the prompts are known and not only their lengths.
 */
import { given } from "../base/given.ts";
import { SegmentBlocks } from "../routing/kv/segment-blocks.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { RequestSpec } from "../contract/request.ts";
import { BlockNames } from "./block-names.ts";
import type { TraceRow } from "./trace-row.ts";

/**
 * One row for each measured request that was answered, in the order of sending. `requests` are those
 * of the cell, `records` those of its finished requests.
 */
export function recordedRows(
  requests: ReadonlyMap<number, RequestSpec>,
  records: readonly RequestRecord[],
  blockSize: number,
): TraceRow[] {
  const blocks = new SegmentBlocks(blockSize);
  const names = new BlockNames();
  const sent = records
    .filter(({ phase, state, osl }) => phase === "measured" && state === "ok" && osl > 0)
    .map((record) => ({ record, atNs: record.startNs ?? record.intendedNs }))
    .toSorted((a, b) => a.atNs - b.atNs);
  const firstNs = sent[0]?.atNs ?? 0;
  return sent.map(({ record, atNs }) => {
    const { prompt, isl } = requests.get(record.index)!;
    const full = Array.from(blocks.blocksOf(prompt, isl), (id) => `block ${id}`);
    // Where a prompt ends inside a block, what the next token would follow names the partial one.
    const partial = isl % blockSize === 0 ? [] : [`end ${blocks.end}`];
    return {
      atMs: (atNs - firstNs) / 1e6,
      isl,
      osl: record.osl,
      blocks: names.ofChained([...full, ...partial]),
      ...given({ session: record.session }),
    };
  });
}
