import { describe, expect, test } from "bun:test";
import { METRICS, metricLabel, metricOf } from "../../../core/metrics/definitions.ts";

describe("definitions", () => {
  test("have every metric of a cell once", () => {
    expect(METRICS.map((metric) => metric.key)).toEqual([
      "ttftMs",
      "itlMs",
      "tpotMs",
      "e2eMs",
      "isl",
      "osl",
      "requestRps",
      "inputTps",
      "outputTps",
      "cachedShare",
      "sloShare",
      "goodputRps",
    ]);
  });

  test("label axes with name and unit, shares with the name alone", () => {
    expect(metricLabel("ttftMs")).toBe("TTFT (ms)");
    expect(metricLabel("cachedShare")).toBe("Cached");
  });

  test("name the same number in other tools: aiperf's inter token latency is TPOT", () => {
    expect(metricOf("tpotMs").elsewhere).toContain("aiperf and guidellm: inter token latency");
    expect(metricOf("itlMs").elsewhere).not.toContain("inter token");
  });
});
