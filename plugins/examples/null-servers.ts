/** Starts a server per worker and waits until each answers; for another server change the command. */
import { defineEngine, servedModels, v, type Worker } from "dynbench";

export default defineEngine({
  name: "null-servers",
  summary: "Null servers of known timing as workers",
  options: v.strictObject({
    command: v.pipe(
      v.optional(v.string(), "dynbench"),
      v.description("Program that starts a worker"),
    ),
    workers: v.pipe(v.optional(v.number(), 2), v.description("How many")),
    firstPort: v.pipe(v.optional(v.number(), 9200), v.description("Port of worker-0")),
  }),
  planes: ["http"],
  takesArguments: true,
  start: async ({ command, workers: count, firstPort }, _plane, context) => {
    const { processes, host, signal, engineArgs } = context;
    await using started = new AsyncDisposableStack(); // ends what came up if another does not
    const workers: Worker[] = [];
    for (let i = 0; i < count; i += 1) {
      const port = firstPort + i;
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
