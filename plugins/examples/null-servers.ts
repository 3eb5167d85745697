/** Starts a server per worker and waits until each answers; for another server change the command. */
import { defineEngine, v } from "dynbench";
import { freePorts, servedModels, type Worker } from "dynbench/engine";

export default defineEngine({
  apiVersion: 2,
  name: "null-servers",
  summary: "Null servers of known timing as workers",
  options: v.strictObject({
    command: v.pipe(
      v.optional(v.string(), process.execPath), // dynbench itself
      v.description("Program that starts a worker"),
    ),
    workers: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 2),
      v.description("How many"),
    ),
  }),
  planes: ["http"],
  takesArguments: true,
  start: async ({ command, workers: count }, _plane, context) => {
    const { processes, host, signal, engineArgs } = context;
    await using started = new AsyncDisposableStack(); // ends what came up if another does not
    const workers: Worker[] = [];
    for (const [i, port] of freePorts(count).entries()) {
      const line = [command, "null-server", "--host", host, "--port", `${port}`, ...engineArgs];
      started.use(await processes.startForeign(`worker-${i}`, line));
      const url = `http://${host}:${port}`;
      workers.push({ id: `worker-${i}`, url, role: "aggregated", blockSize: 64 });
    }
    let servedModelName = "";
    for (const { url } of workers) servedModelName = await untilServed(url, signal);
    const owned = started.move();
    return {
      workers,
      servedModelName,
      facts: { command },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
});

async function untilServed(url: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const models = await servedModels(url, { signal }).catch(() => []);
    if (models[0]) return models[0].id;
    await Bun.sleep(50);
  }
}
