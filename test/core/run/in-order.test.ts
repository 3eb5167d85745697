import { describe, expect, test } from "bun:test";
import { inOrder, type Hand } from "../../../core/run/in-order.ts";
import { randomStream } from "../../../core/base/random.ts";

/** Ends what it has begun when it is asked to. */
function slowHand() {
  const open = new Map<number, (outcome: string) => void>();
  const hand: Hand<number, string> = (item) => new Promise((resolve) => open.set(item, resolve));
  const end = async (item: number): Promise<void> => {
    open.get(item)!(`${item}!`);
    open.delete(item);
    await turn();
  };
  return { hand, end, open: () => [...open.keys()] };
}

/** All that can happen without anything from outside. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const ITEMS = [0, 1, 2, 3, 4, 5];

test("outcomes come in the order of the items, whichever hand is done first", async () => {
  const [a, b] = [slowHand(), slowHand()];
  const ended = inOrder(ITEMS, [a.hand, b.hand]);
  const first = ended.next();
  await turn();
  expect([a.open(), b.open()]).toEqual([[0], [1]]);
  await b.end(1);
  await b.end(2);
  expect([a.open(), b.open()]).toEqual([[0], [3]]);
  await a.end(0);
  expect((await first).value).toBe("0!");
  expect((await ended.next()).value).toBe("1!");
  expect((await ended.next()).value).toBe("2!");
});

test("one hand begins an item when the one before was taken", async () => {
  const { hand, end, open } = slowHand();
  const ended = inOrder(ITEMS, [hand]);
  const first = ended.next();
  await turn();
  await end(0);
  await first;
  expect(open()).toEqual([]);
  const second = ended.next();
  await turn();
  expect(open()).toEqual([1]);
  await end(1);
  expect((await second).value).toBe("1!");
});

test("hands do not run far ahead of a slow item", async () => {
  const [slow, quick] = [slowHand(), slowHand()];
  const items = Array.from({ length: 100 }, (_, i) => i);
  void inOrder(items, [slow.hand, quick.hand]).next();
  await turn();
  for (let item = 1; item < 8; item += 1) await quick.end(item);
  expect(quick.open()).toEqual([]);
});

test("a hand may join later", async () => {
  const [a, b] = [slowHand(), slowHand()];
  const { promise, resolve } = Promise.withResolvers<Hand<number, string>>();
  void inOrder(ITEMS, [a.hand, promise]).next();
  await turn();
  expect([a.open(), b.open()]).toEqual([[0], []]);
  resolve(b.hand);
  await turn();
  expect(b.open()).toEqual([1]);
});

test("an error is thrown in its turn, after the outcomes before it", async () => {
  const hand: Hand<number, number> = async (item) => {
    if (item === 3) throw new Error("three");
    return item;
  };
  const got: number[] = [];
  const all = (async () => {
    for await (const outcome of inOrder(ITEMS, [hand, hand])) got.push(outcome);
  })();
  expect(all).rejects.toThrow("three");
  await all.catch(() => {});
  expect(got).toEqual([0, 1, 2]);
});

test("nothing more is begun once the consumer has stopped", async () => {
  const { hand, end, open } = slowHand();
  const other = slowHand();
  const ended = inOrder(ITEMS, [hand, other.hand]);
  const first = ended.next();
  await turn();
  await end(0);
  await first;
  await ended.return();
  const begun = [open(), other.open()];
  await other.end(1);
  expect([open(), other.open()]).toEqual([begun[0]!, []]);
});

describe("for hands and items of any number", () => {
  for (let seed = 0; seed < 20; seed += 1) {
    test(`each item is worked on once, seed ${seed}`, async () => {
      const random = randomStream(seed, "in-order");
      const items = Array.from({ length: random.int(41) }, (_, i) => i);
      const worked: number[] = [];
      const hand: Hand<number, number> = async (item) => {
        worked.push(item);
        for (let turns = random.int(4); turns > 0; turns -= 1) await turn();
        return item;
      };
      const got: number[] = [];
      const hands = Array.from({ length: 1 + random.int(4) }, () => hand);
      for await (const outcome of inOrder(items, hands)) got.push(outcome);
      expect(got).toEqual(items);
      expect(worked.toSorted((a, b) => a - b)).toEqual(items);
    });
  }
});
