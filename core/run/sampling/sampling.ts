/**
 * While load runs: the `/metrics` of workers and routers and the GPUs once a second, into `metrics.jsonl`.
 *
 * A line is `{cell, atMs, worker, values}`, `{cell, atMs, router, values}` with the number of the
 * router's replica, or `{cell, atMs, gpu, …}`. To keep the file small, a line has only the values that
 * are new since its server's line before, within a cell.
 */
import { gpuQuery, readGpuSamples, ThrottleWatch } from "./gpu-samples.ts";
import { readPrometheus } from "./prometheus.ts";
import { epochMs } from "../../system/clock.ts";
import { fetchControl } from "../../wire/http/control.ts";
import type { Finding } from "../../contract/result.ts";
import type { Worker } from "../../contract/request.ts";

const INTERVAL_MS = 1000;
/** An engine that answers more slowly is too busy to be asked. */
const ANSWER_LIMIT_MS = 900;
/** nvidia-smi without persistence mode wakes the GPU first. */
const GPU_LIMIT_MS = 5000;

export interface Sampled {
  readonly cell: string;
  readonly workers: readonly Worker[];
  /** Metrics addresses of the router's replicas. */
  readonly routers: readonly string[];
  /** Without any nvidia-smi is not run. */
  readonly gpus: readonly string[];
  /** Whole lines. */
  write(lines: string): void;
}

export interface Sampling {
  /** Takes a last sample and returns findings about the GPUs. */
  stop(): Promise<Finding[]>;
}

export function startSampling(sampled: Sampled): Sampling {
  const { cell, write } = sampled;
  const watch = new ThrottleWatch();
  const servers = serversOf(sampled);
  const before = new Map<Server, Map<string, number>>();
  const asksGpus = sampled.gpus.length > 0 && Bun.which("nvidia-smi") !== null;
  const line = (what: object): string => `${JSON.stringify({ cell, atMs: epochMs(), ...what })}\n`;

  const ask = async (server: Server): Promise<string> => {
    const now = readPrometheus(await fetchControl(server.url, { limitMs: ANSWER_LIMIT_MS }));
    const known = before.get(server);
    const news = [...now].filter(([name, value]) => known?.get(name) !== value);
    before.set(server, now);
    return news.length === 0 ? "" : line({ ...server.name, values: Object.fromEntries(news) });
  };
  const askGpus = async (): Promise<string> => {
    const query = Bun.spawn(gpuQuery(sampled.gpus), {
      stdin: "ignore",
      stderr: "ignore",
      timeout: GPU_LIMIT_MS,
    });
    const samples = readGpuSamples(await new Response(query.stdout).text());
    for (const sample of samples) watch.add(sample);
    return samples.map(line).join("");
  };
  const sample = async (): Promise<void> => {
    const asked = [...servers.map(ask), ...(asksGpus ? [askGpus()] : [])];
    // A server that does not answer is reported elsewhere; here its line is missing.
    const outcomes = await Promise.allSettled(asked);
    const lines = outcomes.map((one) => (one.status === "fulfilled" ? one.value : "")).join("");
    if (lines !== "") write(lines);
  };

  let running: Promise<void> | undefined;
  const tick = (): void => {
    running ??= sample().finally(() => (running = undefined));
  };
  tick();
  const timer = setInterval(tick, INTERVAL_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      await sample();
      return watch.findings();
    },
  };
}

/** Addresses to ask, and the name of each in a line. */
interface Server {
  readonly url: string;
  readonly name: { readonly worker: string } | { readonly router: number };
}

function serversOf({ workers, routers }: Sampled): Server[] {
  return [
    ...workers.flatMap(({ id, metricsUrl: url }) =>
      url === undefined ? [] : [{ url, name: { worker: id } }],
    ),
    ...routers.map((url, router) => ({ url, name: { router } })),
  ];
}
