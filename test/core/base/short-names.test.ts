/** Names cut to a width stay different names. */
import { expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import { shortNames } from "../../../core/base/short-names.ts";

test("names that fit are left alone, and a long one is cut in its middle", () => {
  expect(shortNames(["kv", "random"], 6)).toEqual(["kv", "random"]);
  expect(shortNames(["abcdefghij"], 6)).toEqual(["ab…hij"]);
});

test("arms of compared runs keep what tells them apart", () => {
  const arms = ["kv", "round-robin", "random"].map((mode) => `dynamo(mode=${mode}) (dyn-modes)`);
  expect(shortNames(arms, 18)).toEqual([
    "dynamo(…kv…-modes)",
    "dy…round-robin…es)",
    "dynam…random…odes)",
  ]);
});

test("names of one form get the words cut that all of them have", () => {
  const arms = [0.1, 0.25].flatMap((temperature) =>
    [1, 100].map((credit) => `kv(temperature=${temperature} overlap-credit=${credit})`),
  );
  expect(shortNames(arms, 26)).toEqual([
    "kv(tempe…=0.1 overl…=1)",
    "kv(tempe…=0.1 overl…=100)",
    "kv(tempe…=0.25 overl…=1)",
    "kv(tempe…=0.25 overl…=100)",
  ]);
});

test("a number is kept whole", () => {
  const arms = ["0.1", "0.15", "0.2"].map((t) => `kv(temperature=${t} overlapCredits=4) (live)`);
  for (const [i, name] of shortNames(arms, 16).entries()) {
    expect(name).toContain(["0.1", "0.15", "0.2"][i]!);
  }
});

test("whatever the names and the width: as many names as before, none too wide", () => {
  const random = randomStream(5, "names");
  const word = (): string =>
    Array.from({ length: 1 + random.int(12) }, () => "ab(=.1 é"[random.int(8)]!).join("");
  for (let round = 0; round < 300; round += 1) {
    const words = Array.from({ length: 1 + random.int(4) }, word);
    const pick = (): string => words[random.int(words.length)]!;
    const names = Array.from({ length: 1 + random.int(30) }, () => pick() + pick() + pick());
    const width = 6 + random.int(20);
    const short = shortNames(names, width);
    expect(new Set(short).size).toBe(new Set(names).size);
    for (const name of short) expect(name.length).toBeLessThanOrEqual(width);
  }
});
