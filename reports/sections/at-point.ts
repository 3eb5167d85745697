/** What the sections show of one setting of the sweep. */
import type { ReportData, ReportGroup } from "../data/data.ts";

/** One group per arm at that point. */
export function groupsAt(data: ReportData, point: number): ReportGroup[] {
  return data.groups.filter((group) => group.point === point).sort((a, b) => a.arm - b.arm);
}

/** ` at prefix ratio 0.5`, or nothing. */
export function where(data: ReportData, point: number): string {
  const label = data.sweep.points[point]?.label ?? "";
  return label === "" ? "" : ` at ${label}`;
}
