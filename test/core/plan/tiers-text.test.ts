import { describe, expect, test } from "bun:test";
import { parseTiers } from "../../../core/plan/load-texts.ts";

describe("the text of --tiers", () => {
  test("names a share and a priority of each tier, in order", () => {
    expect(parseTiers("low=0.5:0, medium=.3:1,high=0.2:2")).toEqual([
      { name: "low", share: 0.5, priority: 0 },
      { name: "medium", share: 0.3, priority: 1 },
      { name: "high", share: 0.2, priority: 2 },
    ]);
  });

  test("leaves priorities out for tenants, and takes negative ones", () => {
    expect(parseTiers("acme=0.75,initech=0.25:-3")).toEqual([
      { name: "acme", share: 0.75 },
      { name: "initech", share: 0.25, priority: -3 },
    ]);
  });

  test.each([
    ["", `expected NAME=SHARE:PRIORITY, got ""`],
    ["a", `expected NAME=SHARE:PRIORITY, got "a"`],
    ["a=1,", `expected NAME=SHARE:PRIORITY, got ""`],
    ["a=0", `expected NAME=SHARE:PRIORITY, got "a=0"`],
    ["a=-1", `expected NAME=SHARE:PRIORITY, got "a=-1"`],
    ["a=1:x", `expected NAME=SHARE:PRIORITY, got "a=1:x"`],
    ["a=1:2.5", `expected NAME=SHARE:PRIORITY, got "a=1:2.5"`],
    ["a=1:9999999999", `expected NAME=SHARE:PRIORITY, got "a=1:9999999999"`],
    ["a=0.5,a=0.5", `has "a" twice`],
    ["a=0.5,b=0.3", "has shares that add up to 0.8, not to 1"],
  ])("%p is a fault with a hint", (text, fault) => {
    expect(parseTiers(text)).toEqual({ fault, hint: expect.stringContaining("--tiers low=") });
  });
});
