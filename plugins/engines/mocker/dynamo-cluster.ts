/**
 * The mocker on plane "dynamo": NVIDIA's own simulated workers (`python -m dynamo.mocker`), registered
 * and read back. They need a model folder with a tokenizer and a chat template; ours is written for them.
 */
import { join } from "node:path";
import { wordTokenizer, type EngineHandle, type StartContext, type Worker } from "dynbench";
import { awaitWorkers, openPlane, type DynamoPlane } from "../../dynamo/plane.ts";
import { probeModule } from "../../dynamo/python-module.ts";
import type { Registration } from "../../dynamo/registration.ts";
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
  const { version } = await probeModule(MODULE, { python, env, signal: context.signal });
  const model = join(folder, "model");
  await wordTokenizer.writeModelFolder(model);
  const command = [python, "-m", MODULE, ...mockerArguments(options, model)];
  const child = stack.use(await context.processes.startForeign("dynamo-mocker", command, { env }));
  const registered = await awaitWorkers(
    plane,
    { backend: roster.length },
    {
      limitMs: REGISTER_LIMIT_MS,
      signal: context.signal,
      hint: () => ["Last lines of dynamo-mocker:", ...child.lastLines(5)].join("\n  "),
    },
  );
  const owned = stack.move();
  return {
    workers: registered.map((each, index) =>
      workerOf(each, { id: roster[index]!.id, maxModelLen: limits.maxModelLen }),
    ),
    servedModelName,
    discovery: plane.discovery,
    ...(plane.kvEventMessages === undefined ? {} : { eventsPublished: plane.kvEventMessages }),
    facts: { engine: MODULE, dynamo: version, timing: "dynamo", timeScale, limits },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Flags of Dynamo 1.6.1's mocker for the options; its own timing and limits are ours with `--timing dynamo`. */
export function mockerArguments(options: MockerOptions, model: string): string[] {
  const { servedModelName, limits, timeScale, workers } = resolveMocker(options);
  const flags: Record<string, string | number> = {
    "--model-path": model,
    "--model-name": servedModelName,
    "--num-workers": workers.length,
    "--block-size": limits.blockSize,
    "--num-gpu-blocks-override": limits.kvBlocks,
    "--max-num-seqs": limits.maxNumSeqs,
    "--max-num-batched-tokens": limits.maxNumBatchedTokens,
    "--speedup-ratio": timeScale,
  };
  return Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
}

function workerOf(
  registered: Registration,
  { id, maxModelLen }: { id: string; maxModelLen: number },
): Worker {
  const { instance, component, card } = registered;
  return {
    id,
    url: "",
    role: component === "prefill" ? "prefill" : "aggregated",
    instance,
    blockSize: card!.blockSize,
    ...(card!.kvBlocks === undefined ? {} : { kvBlocks: card!.kvBlocks }),
    maxModelLen,
  };
}
