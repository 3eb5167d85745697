import { describe, expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import { search, meanScore, type Found, type Trial } from "../../../core/search/search.ts";
import type { Subject } from "../../../core/search/space.ts";

const number = (name: string, usual: number) =>
  ({ name, from: 0, to: 1, scale: "linear", isWhole: false, usual }) as const;
const pair: Subject = { name: "pair", knobs: [number("x", 0.2), number("y", 0.9)] };
const fixed: Subject = { name: "fixed", knobs: [] };

interface Ran {
  readonly found: Found;
  readonly trials: readonly Trial[];
}

/** Runs a search to its end. */
function run(
  subjects: readonly Subject[],
  score: (trial: Trial) => number,
  { seed = 1, slices = 8, budget = 400 } = {},
): Ran {
  const steps = search({ subjects, slices, random: randomStream(seed, "search") });
  const trials: Trial[] = [];
  let step = steps.next();
  while (step.done !== true) {
    trials.push(...step.value);
    const scores = step.value.map(score);
    step = steps.next({ scores, trialsLeft: budget - trials.length });
  }
  return { found: step.value, trials };
}

/** Lowest at (.7, .3); slices differ by far more than settings do, in the same way for all. */
const bowl = ({ setting: { values }, slice }: Trial): number =>
  10 * slice + ((values["x"] as number) - 0.7) ** 2 + ((values["y"] as number) - 0.3) ** 2;

describe("a search", () => {
  test("finds the lowest place within its budget", () => {
    const { found, trials } = run([pair], bowl);
    expect(trials.length).toBeLessThanOrEqual(400);
    const [best] = found.known;
    expect(best!.scores.length).toBe(8);
    expect(meanScore(best!) - 35).toBeLessThan(0.001);
  });

  test("repeats with its seed, and differs with another", () => {
    const trials = run([pair], bowl).trials;
    expect(run([pair], bowl).trials).toEqual(trials);
    expect(run([pair], bowl, { seed: 2 }).trials).not.toEqual(trials);
  });

  test("tries the usual settings first, on all slices, and no setting twice on one", () => {
    const { trials } = run([pair, fixed], (trial) =>
      trial.setting.subject === 1 ? 99 : bowl(trial),
    );
    expect(trials.slice(0, 8).every(({ setting }) => setting.values["x"] === 0.2)).toBe(true);
    expect(trials.slice(8, 16).every(({ setting }) => setting.subject === 1)).toBe(true);
    expect(trials.slice(16).every(({ setting }) => setting.subject === 0)).toBe(true);
    expect(new Set(trials.map((trial) => JSON.stringify(trial))).size).toBe(trials.length);
  });

  test("keeps no setting that cannot be used, and the usual one whatever its score", () => {
    const half = (trial: Trial): number =>
      (trial.setting.values["x"] as number) > 0.5 ? Infinity : bowl(trial);
    const { found } = run([pair], half);
    expect(found.known.every(({ setting }) => (setting.values["x"] as number) <= 0.5)).toBe(true);
    const none = run([pair], () => Infinity).found;
    expect(none.known.map(({ setting }) => setting.values)).toEqual([{ x: 0.2, y: 0.9 }]);
  });

  test("without knobs tries nothing but the usual settings", () => {
    expect(run([fixed], () => 1).trials.length).toBe(8);
  });

  test.each([0, 1, 7, 8, 9, 30, 100])("ends within %d trials beyond the usual setting", (more) => {
    const { trials } = run([pair], bowl, { budget: 8 + more });
    expect(trials.length).toBeLessThanOrEqual(8 + more);
  });
});
