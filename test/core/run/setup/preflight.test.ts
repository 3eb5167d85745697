/** Preflight against engines and routers that do not do what they declare. */
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import {
  preflightRouter,
  preflightWorkers,
  proveReset,
  type PreflightTarget,
} from "../../../../core/run/setup/preflight.ts";
import type { IndexState, RunningRouter } from "../../../../core/run/setup/router-up.ts";
import type { RouterTraits } from "../../../../core/contract/router.ts";
import type { Worker } from "../../../../core/contract/request.ts";

// Preflight counts how long it has waited by its own sleeps, so they may take no time.
const { sleep: realSleep } = Bun;
const sleep = spyOn(Bun, "sleep").mockImplementation(() => realSleep(0));
afterAll(() => sleep.mockRestore());

/** A worker whose n-th answer reports so many cached prompt tokens; undefined: reports none. */
function worker(id: string, ...cached: (number | undefined)[]): Worker {
  let asked = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      const hit = cached[Math.min(asked, cached.length - 1)];
      asked += 1;
      const details = hit === undefined ? {} : { prompt_tokens_details: { cached_tokens: hit } };
      const frames = [
        { choices: [{ text: "a", finish_reason: "length" }] },
        { choices: [], usage: { prompt_tokens: 129, completion_tokens: 2, ...details } },
      ];
      return new Response(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
  afterAll(() => server.stop(true));
  return { id, url: `http://127.0.0.1:${server.port}`, role: "aggregated", blockSize: 64 };
}

const target = (...workers: Worker[]): PreflightTarget => ({
  engine: { workers, servedModelName: "m", facts: {}, [Symbol.asyncDispose]: async () => {} },
  wire: { form: "ids", connection: "keep-alive", headers: {}, body: {} },
  seed: 0,
  timeoutS: 5,
  signal: new AbortController().signal,
});

describe("workers", () => {
  test("that cache pass, and one that does not report cached tokens is a note", async () => {
    expect(await preflightWorkers(target(worker("a", 0, 128), worker("b", 0, 64)))).toEqual([]);
    expect(await preflightWorkers(target(worker("c", undefined)))).toEqual([
      'Worker "c" does not report how many prompt tokens it found in its cache',
    ]);
  });

  test("may be absent: a router started by others has its own", async () => {
    expect(await preflightWorkers(target())).toEqual([]);
  });

  test("that compute a prompt again are refused by name", async () => {
    await expect(
      preflightWorkers(target(worker("a", 0, 128), worker("b", 0, 0))),
    ).rejects.toMatchObject({
      code: "start",
      message: expect.stringContaining('worker "b" computed a prompt again'),
    });
  });

  test("that are split may still be at a prompt whose answer has begun: they are asked again", async () => {
    const split = (...cached: number[]): Worker => ({ ...worker("p", ...cached), role: "prefill" });
    expect(await preflightWorkers(target(split(0, 0, 0, 128)))).toEqual([]);
    await expect(preflightWorkers(target(split(0)))).rejects.toThrow("computed a prompt again");
  });

  test("that do not answer are refused with a command to try one alone", async () => {
    const gone = { ...worker("gone"), url: "http://127.0.0.1:1" };
    await expect(preflightWorkers(target(gone))).rejects.toMatchObject({
      message: expect.stringContaining('worker "gone" does not answer'),
      hint: "Try it alone: dynbench ping http://127.0.0.1:1",
    });
  });

  test("are proved to be reset by a miss", async () => {
    const none = { urls: [] };
    expect(await proveReset(target(worker("a", 0)), none, {})).toBeUndefined();
    expect(await proveReset(target(worker("a", 0), worker("b", 128)), none, {})).toBe(
      'Worker "b" still had 128 prompt tokens cached after its reset',
    );
  });

  test("that have no URL are proved through the router, pinned by their role's header", async () => {
    const pinned: string[] = [];
    const front = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const id = request.headers.get("x-pin");
        pinned.push(String(id));
        const usage = {
          ...{ prompt_tokens: 129, completion_tokens: 2 },
          prompt_tokens_details: { cached_tokens: id === "18" ? 64 : 0 },
        };
        const frames = [
          { choices: [{ text: "a", finish_reason: "length" }] },
          { choices: [], usage },
        ];
        return new Response(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""), {
          headers: { "content-type": "text/event-stream" },
        });
      },
    });
    afterAll(() => front.stop(true));
    const router = { urls: [`http://127.0.0.1:${front.port}`] };
    const traits = { pinHeaders: { aggregated: "x-pin" } };
    const hidden = (id: string, role: Worker["role"], instance: string): Worker => ({
      ...{ id, url: "", role, instance, blockSize: 64 },
    });
    const clean = target(hidden("a", "aggregated", "17"));
    expect(await proveReset(clean, router, traits)).toBeUndefined();
    const warm = target(hidden("a", "aggregated", "17"), hidden("b", "aggregated", "18"));
    expect(await proveReset(warm, router, traits)).toBe(
      'Worker "b" still had 64 prompt tokens cached after its reset',
    );
    expect(pinned.toSorted()).toEqual(["17", "17", "18"]);
    expect(await proveReset(target(hidden("c", "decode", "18")), router, traits)).toBeUndefined();
    expect(await proveReset(target(hidden("d", "prefill", "18")), router, traits)).toBeUndefined();
  });
});

