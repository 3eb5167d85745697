/** Engines and routers that each break one rule of `start`. `broken.test.ts` sees which test finds it. */
import { defineEngine, defineRouter, v } from "dynbench";
import type {
  EngineHandle,
  EngineModel,
  ProcessHandle,
  RouterHandle,
  StartContext,
  Worker,
} from "dynbench/engine";
import { startCachingWorker } from "../caching-worker.ts";
import { testEngine } from "../engine.ts";
import { inProcessContext } from "../in-process.ts";
import { testRouter } from "../router.ts";

// ---------------------------------------------------------------------------------------- engines

interface EngineFault {
  /** Processes of a failed start stay up. */
  readonly leaks?: true;
  readonly ignoresAbort?: true;
  readonly disposesOnce?: true;
  /** Disposing ends all but the last. */
  readonly forgetsOne?: true;
  readonly sameName?: true;
  /** All its workers are the same one. */
  readonly sameAddress?: true;
  /** Each worker publishes the events of the other's cache. */
  readonly swapsEvents?: true;
  /** Its answers have one token fewer than their usage. */
  readonly shortAnswers?: true;
  /** Its model has more workers than it starts. */
  readonly otherModel?: true;
}

function engine(name: string, fault: EngineFault = {}): void {
  const plugin = defineEngine({
    name,
    summary: "x",
    options: v.strictObject({}),
    planes: ["http"],
    serve: async (_options, _task, context) => {
      await using stack = new AsyncDisposableStack();
      const { worker } = stack.use(startCachingWorker(context.name, 16));
      const url = fault.shortAnswers ? stack.use(shortening(worker.url)).url.origin : worker.url;
      const owned = stack.move();
      return { ready: { ...worker, url }, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
    ...(fault.otherModel ? OTHER_MODEL : {}),
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
      const own = started.map(({ ready }) => ready as Worker);
      return {
        workers: own.map((worker, i) => ({
          ...(fault.sameAddress ? own[0]! : worker),
          ...(fault.swapsEvents ? { kvEvents: own[1 - i]!.kvEvents! } : {}),
          id: fault.sameName ? "worker" : `worker-${i}`,
        })),
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

/** In front of a worker: takes the first event out of every stream. */
function shortening(url: string) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const body = request.method === "POST" ? { body: await request.text() } : {};
      const answer = await fetch(url + pathname, { method: request.method, ...body });
      const text = await answer.text();
      const isStream = text.startsWith("data: ");
      return new Response(isStream ? text.slice(text.indexOf("data: ", 1)) : text, {
        status: answer.status,
      });
    },
  });
}

const LIMITS = { blockSize: 16, kvBlocks: 100, maxModelLen: 1000 };
const OTHER_MODEL = {
  limits: () => ({ ...LIMITS, workers: 2 }),
  model: (): EngineModel => ({
    workers: ["worker-0", "worker-1", "worker-2"].map((id) => ({ id, role: "aggregated" })),
    limits: LIMITS as EngineModel["limits"],
    create: () => {
      throw new Error("not what is tried here");
    },
  }),
};

engine("whole");
engine("same-address", { sameAddress: true });
engine("swaps-events", { swapsEvents: true });
engine("short-answers", { shortAnswers: true });
engine("other-model", { otherModel: true });
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
