import { expect, test } from "bun:test";
import { allReporters } from "../../../core/run/all-reporters.ts";
import type { Logger } from "../../../core/contract/processes.ts";
import { guideRun } from "../../fixtures/results/generate-run.ts";

test("one that fails stops no other, and later ones are still called", async () => {
  const told: string[] = [];
  const log = { error: (text: string) => told.push(text) } as unknown as Logger;
  const breaks = () => Promise.reject(new Error("no room"));
  const heard: (readonly string[])[] = [];
  const all = allReporters(
    [
      { name: "broken", handle: { cell: breaks, end: breaks } },
      { name: "silent", handle: {} },
      { name: "last", handle: { end: (_run, failed) => void heard.push([...failed]) } },
    ],
    log,
  );
  const run = guideRun();
  await all.cell(run.cells[0]!);
  expect(await all.end(run)).toEqual(["broken"]);
  expect(heard).toEqual([["broken"]]);
  expect(told).toEqual(["no room", "no room"]);
});
