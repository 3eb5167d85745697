/**
 * Simulated engine workers: real HTTP, real KV events, and step times of a GPU that is not there.
 * The same worker model runs live behind the server and, without any I/O, on the virtual clock.
 */
import { defineEngine, v } from "dynbench";
import { startCluster } from "./cluster.ts";
import { mockerLaunches, startDynamoCluster } from "./dynamo-cluster.ts";
import { checkMocker, mockerOptions, resolveMocker } from "./mocker-options.ts";
import { createWorkerModel } from "./scheduler.ts";
import { startWorker } from "./server.ts";

const workerTask = v.strictObject({ index: v.number(), tokenizer: v.exactOptional(v.string()) });

export const mocker = defineEngine({
  name: "mocker",
  summary: "Simulated vLLM workers with a GPU's timing: no GPU, real HTTP and KV events",
  options: mockerOptions,
  planes: ["http", "dynamo"],
  planeDefaults: { dynamo: { timing: "dynamo" } },
  splitsOn: ["http", "dynamo"],
  check: checkMocker,
  limits: (options) => {
    const { limits, workers } = resolveMocker(options);
    const prefill = workers.filter(({ role }) => role === "prefill").length;
    return {
      ...limits,
      workers: workers.length,
      ...(prefill === 0 ? {} : { prefillWorkers: prefill }),
    };
  },
  timeScale: ({ speedup }) => speedup,
  processes: (options, plane) =>
    plane === "dynamo"
      ? mockerLaunches(options, { model: "MODEL" }).map(({ name, command }) => ({
          ...{ name, command },
          note: "all its workers in one process; MODEL is a folder that is written for it",
        }))
      : [...Map.groupBy(resolveMocker(options).workers, ({ role }) => role)].map(
          ([role, workers]) => ({
            name: role === "aggregated" ? "worker" : `${role} worker`,
            command: ["dynbench", "(child: one mocker worker)"],
            count: workers.length,
            note: "each on a free port, with a KV-event publisher and its replay beside it",
          }),
        ),
  start: (options, plane, context) =>
    plane === "dynamo" ? startDynamoCluster(options, context) : startCluster(options, context),
  serve: (options, task, context) =>
    startWorker({
      resolved: resolveMocker(options),
      modelPath: options.modelPath,
      kvEventsForm: options.kvEventsForm,
      task: v.parse(workerTask, task),
      context,
    }),
  model: (options) => {
    const { workers, limits, timing, timeScale, transfer, policy } = resolveMocker(options);
    const own = { limits, timing, timeScale, transfer, policy, prefixCaching: true };
    return { workers, limits, create: (_worker, sink) => createWorkerModel(own, sink) };
  },
});
