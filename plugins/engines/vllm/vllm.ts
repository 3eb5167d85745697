/**
 * vLLM servers as workers: `vllm serve` once for each, behind our routers or any other that speaks
 * OpenAI's API. What is checked before they start is what would else be found minutes later.
 */
import { defineEngine } from "dynbench";
import { startCluster } from "./cluster.ts";
import { serverCommand, serverEnv } from "./command.ts";
import { DISTRIBUTIONS } from "./installation.ts";
import { checkVllm, environmentOf, GUIDE_WORKERS, vllmOptions } from "./vllm-options.ts";

export const vllm = defineEngine({
  name: "vllm",
  summary: "vLLM servers, started on this machine's GPUs or through ssh or a container",
  options: vllmOptions,
  planes: ["http"],
  needs: [{ packages: DISTRIBUTIONS, install: "pip install vllm" }],
  takesArguments: true,
  check: checkVllm,
  limits: ({ workers = GUIDE_WORKERS, blockSize, kvBlocks, maxModelLen, ...options }) => ({
    workers,
    blockSize,
    maxModelLen,
    maxNumBatchedTokens: options.maxNumBatchedTokens,
    ...(kvBlocks === undefined ? {} : { kvBlocks }),
    ...(options.maxNumSeqs === undefined ? {} : { maxNumSeqs: options.maxNumSeqs }),
  }),
  processes: (options) => [
    {
      name: "worker",
      command: serverCommand({
        options,
        program: "serve",
        flags: new Set(),
        ports: { http: "PORT", kvEvents: "PORT", replay: "PORT" },
        engineArgs: [],
      }),
      env: serverEnv({ gpus: ["…"], cpus: undefined, users: environmentOf(options.env, {}) }),
      ...(options.workers === undefined ? {} : { count: options.workers }),
      note: "flags that the vLLM found does not know are left out; everything after -- is added",
    },
  ],
  start: (options, _plane, context) => startCluster(options, context),
});
