import { describe, expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import {
  near,
  placeOf,
  spaceFilling,
  usualSetting,
  valueAt,
  type Knob,
  type Subject,
} from "../../../core/search/space.ts";

const linear: Knob = { name: "a", from: 10, to: 20, scale: "linear", isWhole: false, usual: 12 };
const ratio: Knob = { name: "b", from: 0.1, to: 10, scale: "log", isWhole: false, usual: 1 };
const whole: Knob = { name: "c", from: 1, to: 64, scale: "log", isWhole: true, usual: 8 };
const optional: Knob = { ...linear, name: "d", usual: undefined };
const choice: Knob = { name: "e", choices: ["x", "y", "z"], usual: "y" };
const subject: Subject = { name: "s", knobs: [linear, ratio, whole, optional, choice] };

describe("a knob", () => {
  test("has equal steps on a linear scale and equal ratios on a log scale", () => {
    expect([0, 0.25, 1].map((place) => valueAt(linear, place))).toEqual([10, 12.5, 20]);
    expect([0, 0.25, 0.5, 1].map((place) => valueAt(ratio, place))).toEqual([0.1, 0.316, 1, 10]);
    expect([0, 0.5, 1].map((place) => valueAt(whole, place))).toEqual([1, 8, 64]);
  });

  test("that may be left out is so in the first fifth", () => {
    expect(valueAt(optional, 0.19)).toBeUndefined();
    expect([0.2, 0.6, 1].map((place) => valueAt(optional, place))).toEqual([10, 15, 20]);
  });

  test("of choices has an equal part for each", () => {
    expect([0, 0.34, 0.67, 1].map((place) => valueAt(choice, place))).toEqual(["x", "y", "z", "z"]);
  });

  test("finds the place of a value again", () => {
    for (const knob of subject.knobs) {
      for (const place of [0.05, 0.3, 0.5, 0.95]) {
        const value = valueAt(knob, place);
        expect(valueAt(knob, placeOf(knob, value))).toEqual(value);
      }
    }
    expect(placeOf(linear, 99)).toBe(1);
  });
});

test("the usual setting leaves out what is left out by default", () => {
  const { values } = usualSetting([subject], 0);
  expect(values).toEqual({ a: 12, b: 1, c: 8, e: "y" });
});

test("settings that fill the space have one value in each part of a knob's range", () => {
  const count = 50;
  const unit: Knob = { ...linear, name: "unit", from: 0, to: 1 };
  const random = randomStream(1, "space");
  const filled = { ...subject, knobs: [unit, optional, choice] };
  const settings = spaceFilling(filled, { subject: 0, count, random });
  // Rounding to three digits may carry a value to the edge of its part.
  const parts = settings.map(({ values }) => Math.floor(count * (values["unit"] as number) - 0.02));
  expect(new Set(parts).size).toBeGreaterThanOrEqual(count - 3);
  expect(settings.filter(({ values }) => values["d"] === undefined).length).toBe(10);
  expect(Object.groupBy(settings, ({ values }) => String(values["e"]))["x"]!.length).toBe(17);
});

test("a near setting stays within its ranges, and near", () => {
  const random = randomStream(2, "near");
  const from = usualSetting([subject], 0);
  for (let i = 0; i < 500; i += 1) {
    const { values } = near(subject, from, { width: 0.1, random });
    const [a, b] = [values["a"] as number, values["b"] as number];
    expect(a >= 10 && a <= 20 && Math.abs(a - 12) < 5).toBe(true);
    expect(b > 0.1 && b < 10).toBe(true);
  }
});
