/**
 * Waits until a model server is ready, and reads its facts. `/health` alone proves nothing: an engine that
 * dies of its first request is healthy until then. So each server must answer one request.
 */
import { DynbenchError, given, messageOf } from "dynbench";
import {
  fetchControl,
  type ForeignProcess,
  type Logger,
  servedModels,
  startFault,
  untilReady,
  urlHost,
  type Worker,
} from "dynbench/engine";
import type { Ports } from "./placement.ts";
import type { ServerKind } from "./server-kind.ts";
import type { ServerOptions } from "./server-options.ts";

/** Token ids that every vocabulary has; enough of them to fill no block. */
const WARM_UP_PROMPT = [5, 6, 7, 8, 9, 10, 11, 12];
const WARM_UP_TOKENS = 2;

export interface ServerPlace {
  readonly kind: ServerKind;
  readonly id: string;
  readonly options: ServerOptions;
  readonly flags: ReadonlySet<string>;
  readonly engineArgs: readonly string[];
  readonly ports: Ports;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export interface ReadyServer {
  readonly worker: Worker;
  readonly servedModelName: string;
  readonly version: string | undefined;
  readonly canReset: boolean;
}

/** Waits for the server, warms it up and reads its facts. */
export async function serverReady(
  program: ForeignProcess,
  place: ServerPlace,
): Promise<ReadyServer> {
  const { kind, id, options, flags, engineArgs, ports, signal, limitMs } = place;
  const host = options.workerHost;
  const url = `http://${urlHost(host)}:${ports.http}`;
  const request = { signal };
  await untilReady(program, {
    ...place,
    explain: kind.explain,
    isUp: () => fetchControl(`${url}/health`, request),
  });
  const model = (await servedModels(url, request))[0]!;
  try {
    await fetchControl(`${url}/v1/completions`, {
      ...request,
      method: "POST",
      limitMs,
      body: {
        model: model.id,
        prompt: WARM_UP_PROMPT,
        max_tokens: WARM_UP_TOKENS,
        ignore_eos: true,
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    const state = `it is healthy and does not answer: ${messageOf(error)}`;
    throw startFault(program, { explain: kind.explain }, state);
  }
  program.guard();
  const [facts, reset] = await Promise.all([
    kind.ask({ url, host, ports, options, flags, engineArgs, request }),
    optional(() => kind.resetCache?.(url, signal) ?? Promise.resolve(false)),
  ]);
  signal.throwIfAborted();
  const { blockSize, version, hint, maxModelLen = model.maxModelLen, ...rest } = facts;
  if (blockSize === undefined) {
    throw new DynbenchError("start", `${id} does not report its block size`, {
      hint: hint ?? `Use a newer ${kind.title}`,
    });
  }
  return {
    servedModelName: model.id,
    version,
    canReset: reset === true,
    worker: {
      ...{ id, url, role: "aggregated", blockSize, ...rest },
      ...given({ maxModelLen }),
    },
  };
}

/** A request whose failure does not make the server unusable; undefined then. */
export async function optional<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
