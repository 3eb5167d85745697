/** Items worked on by several hands at once, and their outcomes in the order of the items. */

/** Works on one item after another. */
export type Hand<Item, Outcome> = (item: Item) => Promise<Outcome>;

/** Items begun before the first one that is not over, for each of several hands. */
const AHEAD_OF_A_HAND = 4;

/**
 * Yields each item's outcome in its turn, however the hands overtake each other; one hand alone begins
 * an item when the one before has been taken. A hand may join later. Throws what a hand threw, in that
 * item's turn. Begins nothing more once the consumer has stopped.
 */
export async function* inOrder<Item, Outcome>(
  items: readonly Item[],
  hands: readonly (Hand<Item, Outcome> | Promise<Hand<Item, Outcome>>)[],
): AsyncGenerator<Outcome, void> {
  const ahead = hands.length === 1 ? 1 : AHEAD_OF_A_HAND * hands.length;
  const begun = new Map<number, Promise<Outcome>>();
  let next = 0;
  let taken = 0;
  let moved = Promise.withResolvers<void>();
  const move = (): void => {
    moved.resolve();
    moved = Promise.withResolvers();
  };
  const work = async (joins: (typeof hands)[number]): Promise<void> => {
    const hand = await joins;
    while (next < items.length) {
      if (next - taken >= ahead) {
        await moved.promise;
        continue;
      }
      const at = next;
      next += 1;
      const outcome = hand(items[at]!);
      begun.set(at, outcome);
      move();
      await outcome.catch(() => {}); // thrown in its turn
    }
  };
  for (const hand of hands) void work(hand);
  try {
    for (; taken < items.length; taken += 1) {
      while (!begun.has(taken)) await moved.promise;
      const outcome = await begun.get(taken)!;
      begun.delete(taken);
      yield outcome;
      move();
    }
  } finally {
    next = items.length;
    move();
  }
}
