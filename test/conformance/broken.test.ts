/** The suites can fail: each plugin of `broken/` breaks one rule, and the test of that rule finds it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** Broken plugins by the name of their suite, with the tests that must find them. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  policies: {
    "routing policy picks-the-dead": [
      "picks an eligible candidate through deaths, revivals, retries and aborts",
      "the last one alive gets everything",
      "prefill and decode picks stay among workers of that role",
      "a worker already tried is not picked again",
    ],
    "routing policy reads-the-clock": [
      "the same seed and events give the same picks",
      "picks behind sockets what it picks when told the same without clock and sockets",
    ],
    "routing policy draws-by-itself": [
      "the same seed and events give the same picks",
      "picks behind sockets what it picks when told the same without clock and sockets",
    ],
    "routing policy keeps-the-view": ["keeps nothing of the view after a pick"],
    "routing policy never-forgets": ["a reset forgets everything learnt"],
    "routing policy shares-its-state": [
      "picks behind sockets what it picks when told the same without clock and sockets",
    ],
  },
  workloads: {
    "workload takes-a-name-of-the-run": ["has no option with a name of the run"],
    "workload draws-by-itself {}": ["gives the same requests for the same seed"],
    "workload miscounts {}": ["has prompts as long as they say, and whole positive lengths"],
    "workload counts-from-one {}": ["numbers requests from 0 without a gap and stops at the count"],
    "workload has-half-tokens {}": ["has prompts as long as they say, and whole positive lengths"],
    "workload takes-reserved-contents {}": [
      "names contents from 0, and answers of earlier requests only",
    ],
    "workload waits-for-the-future {}": [
      "names contents from 0, and answers of earlier requests only",
    ],
    "workload shares-more-than-it-says {}": [
      "shares between any two prompts what its options declare, and nothing beside",
    ],
    "workload shares-less-than-it-says {}": [
      "shares between any two prompts what its options declare, and nothing beside",
    ],
    "workload builds-all-first {}": [
      "yields the first requests of a load too large to build at once",
    ],
  },
  reporters: {
    "file of reporter claims-nothing": ["is refused before the run where it cannot be"],
    "disk of reporter swallows-faults": [
      "whose folder has gone is told in an error, and has it all again once the folder is back",
      "that is full is told in an error, and costs nothing once there is room",
    ],
    "file of reporter writes-at-the-end": [
      "has the cells measured so far after each of them, and no other file beside it",
    ],
    "disk of reporter appends": [
      "whose folder has gone is told in an error, and has it all again once the folder is back",
      "that is full is told in an error, and costs nothing once there is room",
    ],
    "file of reporter leaves-its-scraps": [
      "has the cells measured so far after each of them, and no other file beside it",
    ],
    "reporter wants-an-option": ["has defaults for every option and refuses unknown ones"],
    "reporter talks": ["leaves stdout to the summary with --json"],
    "reporter dies-of-no-cells": [
      "ends a run that was interrupted before its first cell, and one cut short",
    ],
  },
  starters: {
    "engine leaks > life": [
      "an abort after each process it started rejects in time and leaves nothing running",
      "a process that cannot be started takes the others with it",
    ],
    "engine ignores-abort > life": [
      "an abort after each process it started rejects in time and leaves nothing running",
    ],
    "engine disposes-once > life": [
      "leaves nothing running or listening, and may be disposed twice",
      "may be disposed twice at once",
    ],
    "engine forgets-one > life": ["leaves nothing running or listening, and may be disposed twice"],
    "engine same-name > life": ["names its workers apart and gives each an address that answers"],
    "engine same-address > caching": ["caches are each worker's own"],
    "engine swaps-events > caching": [
      "publishes what its cache holds, and replays it to who missed it",
    ],
    "engine short-answers > serving": [
      "streams exactly the tokens asked for, ends cleanly and says who answered",
    ],
    "engine other-model > model": [
      "has a model of as many workers and the same sizes as it starts",
    ],
    "router ignores-abort": ["an abort before the start rejects"],
    "router disposes-once": [
      "leaves nothing running or listening, and may be disposed twice",
      "may be disposed twice at once",
    ],
    "router stays-up": ["leaves nothing running or listening, and may be disposed twice"],
    "router sends-to-one": ["spreads: every worker gets work"],
    "router cuts": ["brings each request to one worker, and the worker's whole answer back"],
    "router ends-workers": ["leaves the workers running"],
    "router needs-other": ["the programs that it says it needs are those that its plan starts"],
    "router always-fine": ["says no in a status of its own where the worker says no"],
    "router deals": ["has affinity: the same prompt goes to the same worker"],
  },
};

/** Failed tests as `SUITE > TEST`. */
let failed: ReadonlySet<string>;

beforeAll(async () => {
  const files = Object.keys(BROKEN).map((name) => `./test/conformance/broken/${name}.ts`);
  const run = Bun.spawn([process.execPath, "test", ...files], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const lines = (await new Response(run.stderr).text()).split("\n");
  failed = new Set(
    lines.flatMap((line) => /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/.exec(line)?.[1] ?? []),
  );
});

describe.each(Object.values(BROKEN).flatMap((each) => Object.entries(each)))(
  "%s",
  (suite, tests) => {
    test.each([...tests])("fails: %s", (name) => {
      expect([...failed].filter((each) => each.startsWith(`${suite} >`))).toContain(
        `${suite} > ${name}`,
      );
    });
  },
);

test("plugins without a fault pass", () => {
  expect(failed.size).toBeGreaterThan(0);
  const isWhole = (name: string): boolean => / whole(?: \{\})?$/.test(name.split(" > ")[0]!);
  expect([...failed].filter(isWhole)).toEqual([]);
});
