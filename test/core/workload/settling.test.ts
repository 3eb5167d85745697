import { describe, expect, test } from "bun:test";
import type { LoadShape } from "../../../core/contract/plan.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";
import {
  mayGoOn,
  SETTLING,
  settlingLoad,
  settlingRequests,
  standsStill,
  type SettlingBatch,
} from "../../../core/workload/settling.ts";

const batches = (...ttftMs: number[]): SettlingBatch[] =>
  ttftMs.map((ms) => ({ ttftMs: ms, itlMs: 5, seconds: 1 }));

describe("latency stands still", () => {
  test("once a batch is no faster than the fastest before it", () => {
    // Eight fresh mocker workers behind a fresh gateway.
    const measured = [349.2, 301.6, 289.3, 289.5];
    const still = measured.map((_, i) => standsStill(batches(...measured.slice(0, i + 1))));
    expect(still).toEqual([false, false, false, true]);
  });

  test("never within two batches, which may both be slow", () => {
    expect(standsStill(batches(300, 301))).toBe(false);
    expect(standsStill(batches(300, 301, 302))).toBe(true);
  });

  test("a fall of less than half a percent is noise, and a rise is no start", () => {
    expect(standsStill(batches(300, 299, 297.6))).toBe(true);
    expect(standsStill(batches(300, 299, 297.4))).toBe(false);
    expect(standsStill(batches(300, 290, 400))).toBe(true);
  });

  test("the gaps between tokens must stand still too, where there are any", () => {
    const falling = [6, 5, 4].map((itlMs) => ({ ttftMs: 300, itlMs, seconds: 1 }));
    expect(standsStill(falling)).toBe(false);
    expect(standsStill([...falling, falling.at(-1)!])).toBe(true);
    const without = Array.from({ length: 3 }, () => ({ ttftMs: 300, seconds: 1 }));
    expect(standsStill(without)).toBe(true);
  });
});

describe("bounds", () => {
  test("latency that falls for ever ends with the last batch", () => {
    const falling: SettlingBatch[] = [];
    while (mayGoOn(falling) && !standsStill(falling)) {
      falling.push({ ttftMs: 1000 * 0.5 ** falling.length, seconds: 1 });
    }
    expect(falling).toHaveLength(SETTLING.maxBatches);
  });

  test("no batch begins that would end too late; the first always does", () => {
    const slow = { ttftMs: 300, seconds: SETTLING.maxS };
    expect(mayGoOn([])).toBe(true);
    expect(mayGoOn([{ ...slow, seconds: SETTLING.maxS / 2 }])).toBe(true);
    expect(mayGoOn([slow])).toBe(false);
  });
});

describe("a batch", () => {
  const closed: LoadShape = { arrival: "closed", concurrency: 20, warmup: 5, timeoutS: 600 };

  test("has the cell's concurrency, within bounds, and no warm-up", () => {
    const shape = { arrival: "closed", warmup: 0, timeoutS: 60 } as const;
    expect(settlingLoad(closed)).toEqual({ ...shape, concurrency: 20, requests: 20 });
    expect(settlingLoad({ ...closed, concurrency: 1 })).toMatchObject({
      ...{ concurrency: 1, requests: 8 },
    });
    expect(settlingLoad({ ...closed, concurrency: 500 })).toMatchObject({
      ...{ concurrency: 32, requests: 32 },
    });
  });

  test("of an open loop is a closed one: a timetable may be slow", () => {
    const open = { arrival: "poisson", rateRps: 0.5, warmup: 0, timeoutS: 10 } as const;
    const shape = { arrival: "closed", concurrency: 8, requests: 8, warmup: 0, timeoutS: 10 };
    expect(settlingLoad(open)).toEqual({ ...shape, arrival: "closed" });
  });

  const prompt = [{ content: 3, tokens: 100 }];
  const specs: RequestSpec[] = [
    { index: 0, prompt, isl: 100, osl: 5, atNs: 7e9, session: "s", sessionRequests: 2 },
    {
      ...{ index: 1, prompt, isl: 100, osl: 500, session: "s", tier: "gold", priority: 2 },
      ...{ keepAnswer: true, after: { request: 0, thinkMs: 60_000 } },
    },
    { index: 2, prompt, isl: 100, osl: 5, group: 4 },
  ];
  const want: RequestSpec[] = [
    { index: 0, prompt, isl: 100, osl: 5, session: "s" },
    { index: 1, prompt, isl: 100, osl: 32, session: "s", tier: "gold", priority: 2 },
  ];

  test("is the beginning of the cell's requests, which wait for nothing and answer shortly", async () => {
    expect(await settlingRequests(specs, 2)).toEqual(want);
    expect(await settlingRequests(specs, 9)).toHaveLength(3);
    expect(await settlingRequests([], 9)).toEqual([]);
  });

  test("is drawn from a file no further than it needs", async () => {
    let drawn = 0;
    let isClosed = false;
    const file = async function* (): AsyncGenerator<RequestSpec> {
      try {
        for (const spec of specs) {
          drawn += 1;
          yield spec;
        }
      } finally {
        isClosed = true;
      }
    };
    expect(await settlingRequests(file(), 2)).toEqual(want);
    expect({ drawn, isClosed }).toEqual({ drawn: 2, isClosed: true });
  });
});
