/** Ending several programs at the same time. */
import { expect, test } from "bun:test";
import { endedTogether } from "../../../core/process/ended-together.ts";

test("none waits for another's end, and programs that started later end first", async () => {
  const order: string[] = [];
  const begun = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const stack = new AsyncDisposableStack();
  const keep = endedTogether(stack);
  // Each ends only once the other has begun to: one after the other they would wait for ever.
  const ending = (own: "a" | "b", other: "a" | "b") => ({
    [Symbol.asyncDispose]: async () => {
      begun[own].resolve();
      await begun[other].promise;
      order.push(own);
    },
  });
  keep(ending("a", "b"));
  stack.defer(() => void order.push("later"));
  keep(ending("b", "a"));
  await stack.disposeAsync();
  expect(order[0]).toBe("later");
  expect(order.toSorted()).toEqual(["a", "b", "later"]);
});

test("one that cannot be ended is reported after all others have ended", async () => {
  const ended: string[] = [];
  const stack = new AsyncDisposableStack();
  const keep = endedTogether(stack);
  keep({ [Symbol.asyncDispose]: () => Promise.reject(new Error("stuck")) });
  keep({ [Symbol.asyncDispose]: async () => void ended.push("other") });
  await expect(stack.disposeAsync()).rejects.toThrow("stuck");
  expect(ended).toEqual(["other"]);
});

test("one added after the end is ended at once", async () => {
  const stack = new AsyncDisposableStack();
  const keep = endedTogether(stack);
  await stack.disposeAsync();
  const ended = Promise.withResolvers<string>();
  keep({ [Symbol.asyncDispose]: async () => ended.resolve("ended") });
  expect(await ended.promise).toBe("ended");
});
