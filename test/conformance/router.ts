/**
 * Requirements for a router that is a program of its own, in front of workers that answer at once,
 * cache every block and report it: the router starts completely or not at all, leaves nothing behind,
 * brings every request to a worker, and does what its traits claim.
 */
import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { v, type Router, type RouterTraits } from "dynbench";
import type { EngineHandle, RouterHandle, StartContext } from "dynbench/engine";
import { ask, post, type Asked } from "./ask.ts";
import { startCachingWorker, type CachingWorker } from "./caching-worker.ts";
import type { TriedContext } from "./in-process.ts";
import { testOwnNames } from "./own-names.ts";
import { testStarts, triedParts, type Check } from "./start.ts";

export interface RouterSuite {
  readonly router: Router<any>;
  /** Raw options, for these workers; the URL of a router that was started elsewhere. */
  readonly options?: (workers: EngineHandle["workers"]) => Record<string, unknown>;
  /** A fresh context for each start: `realContext` of this module, or one of your own. */
  readonly context: () => TriedContext;
  /** Tests that do not apply, by name, each with its reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

const BLOCK_SIZE = 16;
const PROMPT_TOKENS = 4 * BLOCK_SIZE;
const WORKERS = 3;
const MODEL = "m";
/** Enough for chance to reach each of three workers: it misses one in 10^10. */
const REQUESTS = 60;

export function testRouter(suite: RouterSuite): void {
  const { router } = suite;
  const { context, check, checkSkips } = triedParts(suite);
  describe(`router ${router.name}`, () => {
    testOwnNames(router);

    test("is external: it has start, on plane http", () => {
      expect(router.start).toBeFunction();
      expect(router.plane).toBe("http");
    });

    test("the programs that it says it needs are those that its plan starts", () => {
      const programs = (router.needs ?? []).flatMap((need) =>
        "command" in need && need.onlyWith === undefined ? [need.command] : [],
      );
      if (programs.length === 0 || !router.start) return;
      const options = v.parse(router.options, suite.options?.([]) ?? {});
      const started = router
        .processes?.(options, WORKERS)
        .map(({ command }) => basename(command[0]!));
      expect(started).toEqual(expect.arrayContaining(programs));
    });

    check("starts in front of workers and gives addresses that answer", () =>
      withRouter(suite, context, async ({ handle, engine, askFor }) => {
        expect(handle.urls.length).toBeGreaterThan(0);
        for (const url of handle.urls) expect((await askFor(url, 1)).status).toBe(200);
        expect(handle.servedModelName ?? engine.servedModelName).toBe(MODEL);
        expect(JSON.parse(JSON.stringify(handle.facts))).toEqual(handle.facts);
      }),
    );

    testTraffic(suite, context, check);

    const started = startedParts(suite);
    testStarts({ ...started, context, urls: ({ urls }) => urls }, check);

    check("leaves the workers running", async () => {
      await withRouter(suite, context, async ({ handle, workers }) => {
        await handle[Symbol.asyncDispose]();
        for (const { worker } of workers) {
          expect((await fetch(`${worker.url}/health`)).status).toBe(200);
        }
      });
    });
    checkSkips();
  });
}

function testTraffic(suite: RouterSuite, context: () => TriedContext, check: Check): void {
  const traits = traitsOf(suite);

  check("brings each request to one worker, and the worker's whole answer back", () =>
    withRouter(suite, context, async ({ handle, served, askFor }) => {
      for (let i = 0; i < REQUESTS; i += 1) {
        const osl = 1 + (i % 7);
        const answer = await askFor(handle.urls[i % handle.urls.length]!, i, osl);
        expect(answer.status).toBe(200);
        expect(answer.isDone).toBe(true);
        expect(answer.usage).toMatchObject({
          prompt_tokens: PROMPT_TOKENS,
          completion_tokens: osl,
        });
      }
      expect(served().reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    }),
  );

  check("says no in a status of its own where the worker says no", () =>
    withRouter(suite, context, async ({ handle }) => {
      const response = await post(handle.urls[0]!, "/v1/no-such-path", { model: MODEL });
      await response.body?.cancel();
      expect(response.status).toBeGreaterThanOrEqual(400);
    }),
  );

  if (traits.spreads) {
    check("spreads: every worker gets work", () =>
      withRouter(suite, context, async ({ handle, served, askFor }) => {
        for (let i = 0; i < REQUESTS; i += 1) await askFor(handle.urls[i % handle.urls.length]!, i);
        expect(Math.min(...served())).toBeGreaterThan(0);
      }),
    );
  }

  if (traits.affinity) {
    check("has affinity: the same prompt goes to the same worker", () =>
      withRouter(suite, context, async ({ handle, served, askFor }) => {
        for (let i = 0; i < REQUESTS / 4; i += 1) await askFor(handle.urls[0]!, 1);
        expect(Math.max(...served())).toBe(REQUESTS / 4);
      }),
    );
  }

  check("a reset forgets without going away", () =>
    withRouter(suite, context, async ({ handle, askFor }) => {
      await handle.reset?.();
      for (const url of handle.urls) expect((await askFor(url, 3)).status).toBe(200);
    }),
  );
}

function traitsOf({ router, options }: RouterSuite): RouterTraits {
  return router.traits(v.parse(router.options, options?.([WORKER_STAND_IN]) ?? {}));
}

const WORKER_STAND_IN: EngineHandle["workers"][number] = {
  ...{ id: "worker-0", url: "http://127.0.0.1:1", role: "aggregated", blockSize: BLOCK_SIZE },
};

interface Routed {
  readonly handle: RouterHandle;
  readonly engine: EngineHandle;
  readonly workers: readonly CachingWorker[];
  /** Requests that each worker has answered since the router was up. */
  served(): number[];
  /** Sends prompt number `prompt`, in the widest form that the router takes. */
  askFor(url: string, prompt: number, osl?: number): Promise<Asked>;
}

/** A router in front of fresh workers, for one test. */
async function withRouter(
  suite: RouterSuite,
  context: () => TriedContext,
  use: (routed: Routed) => Promise<void>,
): Promise<void> {
  await using engine = freshEngine();
  const { workers } = engine;
  await using handle = await startRouter(suite, engine, context());
  const before = workers.map((worker) => worker.served);
  const served = (): number[] => workers.map((worker, i) => worker.served - before[i]!);
  const takesIds = traitsOf(suite).accepts.includes("ids");
  const askFor: Routed["askFor"] = (url, prompt, osl = 1) =>
    ask(url, { model: MODEL, prompt: takesIds ? tokens(prompt) : textOf(prompt), osl });
  await use({ handle, engine: engine.handle, workers, served, askFor });
}

function startRouter(
  { router, options }: RouterSuite,
  { handle }: FreshEngine,
  context: StartContext,
): Promise<RouterHandle> {
  return router.start!(v.parse(router.options, options?.(handle.workers) ?? {}), handle, context);
}

/** `start` for tests that look at nothing but the router's own life. */
function startedParts(suite: RouterSuite) {
  return {
    start: async (context: StartContext): Promise<RouterHandle> => {
      const engine = freshEngine();
      try {
        const handle = await startRouter(suite, engine, context);
        return {
          ...handle,
          [Symbol.asyncDispose]: async () => {
            await handle[Symbol.asyncDispose]();
            await engine[Symbol.asyncDispose]();
          },
        };
      } catch (error) {
        await engine[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

interface FreshEngine extends AsyncDisposable {
  readonly handle: EngineHandle;
  readonly workers: readonly CachingWorker[];
}

function freshEngine(): FreshEngine {
  const workers = Array.from({ length: WORKERS }, (_, i) =>
    startCachingWorker(`worker-${i}`, BLOCK_SIZE),
  );
  let isOver = false;
  const dispose = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
  };
  const handle: EngineHandle = {
    workers: workers.map(({ worker }) => worker),
    servedModelName: MODEL,
    facts: {},
    [Symbol.asyncDispose]: dispose,
  };
  return { handle, workers, [Symbol.asyncDispose]: dispose };
}

/** Prompt number `i`: whole blocks that no other one opens with. */
function tokens(i: number): number[] {
  return Array.from({ length: PROMPT_TOKENS }, (_, k) => 1_000 + ((i * 977 + k * 13) % 20_000));
}

/** The prompt as text, of which these workers count every byte as a token. */
function textOf(i: number): string {
  return `${i} and others `.repeat(PROMPT_TOKENS).slice(0, PROMPT_TOKENS);
}
