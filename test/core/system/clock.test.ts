import { expect, test } from "bun:test";
import { join } from "node:path";

/** Ten times the largest error seen, and far below the differences for which timestamps are compared. */
const TOLERANCE_NS = 10_000;

test("a process's timestamps plus their origin equal the machine's clock", () => {
  // A process of its own, because the wall clock may have been set since this one started.
  const program = join(import.meta.dir, "clock-error.ts");
  const { stdout } = Bun.spawnSync([process.execPath, program]);
  const [earliestNs, latestNs] = JSON.parse(stdout.toString()) as [number, number];
  expect(earliestNs).toBeWithin(-TOLERANCE_NS, TOLERANCE_NS);
  expect(latestNs).toBeWithin(-TOLERANCE_NS, TOLERANCE_NS);
});