describe("routers", () => {
  const traits = (more: Partial<RouterTraits>): RouterTraits => ({
    ...{ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false },
    ...more,
  });
  const router = (url: string, events?: number[]): RunningRouter => ({
    ...{ arm: 0, urls: [url], facts: {}, [Symbol.asyncDispose]: async () => {} },
    ...(events === undefined
      ? {}
      : { eventsApplied: async () => (events.length > 1 ? events.shift()! : events[0]!) }),
  });
  const place = { ...target(), start: 0, label: "kv" };

  test("without promises must only answer", async () => {
    const { url } = worker("a", 0);
    expect(await preflightRouter(router(url), traits({}), place)).toEqual([]);
  });

  test("that promise affinity must find the prompt again", async () => {
    const check = (...cached: (number | undefined)[]) =>
      preflightRouter(router(worker("a", ...cached).url), traits({ affinity: true }), place);
    expect(await check(0, 128)).toEqual([]);
    expect(await check(undefined)).toEqual(['Arm "kv" does not pass on cached token counts']);
    await expect(check(0, 0)).rejects.toThrow(
      'arm "kv" sent the same prompt twice and found nothing cached',
    );
  });

  test("that route by a key are tested with one: without it the copies may go anywhere", async () => {
    const behind = worker("a", 0, 128);
    const asked: (string | null)[] = [];
    const byKey = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        asked.push(request.headers.get("x-session-id"));
        return fetch(behind.url, { method: "POST", body: await request.text() });
      },
    });
    afterAll(() => byKey.stop(true));
    const promised = traits({ affinity: true, keyHeader: "x-session-id" });
    await preflightRouter(router(`http://127.0.0.1:${byKey.port}`), promised, place);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBeTruthy();
    expect(asked[1]).toBe(asked[0]);
  });

  /** Answers for the worker that the pin header names, or for another one. */
  function frontend(answers: (pinned: string | null) => string, cachedSecond: number): string {
    const seen = new Set<string>();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const pinned = request.headers.get("x-pin");
        const { extra } = (await request.json()) as { extra?: string };
        const key = String(pinned);
        const cached = seen.has(key) ? cachedSecond : 0;
        seen.add(key);
        const nvext = `"nvext":{"worker_id":{"decode_worker_id":${answers(pinned)}}}`;
        const frames = [
          `{"choices":[{"text":"a","finish_reason":"length"}]${extra === "yes" ? `,${nvext}` : ""}}`,
          `{"choices":[],"usage":{"prompt_tokens":129,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":${cached}}}}`,
        ];
        return new Response(frames.map((frame) => `data: ${frame}\n\n`).join(""), {
          headers: { "content-type": "text/event-stream" },
        });
      },
    });
    afterAll(() => server.stop(true));
    return `http://127.0.0.1:${server.port}`;
  }

  describe("that alone reach the workers", () => {
    /** Two ids that are equal as doubles. */
    const ids = ["15212263236840132949", "15212263236840132950"];
    const behind = ids.map((instance, i): Worker => ({
      ...{ id: `worker-${i}`, url: "", role: "aggregated", blockSize: 64, instance },
    }));
    const check = (url: string) =>
      preflightRouter(
        router(url),
        traits({ pinHeaders: { aggregated: "x-pin" }, requestFields: { extra: "yes" } }),
        { ...target(...behind), start: 0, label: "dynamo" },
      );

    test("are tested with each worker, by its id", async () => {
      expect(await check(frontend((pinned) => pinned ?? ids[0]!, 128))).toEqual([]);
    });

    test("must respect the id", async () => {
      await expect(check(frontend(() => ids[0]!, 128))).rejects.toThrow(
        `a request pinned to worker "worker-1" was served by ${ids[0]}`,
      );
    });

    test("must have workers that cache", async () => {
      await expect(check(frontend((pinned) => pinned ?? ids[0]!, 0))).rejects.toThrow(
        "computed a prompt again",
      );
    });
  });

  test("missing events are reported as never published or as not received", async () => {
    const { url } = worker("a", 0);
    const engine = { ...place.engine, eventsPublished: () => 5 };
    const silent = preflightRouter(router(url, [7]), traits({ kvEvents: true }), {
      ...place,
      engine,
    });
    const deaf = preflightRouter(router(url, [7]), traits({ kvEvents: true }), place);
    const said = await Promise.allSettled([silent, deaf]);
    expect(said.map((one) => (one as PromiseRejectedResult).reason.message)).toEqual([
      'Preflight: arm "kv" needs KV events, and the workers published none within 3 s of a prompt',
      'Preflight: arm "kv" needs KV events, and none arrived within 3 s of a prompt',
    ]);
  });

  test("that index no event are refused with the reason", async () => {
    const check = (index: Partial<IndexState>): Promise<string[]> => {
      const whole = { cachedBlocks: 0, otherBlockSize: 0, ignored: 0, ...index };
      const gateway: RunningRouter = {
        ...router(worker("a", 0).url, [...Array<number>(10).fill(1), 2]),
        state: async () => ({
          ...{ eventsApplied: 2, cost: undefined, faults: 0, firstFault: undefined, index: whole },
        }),
      };
      return preflightRouter(gateway, traits({ kvEvents: true }), place);
    };
    expect(await check({ cachedBlocks: 2 })).toEqual([]);
    const said = await Promise.allSettled([
      check({ otherBlockSize: 1, ignored: 1 }),
      check({ ignored: 1 }),
      check({}),
    ]);
    expect(
      said.map((one) => (one as PromiseRejectedResult).reason.message.split(": ").at(-1)),
    ).toEqual([
      "their blocks are of another size than the engine declares",
      "they are of layers that keep only part of the context (sliding windows, state spaces)",
      "none of them stored a block",
    ]);
  });

  test("that count no events must find the prefix of a prompt just sent", async () => {
    const behind = worker("a", 0, 128);
    const finding = (counts: number[]): RunningRouter => ({
      ...router(behind.url),
      prefixesFound: async () => (counts.length > 1 ? counts.shift()! : counts[0]!),
    });
    const promised = traits({ kvEvents: true, affinity: true });
    // The event is applied after the first copy that it could have found.
    expect(await preflightRouter(finding([0, 0, 1]), promised, place)).toEqual([]);
    await expect(preflightRouter(finding([0]), promised, place)).rejects.toThrow(
      'arm "kv" routes by KV events, and its index knew nothing of a prompt that a worker had just cached',
    );
  });

  test("that need events are given time to apply them", async () => {
    const { url } = worker("a", 0);
    // A replay still comes in (3, 4, 5) and rests for eight polls; then the prompt's own event.
    const states = [3, 4, 5, ...Array<number>(8).fill(5), 5, 5, 6];
    expect(await preflightRouter(router(url, states), traits({ kvEvents: true }), place)).toEqual(
      [],
    );
    expect(states).toEqual([6]);
  });
});
