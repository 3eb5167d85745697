/**
 * The mocker on plane "dynamo": NVIDIA's own simulated workers (`python -m dynamo.mocker`), registered
 * and read back. They need a model folder with a tokenizer and a chat template; ours is written for them.
 */
import { join } from "node:path";
import { given } from "dynbench";
import {
  chosenTokenizer,
  type EngineHandle,
  promptTokenizer,
  type StartContext,
  wordTokenizer,
  type Worker,
  type WorkerRole,
} from "dynbench/engine";
import { helpFlags } from "../../shared/dynamo/help-flags.ts";
import { openPlane } from "../../shared/dynamo/plane.ts";
import { probeModule } from "../../shared/dynamo/python-module.ts";
import type { Registration } from "../../shared/dynamo/registration.ts";
import { componentOf, startWorkers, type WorkerLaunch } from "../../shared/dynamo/workers.ts";
import { resolveMocker, type MockerOptions } from "./mocker-options.ts";

/** They register within 1.5 s; a machine under load takes ten times that and more. */
const REGISTER_LIMIT_MS = 60_000;
const MODULE = "dynamo.mocker";

export async function startDynamoCluster(
  options: MockerOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const { workers: roster, servedModelName, limits, timeScale } = resolveMocker(options);
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await openPlane(options.python, context));
  const { env, python, folder } = plane.discovery;
  const { version, help } = await probeModule(MODULE, { python, env, signal: context.signal });
  // Not that of --model-path: Dynamo never serves a folder that lacks a chat template, and waits for ever.
  const tokenizer = await chosenTokenizer(options.tokenizer, undefined);
  await promptTokenizer(tokenizer, "chat");
  const model = tokenizer ?? join(folder, "model");
  if (tokenizer === undefined) await wordTokenizer.writeModelFolder(model);
  const registered = await startWorkers(plane, mockerLaunches(options, { model, help }), {
    ...{ model: servedModelName, limitMs: REGISTER_LIMIT_MS, context, stack },
  });
  const owned = stack.move();
  return {
    workers: workersOf(registered, roster, limits.maxModelLen),
    servedModelName,
    ...given({ tokenizer }),
    bareText: true, // measured: its frontend (1.6.1) puts no first token before a text
    discovery: plane.discovery,
    ...given({ eventsPublished: plane.kvEventMessages }),
    facts: { engine: MODULE, dynamo: version, timing: "dynamo", timeScale, limits },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * One process for each role, with all workers of it. Flags are those of Dynamo 1.6.1's mocker, and of
 * older ones where its `help` lists those; its timing and limits are what `--timing dynamo` means.
 */
export function mockerLaunches(
  options: MockerOptions,
  { model, help }: { readonly model: string; readonly help?: string },
): WorkerLaunch[] {
  const { servedModelName, limits, timeScale, workers } = resolveMocker(options);
  const roles = Map.groupBy(workers, ({ role }) => role);
  return [...roles].map(([role, { length: count }]) => {
    const flags: Record<string, string | number> = {
      "--model-path": model,
      "--model-name": servedModelName,
      "--num-workers": count,
      "--block-size": limits.blockSize,
      "--num-gpu-blocks-override": limits.kvBlocks,
      "--max-num-seqs": limits.maxNumSeqs,
      "--max-num-batched-tokens": limits.maxNumBatchedTokens,
      "--speedup-ratio": timeScale,
    };
    const values = Object.entries(flags).flat().map(String);
    return {
      name: role === "aggregated" ? "dynamo-mocker" : `dynamo-mocker-${role}`,
      component: componentOf(role),
      count,
      command: [options.python, "-m", MODULE, ...values, ...roleFlags(role, { options, help })],
    };
  });
}

/** Transfers take as long as ours: bytes by bandwidth. Dynamo's mocker has no fixed time. */
function roleFlags(
  role: WorkerRole,
  { options, help }: { options: MockerOptions; help: string | undefined },
): string[] {
  if (role === "aggregated") return [];
  const known = help === undefined ? undefined : helpFlags(help);
  const has = (flag: string): boolean => known?.has(flag) ?? true;
  const mode = has("--disaggregation-mode")
    ? ["--disaggregation-mode", role]
    : [`--is-${role}-worker`];
  const transfer = {
    "--kv-transfer-bandwidth": options.kvTransferGbPerS,
    "--kv-bytes-per-token": options.kvBytesPerToken,
  };
  return [
    ...mode,
    ...Object.entries(transfer).flatMap(([flag, value]) => (has(flag) ? [flag, `${value}`] : [])),
  ];
}

/** Each registration under a name of its role; within a role the order of names has no meaning. */
function workersOf(
  registered: readonly Registration[],
  roster: readonly Pick<Worker, "id" | "role">[],
  maxModelLen: number,
): Worker[] {
  const left = [...registered];
  return roster.map(({ id, role }) => {
    const at = left.findIndex(({ component }) => component === componentOf(role));
    const { instance, card } = left.splice(at, 1)[0]!;
    const { blockSize, kvBlocks } = card!;
    return {
      ...{ id, url: "", role, instance, blockSize, maxModelLen },
      ...given({ kvBlocks }),
    };
  });
}
