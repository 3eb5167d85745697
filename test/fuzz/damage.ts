/** A text file with a few faults, as tools, disks and people make them; one in eight stays whole. */
import type { RandomStream } from "../../core/base/random.ts";

export function damaged(text: string, random: RandomStream): { text: string; how: string } {
  const count = random.int(8) === 0 ? 0 : 1 + random.int(3);
  const names = Object.keys(DAMAGES);
  const how: string[] = [];
  let now = text;
  for (let i = 0; i < count; i += 1) {
    const name = names[random.int(names.length)]!;
    now = DAMAGES[name]!(now, random);
    how.push(name);
  }
  return { text: now, how: how.length === 0 ? "whole" : how.join(" and ") };
}

type Damage = (text: string, random: RandomStream) => string;

/** What a value may turn into; each as it stands in JSON or a table. */
const VALUES = [
  ...["null", "true", "0", "-1", "1.5", "1e308", "1e999", "-1e308", "9007199254740993"],
  ...[
    "18446744073709551616",
    "100000001",
    '""',
    '"x"',
    '"1"',
    "[]",
    "{}",
    "[null]",
    "NaN",
    "Infinity",
  ],
  ...["-", '"\\u0000"', '"\u202e"', '{"__proto__":1}', "0x10", "1_000", "01"],
];

/** Within lines of JSON, a value after a colon or in a list; within a table, a cell. */
const VALUE = /(?<=[:[,])(?:"[^"]*"|[^,\]}\n]+)(?=[,\]}\n])/g;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "another value": (text, random) => {
    const places = [...text.matchAll(VALUE)];
    if (places.length === 0) return text;
    const { index, 0: old } = places[random.int(places.length)]!;
    return `${text.slice(0, index)}${oneOf(VALUES, random)}${text.slice(index + old.length)}`;
  },
  "a key less": (text, random) => {
    const keys = [...text.matchAll(/"\w+":/g)];
    if (keys.length === 0) return text;
    const { index, 0: key } = keys[random.int(keys.length)]!;
    return `${text.slice(0, index)}"lost":${text.slice(index + key.length)}`;
  },
  "a cut": (text, random) => text.slice(0, random.int(text.length + 1)),
  "a gap": (text, random) => {
    const at = random.int(text.length + 1);
    return text.slice(0, at) + text.slice(at + random.int(20));
  },
  "other characters": (text, random) => {
    const at = random.int(text.length + 1);
    const odd = [
      "\u0000",
      '"',
      "{",
      "]",
      ",",
      "\n",
      "\r",
      "\u2028",
      "💥",
      "\\",
      " ",
      "\ufeff",
      "é",
    ];
    return text.slice(0, at) + oneOf(odd, random).repeat(1 + random.int(3)) + text.slice(at);
  },
  "lines in another order": (text, random) => random.shuffle(text.split("\n")).join("\n"),
  "a line twice": (text, random) => {
    const lines = text.split("\n");
    const line = lines[random.int(lines.length)]!;
    return [...lines, line].join("\n");
  },
  "another end of lines": (text) => text.replaceAll("\n", "\r\n"),
  "a beginning of its own": (text, random) =>
    oneOf(["\ufeff", "\n\n", "# head\n", "[", "{\n", "﻿", '{"x":1}\n'], random) + text,
  "deep nesting": (text, random) => {
    const depth = 10 ** (1 + random.int(5));
    return text.replace(/:[^,}\]\n]+/, `:${"[".repeat(depth)}${"]".repeat(depth)}`);
  },
  "a long run": (text, random) => {
    const at = random.int(text.length + 1);
    const run = oneOf([" ", "9", "[", "}", '"', "\\", "a", ",", "\n"], random);
    return text.slice(0, at) + run.repeat(10 ** (2 + random.int(4))) + text.slice(at);
  },
  "many columns": (text) => text.replace("\n", `${",x".repeat(10_000)}\n`),
  noise: (_text, random) =>
    Array.from({ length: random.int(200) }, () => String.fromCharCode(random.int(256))).join(""),
};

function oneOf<T>(items: readonly T[], random: RandomStream): T {
  return items[random.int(items.length)]!;
}
