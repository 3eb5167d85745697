/**
 * The speed of one worker model that jumps from change to change: requests of 200 output tokens per
 * second of wall time, on one core, with a sink that only counts.
 */
import { randomStream } from "dynbench";
import type { WorkerModel, WorkerRequest, WorkerSink } from "dynbench/engine";
import { TIMING_PRESETS, type TimingName } from "../../plugins/engines/mocker/gpus.ts";
import { createWorkerModel } from "../../plugins/engines/mocker/scheduler.ts";

export const name = "worker-model";

interface Case {
  readonly what: string;
  readonly timing: TimingName;
  readonly kvBlocks: number;
  readonly isl: number;
  /** Leading share of the prompt that a group of requests has in common. */
  readonly sharedShare: number;
  readonly inFlight: number;
  readonly requests: number;
  readonly drive: "jump" | "walk";
  readonly must?: number;
}

const CASES: readonly Case[] = [
  {
    what: "short prompts, 16 in flight, jumped",
    timing: "h100",
    kvBlocks: 7_123,
    isl: 512,
    sharedShare: 0.5,
    inFlight: 16,
    requests: 60_000,
    drive: "jump",
    must: 50_000,
  },
  {
    what: "the guide's lengths (14,000), 3 in flight, jumped",
    timing: "l40s",
    kvBlocks: 3_089,
    isl: 14_000,
    sharedShare: 0.5,
    inFlight: 3,
    requests: 20_000,
    drive: "jump",
  },
  {
    what: "14,000-token prompts, 20 in flight in 3,089 blocks, jumped",
    timing: "l40s",
    kvBlocks: 3_089,
    isl: 14_000,
    sharedShare: 0.5,
    inFlight: 20,
    requests: 20_000,
    drive: "jump",
  },
  {
    what: "short prompts, 200 in flight, jumped",
    timing: "dynamo",
    kvBlocks: 16_384,
    isl: 512,
    sharedShare: 0.5,
    inFlight: 200,
    requests: 40_000,
    drive: "jump",
  },
  {
    what: "short prompts, 16 in flight, walked step by step",
    timing: "h100",
    kvBlocks: 7_123,
    isl: 512,
    sharedShare: 0.5,
    inFlight: 16,
    requests: 30_000,
    drive: "walk",
  },
];

export async function run() {
  return CASES.map((it) => {
    measure({ ...it, requests: Math.ceil(it.requests / 10) }); // warm up the compiler
    const { perSecond, tokens } = measure(it);
    const note = `${tokens} tokens, block 64, timing ${it.timing}`;
    const row = { what: it.what, value: Math.round(perSecond), unit: "requests/s", note };
    return it.must === undefined ? row : { ...row, must: it.must };
  });
}

function measure(it: Case): { perSecond: number; tokens: number } {
  const limits = {
    blockSize: 64,
    kvBlocks: it.kvBlocks,
    maxNumSeqs: 256,
    maxNumBatchedTokens: 16_384,
    maxModelLen: Infinity,
  };
  const timing = TIMING_PRESETS[it.timing].timing(limits);
  const requests = requestsOf(it);
  let next = 0;
  let freed = 0;
  let generatedBlocks = 1_000_000_000;
  const sink: WorkerSink = {
    admitted() {},
    received() {},
    firstToken() {},
    tokens() {},
    lateToken() {},
    finished: () => (freed += 1),
    preempted() {},
    stored() {},
    removed() {},
    cleared() {},
    generatedBlock: () => (generatedBlocks += 1),
  };
  const model = createWorkerModel({ limits, timing, timeScale: 1, prefixCaching: true }, sink);
  const start = performance.now();
  for (; next < it.inFlight; next += 1) model.submit(requests[next]!, 0);
  const nextNs = it.drive === "jump" ? nextChange : nextStep;
  for (let atNs = nextNs(model); atNs < Infinity; atNs = nextNs(model)) {
    model.advance(atNs);
    for (; freed > 0; freed -= 1) {
      if (next < requests.length) model.submit(requests[next++]!, atNs);
    }
  }
  const seconds = (performance.now() - start) / 1e3;
  const { finished, generatedTokens } = model.counts;
  if (finished !== it.requests) throw new Error(`${finished} of ${it.requests} requests finished`);
  return { perSecond: it.requests / seconds, tokens: generatedTokens };
}

const nextChange = (model: WorkerModel): number => model.nextChangeNs;
const nextStep = (model: WorkerModel): number => model.nextStepNs;

/** Built beforehand; outputs of 180 to 220 tokens, so that requests do not end in step. */
function requestsOf(it: Case): WorkerRequest[] {
  const random = randomStream(0, "worker-model.bench", it.what);
  const blocks = Math.floor(it.isl / 64);
  const shared = Math.floor(blocks * it.sharedShare);
  let unique = 100_000;
  return Array.from({ length: it.requests }, (_, id) => {
    const group = random.int(20);
    const ids = new Int32Array(blocks);
    for (let i = 0; i < blocks; i += 1) ids[i] = i < shared ? group * 1_000 + i : unique++;
    return { id, blocks: ids, isl: it.isl, osl: 180 + random.int(41) };
  });
}

if (import.meta.main) console.table(await run());
