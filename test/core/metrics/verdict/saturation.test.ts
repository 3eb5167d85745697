/** Queues of known load: those below capacity raise no finding, those above it do. */
import { describe, expect, test } from "bun:test";
import type { LoadShape } from "../../../../core/contract/plan.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import { summarizeCell, summarizeRun } from "../../../../core/metrics/summary/summary.ts";
import { randomStream } from "../../../../core/base/random.ts";
import { planOf } from "../../plan/sample-plugins.ts";
import { exampleArm, exampleCell, exampleInput, okRecord } from "../example-cells.ts";

const cellWith = (load: Partial<LoadShape>, arm = 0) =>
  exampleCell({
    id: `r0-${arm}`,
    arm,
    load: { arrival: "poisson", rateRps: 100, warmup: 0, timeoutS: 600, ...load },
  });
const resultOf = (records: readonly RequestRecord[], load: Partial<LoadShape> = {}) =>
  summarizeCell(exampleInput(records, { cell: cellWith(load), clock: "virtual" }));
const reasonOf = (records: readonly RequestRecord[], load: Partial<LoadShape> = {}) =>
  resultOf(records, load).summary.verdict.reasons.find(({ id }) => id === "saturated");

interface Queue {
  servers: number;
  requests: number;
  load: number;
  /** A request without an answer after this time leaves the queue. */
  patienceS?: number;
}

/** Poisson arrivals at a part of the capacity of `servers`, which take 0.5 to 1.5 s each, first come first served. */
function queue(seed: number, of: Queue) {
  const random = randomStream(seed, "queue");
  const free = new Array<number>(of.servers).fill(0);
  let atMs = 0;
  return Array.from({ length: of.requests }, (_, i) => {
    atMs += random.exponential(1000 / (of.load * of.servers));
    const next = free.indexOf(Math.min(...free));
    const startMs = Math.max(atMs, free[next]!);
    const endMs = startMs + 500 + 1000 * random.next();
    const untilMs = atMs + 1000 * (of.patienceS ?? Infinity);
    if (endMs > untilMs) {
      if (startMs < untilMs) free[next] = untilMs;
      return timedOut(i, { atMs, untilMs });
    }
    free[next] = endMs;
    return okRecord(i, { intended: atMs, first: startMs, gaps: [endMs - startMs] });
  });
}
const timedOut = (index: number, { atMs, untilMs }: { atMs: number; untilMs: number }) => {
  const {
    firstTokenNs: _,
    lastTokenNs: __,
    ...sent
  } = okRecord(index, {
    intended: atMs,
    first: untilMs,
    gaps: [],
  });
  const error = { kind: "timeout", message: "no complete answer" } as const;
  return { ...sent, state: "failed", osl: 0, error } satisfies RequestRecord;
};
const alarms = ({ patienceS: timeoutS = 600, ...of }: Queue): number =>
  Array.from({ length: 100 }, (_, seed) =>
    reasonOf(queue(seed, { ...of, patienceS: timeoutS }), { timeoutS }),
  ).filter(Boolean).length;

describe("a queue", () => {
  test("below capacity raises no finding, even in a short run that has hardly begun", () => {
    expect(alarms({ servers: 32, requests: 1000, load: 0.8 })).toBe(0);
    expect(alarms({ servers: 4, requests: 400, load: 0.5 })).toBe(0);
    // Fewer requests than servers: in flight grows to the end, latencies do not.
    expect(alarms({ servers: 160, requests: 100, load: 0.8 })).toBeLessThanOrEqual(3);
  });

  test("above capacity raises a finding, nearly always", () => {
    expect(alarms({ servers: 32, requests: 1000, load: 1.2 })).toBeGreaterThanOrEqual(95);
    expect(alarms({ servers: 4, requests: 100, load: 2 })).toBeGreaterThanOrEqual(95);
  });

  test("above capacity raises a finding when time-outs keep the queue from growing", () => {
    // 1,000 requests come within 20 s; those from the middle on wait longer than 4 s.
    const of = { servers: 32, requests: 1000, load: 1.5, patienceS: 4 };
    expect(alarms(of)).toBeGreaterThanOrEqual(95);
    const { message } = reasonOf(queue(1, of), { timeoutS: 4 })!;
    expect(message).toMatch(
      /\d{2,3} requests timed out, so latencies measure the length of the run$/,
    );
  });

  test("a worker that hangs is not saturation: as many requests time out at the start as at the end", () => {
    const hanging = queue(1, { servers: 32, requests: 1000, load: 0.6 }).map((record, i) => {
      const atMs = record.intendedNs / 1e6;
      return i % 8 === 0 ? timedOut(i, { atMs, untilMs: atMs + 20_000 }) : record;
    });
    expect(reasonOf(hanging, { timeoutS: 20 })).toBeUndefined();
  });

  test("requests that fail at once are not a queue", () => {
    const refused = queue(1, { servers: 32, requests: 1000, load: 0.6 }).map((record, i) => {
      const atMs = record.intendedNs / 1e6;
      const failed = timedOut(i, { atMs, untilMs: atMs });
      return i < 300 ? record : { ...failed, error: { kind: "status", message: "503" } as const };
    });
    expect(reasonOf(refused)).toBeUndefined();
  });
});

