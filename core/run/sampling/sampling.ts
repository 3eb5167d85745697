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
const COUNT_TRIES = 5;
const COUNT_WAIT_MS = 100;

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
  /** Resolves once each server was asked for the first time. */
  readonly begun: Promise<void>;
  /**
   * Requests that the workers ended between the first and the last sample, by their own counters;
   * undefined where one of them does not count. Ask after `stop`. A worker may count an answer after it
   * was read: while fewer than `answered` are counted, they are asked again, for half a second.
   */
  served(answered: number): Promise<number | undefined>;
  /** Takes a last sample and returns findings about the GPUs. */
  stop(): Promise<Finding[]>;
}

export function startSampling(sampled: Sampled): Sampling {
  const { cell, write } = sampled;
  const watch = new ThrottleWatch();
  const servers = serversOf(sampled);
  const before = new Map<Server, Map<string, number>>();
  const counts = new ServedCounts();
  const asksGpus = sampled.gpus.length > 0 && Bun.which("nvidia-smi") !== null;
  const line = (what: object): string => `${JSON.stringify({ cell, atMs: epochMs(), ...what })}\n`;

  const ask = async (server: Server): Promise<string> => {
    const now = readPrometheus(await fetchControl(server.url, { limitMs: ANSWER_LIMIT_MS }));
    const known = before.get(server);
    const news = [...now].filter(([name, value]) => known?.get(name) !== value);
    before.set(server, now);
    counts.add(server.url, now);
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
  const begun = running!.then(() => counts.begin());
  const timer = setInterval(tick, INTERVAL_MS);
  const counting = sampled.workers.map(({ metricsUrl }) => metricsUrl);
  return {
    begun,
    served: async (answered) => {
      for (let tries = 0; tries < COUNT_TRIES; tries += 1) {
        const served = counts.served(counting);
        if (served === undefined || served >= answered) break;
        await Bun.sleep(COUNT_WAIT_MS);
        await sample();
      }
      return counts.served(counting);
    },
    stop: async () => {
      clearInterval(timer);
      await running;
      await sample();
      return watch.findings();
    },
  };
}

/** How many requests servers ended, from their first sample to their last. */
class ServedCounts {
  readonly #first = new Map<string, number>();
  readonly #last = new Map<string, number>();
  #hasBegun = false;

  add(url: string, values: ReadonlyMap<string, number>): void {
    const ended = endedRequests(values);
    if (ended === undefined) return;
    if (!this.#hasBegun) this.#first.set(url, ended);
    this.#last.set(url, ended);
  }

  /** Whoever has not answered by now has no first count: requests may have ended before its next. */
  begin(): void {
    this.#hasBegun = true;
  }

  served(urls: readonly (string | undefined)[]): number | undefined {
    const ended = urls.map((url = "") => this.#last.get(url)! - this.#first.get(url)!);
    // NaN where there is no count; a server that was restarted counts from zero again.
    return ended.length > 0 && ended.every((count) => count >= 0)
      ? ended.reduce((sum, count) => sum + count, 0)
      : undefined;
  }
}

/** Of vLLM (also the mocker), with a series for each reason, and of SGLang. */
const ENDED = ["vllm:request_success_total", "sglang:num_requests_total"] as const;

function endedRequests(values: ReadonlyMap<string, number>): number | undefined {
  const found = [...values].filter(([series]) => ENDED.some((name) => series.startsWith(name)));
  return found.length === 0 ? undefined : found.reduce((sum, [, value]) => sum + value, 0);
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
