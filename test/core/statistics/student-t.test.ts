import { describe, expect, test } from "bun:test";
import { tQuantile } from "../../../core/statistics/student-t.ts";

describe("quantiles of Student's t", () => {
  // Printed tables of the t distribution, two-sided.
  const table: [confidence: number, degrees: number, t: string][] = [
    [0.95, 1, "12.706"],
    [0.95, 2, "4.303"],
    [0.95, 3, "3.182"],
    [0.95, 4, "2.776"],
    [0.95, 5, "2.571"],
    [0.95, 9, "2.262"],
    [0.95, 10, "2.228"],
    [0.95, 19, "2.093"],
    [0.95, 30, "2.042"],
    [0.95, 120, "1.980"],
    [0.9, 2, "2.920"],
    [0.9, 9, "1.833"],
    [0.99, 1, "63.657"],
    [0.99, 2, "9.925"],
    [0.99, 10, "3.169"],
    [0.999, 4, "8.610"],
  ];
  test.each(table)("confidence %p, %p degrees: %p", (confidence, degrees, t) => {
    expect(tQuantile(confidence, degrees).toFixed(3)).toBe(t);
  });

  test("agree with the closed forms for 1 and 2 degrees to 12 digits", () => {
    for (const c of [0.1, 0.5, 0.9, 0.95, 0.99]) {
      expect(tQuantile(c, 1) / Math.tan((Math.PI * c) / 2)).toBeCloseTo(1, 12);
      expect(tQuantile(c, 2) / (c * Math.sqrt(2 / (1 - c * c)))).toBeCloseTo(1, 12);
    }
  });

  test("approach the normal's 1.959964 for many degrees", () => {
    expect(tQuantile(0.95, 100_000)).toBeCloseTo(1.95998, 4);
  });
});
