/** Each rule of the house, broken once on made-up sources. */
import { describe, expect, test } from "bun:test";
import type { Room } from "./rooms.ts";
import {
  circles,
  impure,
  libm,
  longFiles,
  longFunctions,
  sourceOf,
  unlisted,
  upward,
} from "./rules.ts";

const ROOMS: readonly Room[] = [
  { floor: 1, folder: "low", pure: true, holds: "" },
  { floor: 2, folder: "mid", pure: ["sum.ts"], holds: "" },
  { floor: 2, folder: "side", pure: ["!clock.ts"], holds: "" },
  { floor: 3, folder: "top/*", pure: false, holds: "" },
];

const FINE = [
  sourceOf("low/a.ts", `/** Adds. */\nexport const a = 1; // "Date.now" in a comment\n`),
  sourceOf("mid/sum.ts", `import { a } from "../low/a.ts";\nexport const text = "fetch(" + a;\n`),
  sourceOf("side/clock.ts", "export const nowMs = Date.now();\n"),
  sourceOf("top/one/b.ts", `import { text } from "../../mid/sum.ts";\nexport * from "./c.ts";\n`),
  sourceOf("top/one/c.ts", "export const c = 1;\n"),
];

const lines = (count: number): string => "  step();\n".repeat(count);

test("sound sources break none", () => {
  expect(unlisted(FINE, ROOMS)).toEqual([]);
  expect(upward(FINE, ROOMS)).toEqual([]);
  expect(circles(FINE)).toEqual([]);
  expect(impure(FINE, ROOMS)).toEqual([]);
  expect(libm(FINE)).toEqual([]);
  expect([...longFiles(FINE), ...longFunctions(FINE)]).toEqual([]);
});

describe("a rule notices", () => {
  test("a folder that the table lacks, and a room without files", () => {
    const [first] = FINE;
    expect(unlisted([first!, sourceOf("new/d.ts", "")], ROOMS.slice(0, 2))).toEqual([
      "new is not in the table",
      "mid is empty",
    ]);
  });

  test("an import of a higher floor, also of types, of a side room, and by the name of a door", () => {
    const breaking = [
      sourceOf("low/up.ts", `import type { text } from "../mid/sum.ts";\n`),
      sourceOf("mid/aside.ts", `import { nowMs } from "../side/clock.ts";\n`),
      sourceOf("low/late.ts", `const c = await import("../top/one/c.ts");\n`),
    ];
    expect(upward([...FINE, ...breaking], ROOMS)).toEqual([
      "low/up.ts (1) -> mid/sum.ts (2)",
      "mid/aside.ts (2) -> side/clock.ts (2)",
      "low/late.ts (1) -> top/one/c.ts (3)",
    ]);
    const rooms = [...ROOMS, { floor: 9, folder: "core/doors", pure: false, holds: "" }];
    const door = sourceOf("core/doors/dynbench.ts", "");
    const plugin = sourceOf("low/plugin.ts", `import { define } from "dynbench";\n`);
    expect(upward([door, plugin], rooms)).toEqual([
      "low/plugin.ts (1) -> core/doors/dynbench.ts (9)",
    ]);
  });

  test("a circle of three in one room, closed by a type, and a file that imports itself", () => {
    const found = circles([
      sourceOf("low/x.ts", `export { y } from "./y.ts";\n`),
      sourceOf("low/y.ts", `import { z } from "./z.ts";\n`),
      sourceOf("low/z.ts", `import type { x } from "./x.ts";\n`),
      sourceOf("low/own.ts", `import "./own.ts";\n`),
    ]);
    expect(found).toEqual([
      "low/x.ts -> low/y.ts -> low/z.ts -> low/x.ts",
      "low/own.ts -> low/own.ts",
    ]);
  });

  test("an effect in a pure file, and an import of a file that is not pure", () => {
    const breaking = [
      sourceOf("low/now.ts", "export const nowMs = Date.now();\n"),
      sourceOf("low/read.ts", `import { readFileSync } from "node:fs";\n`),
      sourceOf("side/wait.ts", `import { nowMs } from "./clock.ts";\n`),
    ];
    expect(impure([...FINE, ...breaking], ROOMS)).toEqual([
      "low/now.ts: Date.now",
      "low/read.ts: node:fs",
      "side/wait.ts -> side/clock.ts",
    ]);
  });

  test("the C library's functions, and powers", () => {
    const found = libm([
      sourceOf("low/e.ts", "export const e = Math.exp(1);\n"),
      sourceOf("low/p.ts", "export const p = 2 ** 0.5;\n"),
    ]);
    expect(found).toEqual(["low/e.ts", "low/p.ts"]);
  });

  test("a file of 401 lines", () => {
    expect(longFiles([sourceOf("low/long.ts", lines(401))])).toEqual(["low/long.ts: 401 lines"]);
    expect(longFiles([sourceOf("low/full.ts", lines(400))])).toEqual([]);
  });

  test("a function of 71 lines: named, a method, an arrow, with parameters on lines of their own", () => {
    const long = (name: string, head: string): string[] => {
      const indent = /^ */.exec(head)![0];
      const body = (count: number): string =>
        `${head} {\n${`${indent}  step();\n`.repeat(count)}${indent}}\n`;
      const below = 69 - head.split("\n").length;
      expect(longFunctions([sourceOf(name, body(below))])).toEqual([]);
      return longFunctions([sourceOf(name, body(below + 1))]);
    };
    expect(long("low/f.ts", "export async function f(a: number): Promise<void>")).toEqual([
      "low/f.ts:1: 71 lines",
    ]);
    expect(long("low/m.ts", "  async #method(a: number): Promise<void>")).toEqual([
      "low/m.ts:1: 71 lines",
    ]);
    expect(long("low/a.ts", "export const a = (b: number): void =>")).toEqual([
      "low/a.ts:1: 71 lines",
    ]);
    expect(long("low/p.ts", "export function p(\n  a: number,\n): { b: number }")).toEqual([
      "low/p.ts:1: 71 lines",
    ]);
  });
});
