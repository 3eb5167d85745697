import { describe, expect, test } from "bun:test";
import { findEdge } from "../../../core/decide/edge.ts";

/** `sizes`: numbers at which it holds. */
function edge(holds: (at: number, isClose: boolean) => boolean, range = {}) {
  const looked: number[] = [];
  const found = findEdge({
    first: 8,
    least: 1,
    most: 64,
    ...range,
    look: async (at, isClose) => {
      looked.push(at);
      return holds(at, isClose);
    },
    holds: (look) => look,
  });
  return found.then((one) => ({ ...one, looked }));
}

describe("the edge", () => {
  test("is found wherever it is, with few looks", async () => {
    for (let at = 1; at <= 64; at += 1) {
      const { least, looked, failsAbove } = await edge((one) => one >= at);
      expect(least).toBe(at);
      expect(failsAbove).toEqual([]);
      expect(looked.length).toBeLessThanOrEqual(16);
    }
  });

  test("is nowhere where nothing holds, and at the least where everything does", async () => {
    expect((await edge(() => false)).least).toBeUndefined();
    expect((await edge(() => true)).least).toBe(1);
    expect((await edge((at) => at >= 64)).least).toBe(64);
  });

  test("moves when a close look shows another side", async () => {
    const tooHopeful = await edge((at, isClose) => at >= (isClose ? 13 : 11));
    expect(tooHopeful.least).toBe(13);
    const tooGloomy = await edge((at, isClose) => at >= (isClose ? 9 : 11));
    expect(tooGloomy.least).toBe(9);
  });

  test("is looked at closely on both sides, and one above", async () => {
    const { looks } = await edge((at) => at >= 10);
    expect([...looks.keys()]).toEqual(expect.arrayContaining([9, 10, 11]));
  });

  test("with an exception above it, names that", async () => {
    const { least, failsAbove } = await edge((at) => at >= 10 && at !== 11);
    expect([least, failsAbove]).toEqual([10, [11]]);
  });
});
