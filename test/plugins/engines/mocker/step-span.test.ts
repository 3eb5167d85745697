/** Spans and block timetables against counting step by step. */
import { expect, test } from "bun:test";
import { randomStream } from "dynbench";
import { BlockTimetable } from "../../../../plugins/engines/mocker/block-timetable.ts";
import { StepSpan } from "../../../../plugins/engines/mocker/step-span.ts";

function randomSpan(seed: number): StepSpan {
  const random = randomStream(seed, "span");
  const span = new StepSpan();
  span.firstNs = random.next() * 50;
  span.growthNs = random.next() * 3;
  span.growth2Ns = -random.next() * 1e-3;
  span.start(random.int(1_000), 1 + random.int(60));
  span.done = random.int(span.steps);
  return span;
}

test("endedBy and endingFrom count what a walk counts, from any place in the span", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const span = randomSpan(seed);
    const ends = Array.from({ length: span.steps }, (_, k) => span.endNs(k + 1));
    for (let at = span.endNs(span.done); at <= ends.at(-1)! + 2; at += 1) {
      expect(span.endedBy(at)).toBe(Math.max(span.done, ends.filter((end) => end <= at).length));
      if (at > span.endNs(span.done)) {
        expect(span.endingFrom(at)).toBe(ends.filter((end) => end < at).length + 1);
      }
    }
  }
});

test("endingFrom at the end of the last reported step is that step, at the span's start the first", () => {
  const span = new StepSpan();
  span.firstNs = 10;
  span.start(100, 5);
  expect(span.endingFrom(100)).toBe(1);
  span.done = 2;
  expect(span.endingFrom(120)).toBe(2);
  expect(span.endingFrom(121)).toBe(3);
  expect(span.endingFrom(151)).toBe(6);
});

test("a timetable names who takes or fills a block in which step, in running order", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const random = randomStream(seed, "timetable");
    const size = 1 + random.int(9);
    const count = 1 + random.int(6);
    const tokens = Float64Array.from({ length: count }, () => 1 + random.int(40));
    const fills = random.next() < 0.7;
    const table = new BlockTimetable(size);
    table.build(Float64Array.of(3, 1, 2), 3, true); // building again forgets this
    table.build(tokens, count, fills);
    for (let step = 1; step < 25; step += 1) {
      const expected: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const covered = tokens[i]! + step;
        if ((covered - 1) % size === 0 || (fills && covered % size === 0)) expected.push(i);
      }
      expect([...table.at(step)]).toEqual(expected);
      const next = table.nextStep(step, 25);
      expect(next === step).toBe(expected.length > 0);
    }
  }
});

test("affordableSteps stops before the step whose blocks are missing", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const random = randomStream(seed, "afford");
    const size = 1 + random.int(9);
    const count = 1 + random.int(6);
    const tokens = Float64Array.from({ length: count }, () => 1 + random.int(40));
    const table = new BlockTimetable(size);
    table.build(tokens, count, true);
    const free = random.int(30);
    const limit = 1 + random.int(60);
    let left = free;
    let steps = 0;
    while (steps < limit) {
      left -= tokens.filter((covered) => (covered + steps) % size === 0).length;
      if (left < 0) break;
      steps += 1;
    }
    expect(table.affordableSteps(free, limit)).toBe(steps);
  }
});
