/** Models that are refused before a server starts, and those that only get a note. */
import { describe, expect, test } from "bun:test";
import type { Gpu } from "dynbench/engine";
import {
  fetchFault,
  modelFaults,
  type ModelFacts,
} from "../../../../plugins/shared/model-servers/model-facts.ts";

const whole: ModelFacts = {
  path: "/models/x",
  quantization: null,
  hasConfig: true,
  hasTokenizer: true,
  hasChatTemplate: true,
  isHybrid: false,
};
const gpu = (computeCapability: number | undefined): Gpu => ({
  id: "3",
  name: "NVIDIA",
  memoryMiB: 1,
  computeCapability,
});
const judge = (change: Partial<ModelFacts>, at: { gpus?: Gpu[]; engineArgs?: string[] } = {}) =>
  modelFaults({ modelPath: "x" }, { ...whole, ...change }, { gpus: [], engineArgs: [], ...at });

describe("a model folder", () => {
  test("that is complete is served", () => {
    expect(judge({})).toEqual({ fault: undefined, notes: [] });
  });

  test("without config or tokenizer is refused, unless there is another tokenizer", () => {
    expect(judge({ hasConfig: false }).fault?.message).toContain("no config.json");
    expect(judge({ hasTokenizer: false }).fault?.message).toBe(
      'Cannot serve "x": its folder has no tokenizer',
    );
    const engineArgs = ["--tokenizer", "/models/y"];
    expect(judge({ hasTokenizer: false }, { engineArgs }).fault).toBeUndefined();
  });

  test("without a chat template, or of several kinds of layers, is reported", () => {
    expect(judge({ hasChatTemplate: false }).notes[0]).toContain("no chat template");
    expect(judge({ isHybrid: true }).notes[0]).toContain("--router kv-approx");
  });
});

describe("MXFP4", () => {
  const mxfp4 = (capability: number | undefined) =>
    judge({ quantization: "mxfp4" }, { gpus: [gpu(9), gpu(capability)] });

  test("is refused below 8.0, noted below 9.0, fine above and where nothing is known", () => {
    expect(mxfp4(7.5).fault?.message).toBe(
      'Cannot serve "x": MXFP4 needs compute capability 8.0, and GPU 3 (NVIDIA) has 7.5',
    );
    expect(mxfp4(8.9).fault).toBeUndefined();
    expect(mxfp4(8.9).notes[0]).toContain("GPU 3 (NVIDIA) has 8.9: steps are slower there");
    expect(mxfp4(10)).toEqual({ fault: undefined, notes: [] });
    expect(mxfp4(undefined)).toEqual({ fault: undefined, notes: [] });
  });

  test("is not checked for other models", () => {
    expect(judge({}, { gpus: [gpu(7)] })).toEqual({ fault: undefined, notes: [] });
  });
});

describe("a model that cannot be fetched", () => {
  const state = (failure: string, message = "") => fetchFault("m", { failure, message });

  test("is reported with the next step", () => {
    expect(state("GatedRepoError").message).toContain("it is gated");
    expect(state("GatedRepoError").hint).toContain("HF_TOKEN");
    expect(state("RepositoryNotFoundError").message).toContain("no such model, or it is private");
    expect(state("LocalEntryNotFoundError").message).toContain("the hub cannot be reached");
    expect(state("NoSuchFolder").message).toBe(
      'Cannot fetch the model "m": there is no such folder',
    );
    expect(state("OSError", "No space left on device").message).toContain("No space left");
  });
});