describe("a run has one of three answers", () => {
  const answers = (of: Queue, runs = 50) => {
    const counts = { no: 0, yes: 0, short: 0 };
    for (let seed = 0; seed < runs; seed += 1) {
      const { reasons } = resultOf(queue(seed, of)).summary.verdict;
      const ids = new Set(reasons.map(({ id }) => id));
      if (ids.has("saturated")) counts.yes += 1;
      else if (ids.has("saturation-unknown")) counts.short += 1;
      else counts.no += 1;
    }
    return counts;
  };

  test("below capacity it is no, given some requests, and never yes by more than chance", () => {
    for (const load of [0.5, 0.8]) {
      for (const servers of [4, 32]) {
        const { no, yes } = answers({ servers, requests: 1000, load });
        expect(no).toBeGreaterThanOrEqual(47);
        expect(yes).toBeLessThanOrEqual(1);
      }
    }
  });

  test("above capacity it is not no, however short the run", () => {
    for (const requests of [40, 100, 200, 1000]) {
      for (const servers of [4, 32]) {
        expect(answers({ servers, requests, load: 1.1 }).no).toBeLessThanOrEqual(3);
      }
    }
    expect(answers({ servers: 32, requests: 1000, load: 1.3 })).toEqual({
      no: 0,
      yes: 50,
      short: 0,
    });
  });

  test("too short a run is a note with the number of requests that would say it", () => {
    const { reasons } = resultOf(queue(1, { servers: 32, requests: 100, load: 0.9 })).summary
      .verdict;
    const note = reasons.find(({ id }) => id === "saturation-unknown")!;
    expect(note.severity).toBe("note");
    expect(note.message).toMatch(
      /^Too short to say whether more arrived than was served: over 100 requests the open ones went from \d+ to \d+$/,
    );
    const needed = Number(/--requests (\d+),/.exec(note.hint)![1]);
    expect(needed).toBeGreaterThan(100);
    // So many do say it.
    const said = answers({ servers: 32, requests: needed, load: 0.9 }, 20);
    expect(said.short).toBeLessThanOrEqual(2);
  });

  test("of so few requests that a quarter of them is none has no number that is none", () => {
    for (const requests of [1, 2, 3, 4, 5, 39]) {
      const { reasons } = resultOf(queue(1, { servers: 4, requests, load: 0.5 })).summary.verdict;
      const texts = reasons.flatMap(({ message, hint }) => [message, hint]).join("\n");
      expect(texts).toContain("Too short to say whether more arrived than was served");
      expect(texts).not.toMatch(/NaN|Infinity/);
    }
  });

  test("a closed loop and a rate that changes have none", () => {
    const few = queue(1, { servers: 32, requests: 60, load: 0.9 });
    const idsOf = (load: Partial<LoadShape>) =>
      resultOf(few, load).summary.verdict.reasons.map(({ id }) => id);
    expect(idsOf({})).toContain("saturation-unknown");
    expect(idsOf({ arrival: "closed", concurrency: 8 })).not.toContain("saturation-unknown");
    const ramp = { rateProfile: { kind: "ramp", overS: 5 } } as const;
    expect(idsOf(ramp)).not.toContain("saturation-unknown");
  });
});

/** One comes every 10 ms and one is served every 20 ms: request i ends at 20·i + 191 ms. */
const twice = Array.from({ length: 200 }, (_, i) =>
  okRecord(i, { intended: 10 * i, first: 20 * i + 100, gaps: [91] }),
);

test("the finding has the rates of arrival and service, and what to try", () => {
  // In flight at request i: those that end after 10·i, about i/2 + 10, in the second quarter (i about
  // 74.5) and the last (174.5). From 1,000 to 1,990 ms 49 end, those from 41 to 89: 49 / 0.99 s.
  expect(reasonOf(twice)).toEqual({
    id: "saturated",
    severity: "untrusted",
    message:
      "Saturated: 100.0 requests/s arrived and 49.5 were served; open requests grew " +
      "from 48 to 98, so latencies measure the length of the run",
    hint:
      "Lower --rate to below the rate that is served, or measure the highest throughput with a " +
      "closed loop: --concurrency",
  });
  expect(reasonOf(twice, { arrival: "trace" })!.hint).toStartWith("Slow the trace down");
  expect(resultOf(twice).summary.verdict.state).toBe("untrusted");
});

test("a closed loop is never saturated, and few requests are not judged", () => {
  expect(reasonOf(twice, { arrival: "closed", concurrency: 300 })).toBeUndefined();
  expect(reasonOf(twice.slice(0, 39))).toBeUndefined();
});

test("waiting in the generator for a free slot counts as waiting", () => {
  // Two in flight at most: each is sent when the one before the last ends.
  const capped = twice.map((record) => {
    const sentNs = record.firstTokenNs! - 60e6;
    return { ...record, startNs: Math.max(sentNs, record.intendedNs), sentNs };
  });
  expect(reasonOf(capped, { concurrency: 2 })?.severity).toBe("untrusted");
});

test("latencies of a saturated cell are not compared, rates and hit shares are", () => {
  const arms = [exampleArm("kv"), exampleArm("round-robin")];
  const steady = twice.map((_, i) =>
    okRecord(i, { intended: 10 * i, first: 10 * i + 100, gaps: [90] }),
  );
  const metricsOf = (first: readonly RequestRecord[]): Set<string> => {
    const cells = [first, steady].map((records, arm) =>
      summarizeCell(
        exampleInput(
          records.map((record) => ({ ...record, cachedTokens: 40 + (record.index % 7) })),
          { cell: cellWith({}, arm), arm: arms[arm]!, clock: "virtual" },
        ),
      ),
    );
    const plan = { ...planOf(), arms, cells: cells.map(({ cell }) => cell) };
    const { comparisons } = summarizeRun({ plan, cells, startedAt: "" });
    return new Set(comparisons.map(({ metric }) => metric));
  };
  expect(metricsOf(steady)).toContain("ttftMs.mean");
  const left = metricsOf(twice);
  expect(left).toContain("cachedShare");
  expect([...left].filter((metric) => /ttft|e2e/.test(metric))).toEqual([]);
});
