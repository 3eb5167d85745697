/**
 * Requirements for `start` of an engine and of an external router: it starts completely or not at all,
 * ends in time when aborted, and leaves nothing behind however it ends.
 */
import { afterAll, expect, test } from "bun:test";
import { messageOf } from "dynbench";
import type { Processes, StartContext } from "dynbench/engine";
import type { TriedContext } from "./in-process.ts";

export type Check = (name: string, run: () => Promise<void> | void) => void;

/** The contract's "within a second", with room for a busy machine. */
const ABORT_LIMIT_MS = 3_000;
/** Ours give a foreign program 15 s before they kill it. */
const DISPOSE_LIMIT_MS = 20_000;

interface Suite {
  readonly context: () => TriedContext;
  readonly skip?: Readonly<Record<string, string>>;
}

/** Contexts that are ended with the suite, and tests that may be skipped by name. */
export function triedParts({ context, skip = {} }: Suite) {
  const made: TriedContext[] = [];
  const names = new Set<string>();
  afterAll(async () => {
    for (const one of made) await one[Symbol.asyncDispose]?.();
  });
  return {
    context: (): TriedContext => {
      const one = context();
      made.push(one);
      return one;
    },
    check: (name: string, run: () => Promise<void> | void): void => {
      names.add(name);
      const reason = skip[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name}: ${reason}`, run);
    },
    /** Fails when a skipped test was renamed. */
    checkSkips: (): void => {
      test("skips only tests that there are", () => {
        expect(Object.keys(skip).filter((name) => !names.has(name))).toEqual([]);
      });
    },
  };
}

interface Started<Handle extends AsyncDisposable> {
  readonly context: () => TriedContext;
  start(context: StartContext): Promise<Handle>;
  /** Addresses of its own, where something listens while it is up. */
  urls(handle: Handle): readonly string[];
  /** A foreign program listens there, and goes on. */
  readonly isAttached?: boolean;
}

export function testStarts<Handle extends AsyncDisposable>(
  { context: make, start, urls, isAttached = false }: Started<Handle>,
  check: Check,
): void {
  const leaves = isAttached
    ? "leaves nothing running and its servers as they are, and may be disposed twice"
    : "leaves nothing running or listening, and may be disposed twice";
  check(leaves, async () => {
    const context = make();
    const handle = await start(context);
    const addresses = urls(handle);
    for (const _ of [1, 2]) await within(DISPOSE_LIMIT_MS, disposed(handle));
    expect([...context.running]).toEqual([]);
    for (const url of addresses) expect(await listens(url)).toBe(isAttached);
  });

  check("may be disposed twice at once", async () => {
    const context = make();
    const handle = await start(context);
    await within(DISPOSE_LIMIT_MS, Promise.all([disposed(handle), disposed(handle)]));
    expect([...context.running]).toEqual([]);
  });

  check("an abort before the start rejects", async () => {
    const context = make();
    context.abort();
    expect(await within(ABORT_LIMIT_MS, outcomeOf(start(context)))).toBe("rejected");
    expect([...context.running]).toEqual([]);
  });

  check("an abort during the start ends it in time and leaves nothing running", async () => {
    const context = make();
    const starting = start(context);
    context.abort();
    // What needs no time may have come up all the same.
    await within(
      ABORT_LIMIT_MS,
      starting.then(disposed, () => {}),
    );
    expect([...context.running]).toEqual([]);
  });

  check(
    "an abort after each process it started rejects in time and leaves nothing running",
    async () => {
      const count = await processesOf(make, start);
      for (let after = 1; after <= count; after += 1) {
        const context = make();
        const aborted = Promise.withResolvers<void>();
        const starting = start(
          watched(context, (started) => {
            if (started !== after) return;
            context.abort();
            aborted.resolve();
          }),
        );
        const outcome = outcomeOf(starting);
        await Promise.race([aborted.promise, outcome]);
        expect(await within(ABORT_LIMIT_MS, outcome)).toBe("rejected");
        expect([...context.running]).toEqual([]);
      }
    },
  );

  check("a process that cannot be started takes the others with it", async () => {
    let whole = 0;
    const count = await processesOf(make, async (context) => {
      const handle = await start(context);
      whole = urls(handle).length;
      return handle;
    });
    for (let failing = 1; failing <= count; failing += 1) {
      const context = make();
      const fault = new Error(`process ${failing} cannot be started`);
      const starting = start(
        watched(
          context,
          () => {},
          (number) => {
            if (number === failing) throw fault;
          },
        ),
      );
      // A process that only answers a question may be optional: then the start is complete without it.
      const told = await within(
        DISPOSE_LIMIT_MS,
        starting.then(async (handle) => {
          expect(urls(handle)).toHaveLength(whole);
          await disposed(handle);
        }, messageOf),
      );
      if (told !== undefined) expect(told).not.toBe("");
      expect([...context.running]).toEqual([]);
    }
  });
}

function outcomeOf(starting: Promise<unknown>): Promise<"came up" | "rejected"> {
  return starting.then(
    () => "came up",
    () => "rejected",
  );
}

async function disposed(handle: AsyncDisposable): Promise<void> {
  await handle[Symbol.asyncDispose]();
}

/** How many processes a start takes. */
async function processesOf<Handle extends AsyncDisposable>(
  make: () => TriedContext,
  start: (context: StartContext) => Promise<Handle>,
): Promise<number> {
  let count = 0;
  await using _ = await start(watched(make(), (started) => (count = started)));
  return count;
}

/** The same context, with a callback before and after each process, with its number. */
function watched(
  context: TriedContext,
  after: (number: number) => void,
  before: (number: number) => void = () => {},
): StartContext {
  let begun = 0;
  let started = 0;
  const wrap =
    <Words extends unknown[], Handle>(begin: (...words: Words) => Promise<Handle>) =>
    async (...words: Words): Promise<Handle> => {
      begun += 1;
      before(begun);
      const handle = await begin(...words);
      started += 1;
      after(started);
      return handle;
    };
  const processes: Processes = {
    startSelf: wrap((...words) => context.processes.startSelf(...words)),
    startForeign: wrap((...words) => context.processes.startForeign(...words)),
  };
  return new Proxy(context, {
    get: (target, name) => (name === "processes" ? processes : Reflect.get(target, name)),
  });
}

/** The result of the promise, or a rejection when it takes longer. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`it took more than ${limitMs / 1000} s`)),
    limitMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function listens(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    () => true,
    () => false,
  );
}
