import { describe, expect, test } from "bun:test";
import { allOrNone } from "../../../core/process/task.ts";

describe("all or none", () => {
  /** Ends on abort, and rejects a turn later. */
  const patient = (signal: AbortSignal, ended: string[], name: string): Promise<never> => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () =>
      setImmediate(() => {
        ended.push(name);
        reject(new Error(`${name} was given up`));
      }),
    );
    return promise;
  };

  test("returns the result of each", async () => {
    const never = new AbortController().signal;
    const [a, b] = await allOrNone(never, () => [Promise.resolve(1), Promise.resolve("two")]);
    expect([a + 1, b.length]).toEqual([2, 3]);
  });

  test("one that fails ends the others, and is reported when they have ended", async () => {
    const ended: string[] = [];
    const fault = new Error("no");
    const never = new AbortController().signal;
    const asked = allOrNone(never, (signal) => [
      patient(signal, ended, "first"),
      Promise.reject(fault),
      patient(signal, ended, "last"),
    ]);
    expect(await asked.catch((error: unknown) => error)).toBe(fault);
    expect(ended).toEqual(["first", "last"]);
  });

  test("an abort from outside reaches each, and is reported when all have ended", async () => {
    const ended: string[] = [];
    const stop = new AbortController();
    const asked = allOrNone(stop.signal, (signal) => [
      patient(signal, ended, "first"),
      patient(signal, ended, "last"),
    ]);
    stop.abort();
    await expect(asked).rejects.toThrow("was given up");
    expect(ended).toEqual(["first", "last"]);
  });
});
