import { describe, expect, test } from "bun:test";
import {
  factsOfMachine,
  parseStat,
  ticksBelow,
  watchCpu,
} from "../../../../core/run/sampling/machine.ts";
import { until } from "../../../cli/binary.ts";

test("facts describe the machine without identifying its owner", () => {
  const facts = factsOfMachine();
  expect(facts).toMatchObject({ cores: expect.any(Number), bun: Bun.version });
  expect(JSON.stringify(facts)).not.toContain(process.env.HOME ?? "/home");
});

test("the busy share of the cores is known once enough ticks have passed, and is within 0 to 1", async () => {
  const use = watchCpu();
  expect(await until(() => use() !== undefined, 10_000)).toBe(true);
  const { share, otherCores = 0 } = use()!;
  expect(share).toBeGreaterThanOrEqual(0);
  expect(share).toBeLessThanOrEqual(1);
  expect(otherCores).toBeGreaterThanOrEqual(0);
});

/** As /proc has it: pid, command, state, ppid, seven more, then minflt … majflt, utime 7, stime 5, cutime 3, cstime 2. */
const STAT =
  "41 (a (b) c) S 40 41 41 0 -1 4194560 900 80 0 0 7 5 3 2 20 0 1 0 171 2621440 700 18446744073709551615";

describe("the line of a process", () => {
  test("gives its parent and its times with those of ended children", () => {
    expect(parseStat(STAT)).toEqual({ parent: 40, ticks: 17 });
  });

  test("cut anywhere before its times, gives nothing", () => {
    for (let end = 0; end < STAT.indexOf(" 2 20 "); end += 1) {
      expect(parseStat(STAT.slice(0, end))).toBeUndefined();
    }
  });
});

test("times of descendants count, those of others do not", () => {
  const known = new Map([
    [1, { parent: 0, ticks: 1000 }],
    [10, { parent: 1, ticks: 1 }],
    [11, { parent: 10, ticks: 20 }],
    [12, { parent: 11, ticks: 300 }],
    [20, { parent: 1, ticks: 4000 }],
  ]);
  expect(ticksBelow(10, known)).toBe(321);
});
