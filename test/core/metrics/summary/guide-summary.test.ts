import { describe, expect, test } from "bun:test";
import {
  formatGuideSummary,
  guideSummary,
  parseGuideSummary,
} from "../../../../core/metrics/summary/guide-summary.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import { DynbenchError } from "../../../../core/base/errors.ts";
import { exampleCell, exampleInput, okRecord } from "../example-cells.ts";

const config = {
  model: "m",
  tokenizer: "t",
  isl: 14000,
  osl: 200,
  requests: 200,
  concurrency: 20,
  initialSeed: 0,
};

/** One request a TTFT, all at once; answers of 3 tokens with a gap of `gap` ms. */
const cellAt = (ratio: number, ttftMs: number[], gap: number, repeat = 0) =>
  summarizeCell(
    exampleInput(
      ttftMs.map((first, i) => okRecord(i, { intended: 0, first, gaps: [gap, gap], end: 1000 })),
      { cell: exampleCell({ parameters: { prefixRatio: ratio }, repeat }) },
    ),
  );

describe("writing", () => {
  const cells = [cellAt(0.9, [10, 20], 5), cellAt(0.1, [100, 200], 7), cellAt(0.1, [300], 7, 1)];
  const file = JSON.parse(formatGuideSummary(guideSummary(cells, config)));

  test("has the keys of both forms, ratios in ascending order, repeats pooled", () => {
    expect(file).toEqual({
      prefix_ratios: [0.1, 0.9],
      ttft_values: [200, 15],
      throughput_values: [4.5, 6], // 9 tokens in 2 s over both repeats, 6 in 1 s
      ttft_p25_values: [150, 12.5],
      ttft_p50_values: [200, 15],
      ttft_p75_values: [250, 17.5],
      itl_p25_values: [7, 5],
      itl_p50_values: [7, 5],
      itl_p75_values: [7, 5],
      config: {
        model: "m",
        tokenizer: "t",
        isl: 14000,
        osl: 200,
        requests: 200,
        concurrency: 20,
        initial_seed: 0,
      },
    });
  });

  test("leaves out cells in which nothing succeeded", () => {
    const failed = summarizeCell(exampleInput([]));
    expect(guideSummary([failed], config).prefixRatios).toEqual([]);
  });

  test("reads back equal", () => {
    const summary = guideSummary(cells, config);
    expect(parseGuideSummary(formatGuideSummary(summary), "x.json")).toEqual(summary);
  });
});

describe("reading", () => {
  const older = {
    prefix_ratios: [0.1, 0.5],
    ttft_values: [3000.5, 2000],
    throughput_values: [400, 500],
    config: { model: "deepseek", initial_seed: 0 },
  };

  test("the older form: means and throughput", () => {
    expect(parseGuideSummary(JSON.stringify(older), "x.json")).toEqual({
      prefixRatios: [0.1, 0.5],
      ttftMs: [3000.5, 2000],
      outputTps: [400, 500],
      config: { model: "deepseek", initial_seed: 0 },
    });
  });

  test("the names of the guide's plot script, without a config", () => {
    const text = `{"prefix_ratios":[0.1],"ttft_avg_values":[1],"throughput_avg_values":[2]}`;
    expect(parseGuideSummary(text, "x.json")).toEqual({
      prefixRatios: [0.1],
      ttftMs: [1],
      outputTps: [2],
      config: {},
    });
  });

  test("the newer form: quartiles, whose ITL is our TPOT", () => {
    const newer = {
      prefix_ratios: [0.1],
      ttft_p25_values: [1],
      ttft_p50_values: [2],
      ttft_p75_values: [3],
      itl_p25_values: [4],
      itl_p50_values: [5],
      itl_p75_values: [6],
      config: {},
    };
    expect(parseGuideSummary(JSON.stringify(newer), "x.json")).toEqual({
      prefixRatios: [0.1],
      ttftMsQuartiles: { p25: [1], p50: [2], p75: [3] },
      tpotMsQuartiles: { p25: [4], p50: [5], p75: [6] },
      config: {},
    });
  });

  const messageOf = (text: string): string => {
    try {
      parseGuideSummary(text, "r.json");
    } catch (error) {
      if (error instanceof DynbenchError && error.code === "plan") return error.message;
    }
    return "no plan error";
  };

  test("reports what is wrong, with the file's name", () => {
    const start = 'Cannot read "r.json" as a results summary: ';
    expect(messageOf("{")).toBe(`${start}it is not JSON`);
    expect(messageOf("{}")).toStartWith(`${start}prefix_ratios: `);
    expect(messageOf("[1]")).toStartWith(start);
    expect(messageOf('{"prefix_ratios":[0.1]}')).toBe(
      `${start}it has neither ttft_values nor ttft_p50_values`,
    );
    expect(messageOf('{"prefix_ratios":["x"],"ttft_values":[1]}')).toStartWith(
      `${start}prefix_ratios.0: `,
    );
    expect(messageOf('{"prefix_ratios":[0.1,0.2],"ttft_values":[1]}')).toBe(
      `${start}ttft_values has 1 values for 2 ratios`,
    );
  });

  test("of a file cut at any byte is a clear error", () => {
    const text = JSON.stringify(older);
    for (let length = 0; length < text.length; length += 1) {
      expect(messageOf(text.slice(0, length))).toEndWith("it is not JSON");
    }
  });
});
