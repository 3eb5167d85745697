/**
 * `--scheduling-policy priority`, by timelines computed by hand: blocks of 4 tokens; a step takes 100 +
 * 10 per prompt token + 1 per context token of its decoders (see linear-timing.ts).
 */
import { describe, expect, test } from "bun:test";
import type { WorkerLimits, WorkerModel, WorkerRequest } from "dynbench/engine";
import type { SchedulingPolicy } from "../../../../plugins/engines/mocker/batch.ts";
import { goesBefore, PriorityQueue } from "../../../../plugins/engines/mocker/priority-queue.ts";
import { createWorkerModel } from "../../../../plugins/engines/mocker/scheduler.ts";
import type { Sequence } from "../../../../plugins/engines/mocker/sequence.ts";
import { linearTiming } from "./linear-timing.ts";
import { jump, recordingSink, requestOf, walk } from "./recording-sink.ts";

function worker(policy: SchedulingPolicy, limits: Partial<WorkerLimits>) {
  const sink = recordingSink();
  const all = {
    ...{ blockSize: 4, kvBlocks: 100, maxNumSeqs: 8, maxNumBatchedTokens: 1000, maxModelLen: 1000 },
    ...limits,
  };
  const options = {
    limits: all,
    timing: linearTiming(),
    timeScale: 1,
    prefixCaching: true,
    policy,
  };
  return { sink, model: createWorkerModel(options, sink) };
}

const request = (id: number, isl: number, osl: number, priority = 0): WorkerRequest => ({
  ...requestOf(id, { isl, osl, blockSize: 4 }),
  priority,
});

describe("the waiting queue", () => {
  const admittedIn = (policy: SchedulingPolicy) => {
    const { sink, model } = worker(policy, { maxNumSeqs: 1 });
    for (const [id, priority] of [0, 0, 5, 5, -1, 0].entries()) {
      model.submit(request(id, 6, 4, priority), id * 10);
    }
    jump(model);
    return sink.of("admitted").map(({ id }) => id);
  };

  test("is by priority, then by arrival", () => {
    expect(admittedIn("priority")).toEqual([0, 2, 3, 1, 5, 4]);
    expect(admittedIn("fcfs")).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("keeps its order when requests leave and come back", () => {
    const [a, b, c, d] = [3, 1, 3, 2].map(
      (priority, i) => ({ request: request(i, 4, 1, priority), readyNs: i }) as unknown as Sequence,
    );
    const queue = new PriorityQueue();
    for (const sequence of [a!, b!, c!, d!]) queue.push(sequence);
    expect(queue.remove(d!)).toBe(true);
    expect(queue.remove(d!)).toBe(false);
    expect(queue.shift()).toBe(a);
    queue.pushFront(a!); // preempted: it keeps its arrival
    queue.push(d!);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([a, c, d, b]);
    expect(goesBefore(a!, c!)).toBe(true);
  });
});

describe("a request that overtakes a blocked one", () => {
  const joinsAt = (policy: SchedulingPolicy, advance: (model: WorkerModel) => unknown) => {
    const { sink, model } = worker(policy, { kvBlocks: 9 });
    // 12 tokens to 220; decode steps to 333, 447, 562, 678, 795, 913, 1,032.
    model.submit(request(0, 12, 8), 0);
    model.advance(0);
    model.submit(request(1, 24, 2), 230); // needs 6 blocks of the 5 that are free
    model.submit(request(2, 4, 1, 1), 340);
    advance(model);
    return sink.of("admitted").find(({ id }) => id === 2)!.at;
  };

  test("joins when the step in progress ends", () => {
    expect(joinsAt("priority", walk)).toBe(447);
    expect(joinsAt("priority", jump)).toBe(447);
    expect(joinsAt("fcfs", jump)).toBe(1032);
  });
});

describe("when no block is free", () => {
  test("the request with the lowest priority is preempted, even if it was admitted first", () => {
    const { sink, model } = worker("priority", { kvBlocks: 8 });
    model.submit(request(0, 12, 6, 0), 0);
    model.submit(request(1, 12, 6, 1), 0);
    jump(model);
    // As first come, first served, but with the roles changed: 340, 466, 594, 724, 856, then alone.
    expect(sink.of("preempted")).toEqual([{ what: "preempted", id: 0, at: 856 }]);
    expect(sink.tokenTimes(1)).toEqual([340, 466, 594, 724, 856, 973]);
    expect(sink.tokenTimes(0)).toHaveLength(6);
  });

  test("tokens that the step had planned for it are withdrawn", () => {
    const { sink, model } = worker("priority", { kvBlocks: 8 });
    model.submit(request(0, 13, 3, 0), 0);
    model.submit(request(1, 15, 3, 1), 0);
    jump(model);
    // Prefill 100 + 280. A step of contexts 14 and 16 to 510. In the next one request 1 needs a fifth
    // block after request 0 was planned: 100 + 17 alone, not 100 + 15 + 17.
    expect(sink.of("preempted")).toEqual([{ what: "preempted", id: 0, at: 510 }]);
    expect(sink.tokenTimes(1)).toEqual([380, 510, 627]);
    expect(model.counts).toMatchObject({ preemptions: 1, finished: 2, activeBlocks: 0 });
  });
});
