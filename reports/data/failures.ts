/** Failed requests of all cells, by kind and the server's message. Pure. */
import type { CellSummary } from "../../core/contract/result.ts";

export interface Failures {
  /** Most frequent first. */
  groups: { kind: string; message: string; count: number }[];
  /** In flight when the load was stopped: we broke them off, and the server did nothing wrong. */
  stopped: number;
}

const GROUPS_MOST = 20;

export function failuresOf(cells: readonly CellSummary[]): Failures {
  const groups = new Map<string, Failures["groups"][number]>();
  let stopped = 0;
  for (const { kind, message, status, url, count } of cells.flatMap(({ errors }) => errors)) {
    if (kind === "aborted") {
      stopped += count;
      continue;
    }
    const what = status === undefined || status === 200 ? kind : `${kind} ${status}`;
    const label = url === undefined ? what : `${what} at ${url}`;
    const key = JSON.stringify([label, message]);
    const group = groups.get(key) ?? { kind: label, message, count: 0 };
    group.count += count;
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  return { groups: sorted.slice(0, GROUPS_MOST), stopped };
}
