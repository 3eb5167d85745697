/** Engines and routers that each break one rule of `start`. `broken.test.ts` sees which test finds it. */
import {
  defineEngine,
  defineRouter,
  v,
  type EngineHandle,
  type ProcessHandle,
  type RouterHandle,
  type StartContext,
  type Worker,
} from "dynbench";
import { startCachingWorker } from "../caching-worker.ts";
import { testEngine } from "../engine.ts";
import { inProcessContext } from "../in-process.ts";
import { testRouter } from "../router.ts";

// ---------------------------------------------------------------------------------------- engines

interface EngineFault {
  /** Those of a failed start stay up. */
  readonly leaks?: true;
  readonly ignoresAbort?: true;
  readonly disposesOnce?: true;
  /** Disposing ends all but the last. */
  readonly forgetsOne?: true;
  readonly sameName?: true;
}

function engine(name: string, fault: EngineFault = {}): void {
  const plugin = defineEngine({
    name,
    summary: "x",
    options: v.strictObject({}),
    planes: ["http"],
    serve: async (_options, _task, context) => {
      const worker = startCachingWorker(context.name, 16);
      return { ready: worker.worker, [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose]() };
    },
    start: async (_options, _plane, { processes, signal }): Promise<EngineHandle> => {
      const started: (ProcessHandle & { ready: unknown })[] = [];
      const end = async (count = started.length): Promise<void> => {
        for (const one of started.slice(0, count)) await one[Symbol.asyncDispose]();
      };
      try {
        for (const i of [0, 1]) {
          const use = { kind: "engine", name, source: "bundled", options: {} } as const;
          started.push(await processes.startSelf(`worker-${i}`, use, {}));
          if (!fault.ignoresAbort) signal.throwIfAborted();
        }
      } catch (cause) {
        if (!fault.leaks) await end();
        throw cause;
      }
      let isOver = false;
      return {
        workers: started.map(({ ready }, i) => {
          return { ...(ready as Worker), id: fault.sameName ? "worker" : `worker-${i}` };
        }),
        servedModelName: "m",
        facts: {},
        [Symbol.asyncDispose]: async () => {
          if (fault.disposesOnce && isOver) throw new Error("it is over");
          isOver = true;
          await end(fault.forgetsOne ? 1 : undefined);
        },
      };
    },
  });
  testEngine({
    engine: plugin,
    options: {},
    context: () => inProcessContext(plugin, ""),
    skip: {
      "refuses in OpenAI's shape what it cannot serve": "not what is tried here",
      "stops working for a client that went away": "not what is tried here",
      "tells the cached part of a repeated prompt, and none after a reset": "it cannot be reset",
      "computes at least one token of a prompt that is cached whole": "it computes none",
    },
  });
}

engine("whole");
engine("leaks", { leaks: true });
engine("ignores-abort", { ignoresAbort: true });
engine("disposes-once", { disposesOnce: true });
engine("forgets-one", { forgetsOne: true });
engine("same-name", { sameName: true });

// ---------------------------------------------------------------------------------------- routers

interface RouterFault {
  readonly ignoresAbort?: true;
  readonly disposesOnce?: true;
  readonly staysUp?: true;
  readonly sendsToOne?: true;
  readonly cuts?: true;
  readonly endsWorkers?: true;
  readonly alwaysFine?: true;
  readonly needsOther?: true;
}

function router(
  name: string,
  fault: RouterFault,
  traits = { affinity: false, spreads: true },
): void {
  testRouter({
    router: defineRouter({
      name,
      summary: "x",
      plane: "http",
      options: v.strictObject({}),
      traits: () => ({ accepts: ["ids"], kvEvents: false, ...traits }),
      ...(fault.needsOther ? { needs: [{ command: "other", install: "x" }] } : {}),
      start: (_options, up, context) => startProxy(up, context, fault),
    }),
    context: () => inProcessContext({ name }, ""),
  });
}

async function startProxy(
  up: EngineHandle,
  { signal }: StartContext,
  fault: RouterFault,
): Promise<RouterHandle> {
  if (!fault.ignoresAbort) signal.throwIfAborted();
  let turn = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { url } = up.workers[fault.sendsToOne ? 0 : turn++ % up.workers.length]!;
      const body = request.method === "POST" ? await request.text() : undefined;
      const { pathname } = new URL(request.url);
      const response = await fetch(url + pathname, {
        method: request.method,
        ...(body ? { body } : {}),
      });
      const text = await response.text();
      return new Response(fault.cuts ? text.slice(0, text.length / 2) : text, {
        status: fault.alwaysFine ? 200 : response.status,
        headers: { "content-type": response.headers.get("content-type") ?? "text/plain" },
      });
    },
  });
  let isOver = false;
  return {
    urls: [`http://127.0.0.1:${server.port}`],
    facts: {},
    [Symbol.asyncDispose]: async () => {
      if (fault.disposesOnce && isOver) throw new Error("it is over");
      isOver = true;
      if (fault.endsWorkers) await up[Symbol.asyncDispose]();
      if (!fault.staysUp) await server.stop(true);
    },
  };
}

router("whole", {});
router("ignores-abort", { ignoresAbort: true });
router("disposes-once", { disposesOnce: true });
router("stays-up", { staysUp: true });
router("sends-to-one", { sendsToOne: true });
router("cuts", { cuts: true });
router("ends-workers", { endsWorkers: true });
router("always-fine", { alwaysFine: true });
router("needs-other", { needsOther: true });
router("deals", {}, { affinity: true, spreads: true });
