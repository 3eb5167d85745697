/** The processes of the mocker on plane dynamo. */
import { expect, test } from "bun:test";
import { v } from "dynbench";
import { mockerLaunches } from "../../../../plugins/engines/mocker/dynamo-cluster.ts";
import { mockerOptions } from "../../../../plugins/engines/mocker/mocker-options.ts";

const launches = (options: object, help?: string) =>
  mockerLaunches(v.parse(mockerOptions, { timing: "dynamo", python: "py", ...options }), {
    ...{ model: "/m" },
    ...(help === undefined ? {} : { help }),
  });

/** Limits of Dynamo's mocker: 16384 blocks of 64, 256 sequences, 8192 tokens a step. */
const LIMITS = [
  ...["--block-size", "64", "--num-gpu-blocks-override", "16384", "--max-num-seqs", "256"],
  ...["--max-num-batched-tokens", "8192"],
];

test("all workers are in one process, under the name that requests ask for", () => {
  expect(launches({ workers: 3, servedModelName: "mock", speedup: 10 })).toEqual([
    {
      ...{ name: "dynamo-mocker", component: "backend", count: 3 },
      command: [
        ...["py", "-m", "dynamo.mocker", "--model-path", "/m", "--model-name", "mock"],
        ...["--num-workers", "3", ...LIMITS, "--speedup-ratio", "10"],
      ],
    },
  ]);
});

test("split workers are a process for each role", () => {
  const split = launches({ prefillWorkers: 2, decodeWorkers: 1, kvTransferGbPerS: 10 });
  expect(split.map(({ name, component, count }) => [name, component, count])).toEqual([
    ["dynamo-mocker-prefill", "prefill", 2],
    ["dynamo-mocker-decode", "backend", 1],
  ]);
  const transfers = ["--kv-transfer-bandwidth", "10", "--kv-bytes-per-token", "131072"];
  expect(split.map(({ command }) => command.slice(-6))).toEqual([
    ["--disaggregation-mode", "prefill", ...transfers],
    ["--disaggregation-mode", "decode", ...transfers],
  ]);
});

test("older versions get the flag that they have for a role", () => {
  const help = "usage: x [--is-prefill-worker] [--is-decode-worker]\n";
  const split = launches({ prefillWorkers: 1, decodeWorkers: 1 }, help);
  expect(split.map(({ command }) => command.at(-1))).toEqual([
    "--is-prefill-worker",
    "--is-decode-worker",
  ]);
});
