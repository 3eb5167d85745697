/** Conversations through the built binary: answers become history, sessions hold their slots. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const SESSIONS = [
  ...["run", "--workload", "sessions", "--sessions", "8", "--turns", "4", "--router", "kv"],
  ...["--workers", "1", "--concurrency", "2", "--think-ms", "5", "--speedup", "200"],
  ...["--settle", "off"],
];

async function measured(out: string, ...args: string[]) {
  const { exitCode } = await dynbench([...SESSIONS, "--out", out, ...args], { cwd });
  expect([0, 5]).toContain(exitCode!); // 5: this machine was too busy for trusted times
  const summary: Summary = JSON.parse(readFileSync(join(cwd, out, "summary.json"), "utf8"));
  const records = parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));
  return { cache: summary.cells[0]!.cache, records };
}

/** Sessions that are under way at most, from a first turn's start to a last turn's end. */
function mostSessions(records: readonly RequestRecord[]): number {
  const sessions = [...Map.groupBy(records, ({ session }) => session!).values()].map((turns) => ({
    from: Math.min(...turns.map(({ intendedNs }) => intendedNs)),
    to: Math.max(...turns.map(({ endNs }) => endNs)),
  }));
  return Math.max(
    ...sessions.map(
      ({ from }) => sessions.filter((one) => one.from <= from && from < one.to).length,
    ),
  );
}

test.each(["ids", "text", "chat"])("answers sent back as %s are found cached", async (form) => {
  const { cache, records } = await measured(form, "--prompt-form", form);
  // One worker with room for all: earlier turns are cached, up to the last block of each.
  expect(cache.cachedShare! / cache.idealShare).toBeGreaterThan(form === "chat" ? 0.9 : 0.99);
  expect(mostSessions(records)).toBe(2);
});

test("the simulation serves the same tokens from cache", async () => {
  const live = await measured("live");
  const virtual = await measured("virtual", "--clock", "virtual");
  expect(mostSessions(virtual.records)).toBe(2);
  expect(virtual.records).toHaveLength(live.records.length);
  expect(virtual.cache.cachedShare).toBeCloseTo(live.cache.cachedShare!, 2);
});
