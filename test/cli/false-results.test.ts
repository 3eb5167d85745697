/**
 * Routers with faults that have led to withdrawn benchmarks, through the binary: none of them is
 * trusted. And the opposite: routers that promise no affinity, or may leave workers idle, are trusted.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const LOAD = [
  ...["--workers", "4", "--isl", "1000", "--osl", "20", "--requests", "120"],
  ...["--prefix-ratio", "0.5", "--num-prefix-prompts", "40"],
];

/** A policy that declares `traits` and picks by `pick`, the text of a function. */
function policyFile(name: string, traits: string, pick: string): string {
  const path = `${name}.ts`;
  const source = `import { defineRouter, v } from "dynbench";
export default defineRouter({
  name: "${name}", summary: "x", options: v.strictObject({}), plane: "http",
  traits: () => ({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false, ${traits} }),
  policy: () => ({ reads: ["overlap"], index: { source: "events" }, pick: ${pick} }),
});
`;
  writeFileSync(join(cwd, path), source);
  return path;
}

async function simulate(
  ...args: string[]
): Promise<{ exitCode: number | undefined; found: string[] }> {
  const run = ["run", "--clock", "virtual", "--json", ...LOAD, ...args];
  const { exitCode, stdout, stderr } = await dynbench(run, { cwd });
  if (stdout === "") throw new Error(stderr);
  const { verdict } = JSON.parse(stdout) as Summary;
  const heavy = verdict.reasons.filter(({ severity }) => severity === "untrusted");
  return { exitCode, found: heavy.map(({ id }) => id) };
}

const FIRST = "(_request, view) => view.eligible[0]";

test("one worker that serves everything, behind a router that should use them all", async () => {
  const file = policyFile("first", "spreads: true", FIRST);
  expect(await simulate("--plugin", file, "--router", "first", "--out", "first")).toEqual({
    ...{ exitCode: 5, found: ["idle-worker"] },
  });
});

test("requests without a cached prefix always go to the first worker", async () => {
  const longest = `(_request, view) => {
    let best = view.eligible[0];
    for (const worker of view.eligible) if (view.overlapBlocks[worker] > view.overlapBlocks[best]) best = worker;
    return best;
  }`;
  const file = policyFile("sticky-first", "affinity: true, kvEvents: true", longest);
  expect(await simulate("--plugin", file, "--router", "sticky-first", "--out", "sticky")).toEqual({
    ...{ exitCode: 5, found: ["cold-on-one"] },
  });
});

test("routers that do what they declare are trusted", async () => {
  const arms = "kv,kv-approx,prefix-hash,cache-aware,round-robin,random,least-loaded,power-of-two";
  expect(await simulate("--router", arms, "--out", "honest")).toEqual({ exitCode: 0, found: [] });
  // With one group, all prompts stay on one worker, and three have nothing to do.
  const idle = ["--router", "prefix-hash", "--num-prefix-prompts", "1", "--out", "idle"];
  expect(await simulate(...idle)).toEqual({ exitCode: 0, found: [] });
});
